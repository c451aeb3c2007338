"""The published CHO-K1 images (Stallmann, Kenneweg, Hammer: PUB Bielefeld record 2960030) as a manifest.

The published layout: `128p_bf/` and `128p_pc/`, each with a `train.csv` and a `test.csv` without header, rows
`../data/128p_bf/train_set1/NAME.jpg,LABEL`. Label 0 means unlabelled. A name tells chamber and frame: bright
field `train_set4/...t008c1` is chamber 4 frame 8, phase contrast `nd063_cropxy01t005c1` chamber 01 frame 5.
"""

import csv
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.data.read_all import read_all, size_fault
from twincell.errors import UserError
from twincell.faults import Fault, error, refuse
from twincell.files import fresh_dir, write_atomic
from twincell.io.images import GreyImage
from twincell.locks import NAME as LOCK
from twincell.locks import locked
from twincell.progress import track

MODALITIES = ("bf", "pc")
SPEC = ImageSpec(height=128, width=128)
"""The published images: 128 pixels a side, as the folders' names say."""
CHAMBER = {"bf": re.compile(r"_set(\d+)/"), "pc": re.compile(r"xy(\d+)t\d+c\d+\.\w+$")}
FRAME = re.compile(r"t(\d+)c\d+\.\w+$")

SOURCE = """Natural CHO-K1 time-lapse images, converted to 8-bit grey PNG; counts as published.
Please cite: Stallmann, Kenneweg, Hammer: Natural and synthetic CHO-K1 time-lapse suspension cell microscopy
images, PUB Bielefeld record 2960030. Their licence is not stated in the files: ask before passing them on.
"""


@dataclass(frozen=True)
class _Row:
    """One line of a published table: where it stands, the file it names, its label (0 = unlabelled)."""

    where: str
    source: str
    label: int
    split: str
    modality: str


def import_cho_k1(folder: str | Path, out: str | Path, progress: bool = True) -> Manifest:
    """Writes the published layout as `OUT/manifest.csv` and 8-bit grey PNG copies under `OUT/images/`.

    Copies rather than references: every file has to be decoded anyway to find the damaged ones, RGB becomes
    grey once and for good, and the folder stays whole when either place moves. Pixels of grey files are kept
    exactly.

    Args:
        folder: holds `128p_bf` or `128p_pc` or both.
        out: an empty or new folder; it appears only when all is written.
        progress: show a bar.

    Returns:
        The manifest written; its extra column `source` names the published file.

    Raises:
        UserError: missing tables, rows or names that cannot be understood, missing and damaged images: all of
            them together, before anything is written.
    """
    folder, out = Path(folder), fresh_dir(out).resolve()
    rows = _published_rows(folder)
    table, faults = _table(rows)
    images: dict[str, GreyImage] = {}
    paths = [folder / row.source for row in rows]
    read = read_all(paths, [0] * len(rows), progress, convert=True)
    for row, path, image in zip(rows, paths, read, strict=True):
        fault = image if isinstance(image, Fault) else size_fault(image, path, SPEC)
        if fault:
            faults.append(fault)
        elif not isinstance(image, Fault):
            images[_target(row.source)] = image
    refuse(faults)
    with locked(out.parent, f"{LOCK}.{out.name[:80]}"):  # beside `out`, which has to be empty to be replaced
        return _write(table, images, fresh_dir(out), progress)


def _published_rows(folder: Path) -> list[_Row]:
    """All lines of all tables.

    Raises:
        UserError: for all missing tables and malformed lines together.
    """
    present = [modality for modality in MODALITIES if (folder / f"128p_{modality}").is_dir()]
    if not present:
        raise UserError(f"{folder}: holds neither 128p_bf nor 128p_pc; name the folder that holds them")
    rows: list[_Row] = []
    faults: list[Fault] = []
    for modality in present:
        for split in ("train", "test"):
            path = folder / f"128p_{modality}" / f"{split}.csv"
            try:
                rows += _lines(path, split, modality, faults)
            except (OSError, UnicodeDecodeError, csv.Error) as failure:
                reason = failure.strerror if isinstance(failure, OSError) else failure
                faults.append(error(path, f"cannot be read ({reason})", "copy it again from the source"))
    refuse(faults)
    return rows


def _lines(path: Path, split: str, modality: str, faults: list[Fault]) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, cells in enumerate(csv.reader(file), 1):
            where = f"{path}, line {number}"
            if not any(cells):
                continue
            if len(cells) != 2:
                faults.append(error(where, f"has {len(cells)} cells", "write a path, a comma and a label"))
            elif not re.fullmatch(r"\d+", cells[1].strip()):
                cure = "write the number of cells, or 0 for an unlabelled image"
                faults.append(error(where, f"label {cells[1]!r} is not a whole number", cure))
            else:
                source = cells[0].strip().removeprefix("../data/")
                yield _Row(where, source, int(cells[1]), split, modality)


def _table(rows: list[_Row]) -> tuple[pd.DataFrame, list[Fault]]:
    """The manifest's table, and the faults of names; a table with faults is not for use."""
    faults, entries = [], []
    lines: dict[object, str] = {}
    for row in rows:
        if ".." in Path(row.source).parts or Path(row.source).is_absolute():
            faults.append(
                error(row.where, f"{row.source!r} lies outside the folder", "write ../data/128p_..")
            )
            continue
        chamber, frame = CHAMBER[row.modality].search(row.source), FRAME.search(row.source)
        if chamber is None or frame is None:
            form = "train_setK/..tFFFcN.jpg" if row.modality == "bf" else "..xyKKtFFFcN.jpg"
            faults.append(
                error(row.where, f"{row.source!r} names no chamber and frame", f"name it like {form}")
            )
            continue
        place = (f"{row.modality}-{chamber[1]}", int(frame[1]))
        first = lines.setdefault(place, row.where)
        if first != row.where:
            what = f"{row.source!r} is chamber {place[0]} frame {place[1]}, which stands at {first} already"
            faults.append(error(row.where, what, "drop one of the two"))
        entries.append(
            {
                "image": _target(row.source),
                "count": row.label or None,
                "split": row.split,
                "modality": row.modality,
                "origin": "natural",
                "chamber": place[0],
                "frame": place[1],
                "source": row.source,
            }
        )
    return pd.DataFrame(entries), faults


def _target(source: str) -> str:
    return f"images/{Path(source).with_suffix('.png').as_posix()}"


def _write(table: pd.DataFrame, images: dict[str, GreyImage], out: Path, progress: bool) -> Manifest:
    """Everything into a folder beside `out`, which then takes its place: half an import is never seen."""
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for parent in {(partial / name).parent for name in images}:
        parent.mkdir(parents=True, exist_ok=True)

    def save(name: str) -> None:
        Image.fromarray(images[name]).save(
            partial / name, compress_level=1
        )  # 1: a fifth of the time, 10 % larger

    with ThreadPoolExecutor() as pool:
        for _ in track(pool.map(save, images), "writing images", total=len(images), show=progress):
            continue
    write_atomic(partial / "SOURCE.txt", SOURCE)
    write_spec(partial, SPEC)
    Manifest(table, partial).write(partial)
    out.rmdir()
    partial.rename(out)
    return Manifest(table, out)
