"""From what the user names - files, folders, stacks, a manifest - to one table of frames, not yet read."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from twincell.data import rows as manifest_rows
from twincell.data.manifest import NAME as MANIFEST
from twincell.data.manifest import Manifest, manifest_path
from twincell.errors import UserError
from twincell.faults import Fault, FaultError, error, refuse
from twincell.io.stacks import StackInfo, describe, pages

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
TIFFS = frozenset({".tif", ".tiff"})
NEED_IMPORT = frozenset({".nd2", ".czi", ".lif", ".zarr", ".oir", ".vsi"})
COLUMNS = (
    "chamber", "frame", "time_h", "image", "path", "page", "modality", "origin", "counted", "series", "noted"
)  # fmt: skip


@dataclass
class Frames:
    """Everything to be counted, in the order of counts.csv.

    Attributes:
        table: one row per frame: `chamber` ("" = a picture for itself), `frame`, `time_h` (NaN = unknown),
            `image` (as the user knows it), `path`, `page`, `modality` and `origin` ("" = not said), `counted`
            (a person's count, NaN = none), `series` (whether the row is part of a time-lapse), `noted` (why
            not to trust the image, by a manifest's column `flag`, as `twincell import stack` writes it).
        stacks: the stacks among the paths.
        notes: what was decided or left out, to be printed.
    """

    table: pd.DataFrame
    stacks: dict[str, StackInfo] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True)
class Choices:
    """What the user says about inputs that do not say it themselves."""

    axes: str | None = None
    modality: str | None = None
    minutes: float | None = None
    single: bool = False


def gather(inputs: Sequence[str | Path], choices: Choices) -> Frames:
    """All frames of all inputs.

    A folder, or the single files named, form a time-lapse where their names differ in exactly one number,
    which then is the frame; otherwise each picture stands for itself. A stack is a time-lapse of its own.
    A manifest says all this itself.

    Raises:
        UserError: everything that keeps an input from being understood, all at once.
    """
    found = Frames(pd.DataFrame(columns=list(COLUMNS)))
    parts: list[pd.DataFrame] = []
    faults: list[Fault] = []
    loose: list[Path] = []
    for name in inputs:
        path = Path(name)
        try:
            if path.suffix.lower() in NEED_IMPORT:
                raise FaultError(
                    error(path, "is a microscope's own format", "bring it in with `twincell import stack`")
                )
            if not path.exists():
                raise FaultError(
                    error(path, "is missing", "name files, folders, TIFF stacks or a manifest.csv")
                )
            if path.suffix == ".csv" or (path / MANIFEST).is_file():
                parts.append(_of_manifest(path, choices))
            elif path.is_dir():
                parts.extend(_of_folder(path, choices, found))
            elif path.suffix.lower() not in SUFFIXES:
                raise FaultError(error(path, "is no picture, stack or manifest", f"use {_known()}"))
            elif path.suffix.lower() in TIFFS and _is_stack(path):
                parts.append(_of_stack(path, choices, found))
            else:
                loose.append(path)
        except FaultError as problem:
            faults.append(problem.fault)
    for folder in dict.fromkeys(path.parent for path in loose):
        own = [path for path in loose if path.parent == folder]
        parts.append(_of_files(own, folder.resolve().name or str(folder), choices, found))
    refuse(faults)
    parts = [part for part in parts if len(part)]
    if not parts:
        raise UserError(f"nothing to count in {', '.join(map(str, inputs))}; use {_known()}")
    found.table = pd.concat(_named_apart(parts), ignore_index=True)
    return found


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Sorts t2 before t10: digits compare as numbers."""
    words = re.split(r"(\d+)", path.name)
    return [(0, int(word)) if word.isdigit() else (1, word) for word in words if word]


def _of_manifest(path: Path, choices: Choices) -> pd.DataFrame:
    """A manifest's rows; missing image files are left to be flagged, every other fault is refused here."""
    path = manifest_path(path)
    rows = manifest_rows.read_rows(path)
    refuse(f for f in manifest_rows.examine(rows, path)[0] if "is missing (looked for" not in f.what)
    if choices.modality is not None:
        what = "says the modality of each image itself"
        raise FaultError(error(path, what, "leave out --modality, or correct the manifest"))
    manifest = Manifest(manifest_rows.typed(rows), path.parent)
    table = manifest.table
    natural_rows = table["origin"] == "natural"
    per_chamber = table.groupby(["modality", "origin", "chamber"])["frame"].transform("size")
    # One chamber recorded in two modalities is two time-lapses; drawn pictures are none.
    kinds = table[natural_rows].groupby("chamber")["modality"].nunique()
    twice = table["chamber"].isin(kinds.index[kinds > 1])
    chamber = table["chamber"].where(~twice, table["chamber"] + "-" + table["modality"])
    order = table.sort_values(["modality", "origin", "chamber", "frame"], kind="stable").index
    return pd.DataFrame(
        {
            "chamber": chamber.where(natural_rows, ""),
            "frame": table["frame"],
            "time_h": _times(table["frame"], table["time_h"], choices),
            "image": table["image"],
            "path": [str(image) for image in manifest.paths],
            "page": table["page"],
            "modality": table["modality"],
            "origin": table["origin"],
            "counted": table["count"],
            "series": (per_chamber > 1) & natural_rows & (not choices.single),
            "noted": table["flag"].fillna("").astype(str) if "flag" in table else "",
        }
    ).loc[order]


def _of_folder(folder: Path, choices: Choices, found: Frames) -> Iterable[pd.DataFrame]:
    """A folder's pictures; where it holds only folders, each of these."""
    entries = sorted(folder.iterdir(), key=natural)
    pictures = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in SUFFIXES]
    inside = [entry for entry in entries if entry.is_dir() and any(map(_is_picture, entry.iterdir()))]
    other = [e.name for e in entries if e.is_file() and e not in pictures and not e.name.startswith(".")]
    if other:
        found.notes.append(f"{folder}: skipped {_some(other)}, no picture by the name")
    if not pictures and not inside:
        raise FaultError(error(folder, "holds no picture", f"use {_known()}"))
    if pictures and inside:
        found.notes.append(
            f"{folder}: skipped the folders inside ({_some([e.name for e in inside])}); name them too"
        )
    if not pictures:
        for entry in inside:
            yield from _of_folder(entry, choices, found)
        return
    stacks = [path for path in pictures if path.suffix.lower() in TIFFS and _is_stack(path)]
    for path in stacks:
        yield _of_stack(path, choices, found)
    plain = [path for path in pictures if path not in stacks]
    if plain:
        yield _of_files(plain, folder.resolve().name, choices, found)


def _of_files(paths: list[Path], chamber: str, choices: Choices, found: Frames) -> pd.DataFrame:
    """Single pictures: one time-lapse where the names say so, else each for itself."""
    paths = sorted(paths, key=natural)
    frames = None if choices.single else frame_numbers(paths)
    if frames is not None:
        what = f"{len(paths)} pictures read as one time-lapse, by their names frames"
        found.notes.append(f"{chamber}: {what} {min(frames)} to {max(frames)}")
    elif len(paths) > 1 and not choices.single:
        what = (
            f"{len(paths)} pictures counted each for itself: their names do not differ in exactly one number"
        )
        found.notes.append(f"{chamber}: {what} (a manifest can say which frame is which)")
    numbers = pd.Series(range(len(paths)) if frames is None else frames)
    unknown = pd.Series(math.nan, index=numbers.index)
    return pd.DataFrame(
        {
            "chamber": chamber if frames is not None else "",
            "frame": numbers if frames is not None else 0,
            "time_h": _times(numbers, unknown, choices) if frames is not None else math.nan,
            "image": [str(path) for path in paths],
            "path": [str(path) for path in paths],
            "page": 0,
            "modality": choices.modality or "",
            "origin": "",
            "counted": math.nan,
            "series": frames is not None,
            "noted": "",
        }
    )


def _of_stack(path: Path, choices: Choices, found: Frames) -> pd.DataFrame:
    info = describe(path, choices.axes)
    found.stacks[str(path)] = info
    found.notes.append(f"{path.name}: {info.echo()}")
    numbers = pd.Series(range(info.frames))
    return pd.DataFrame(
        {
            "chamber": path.name.removesuffix(path.suffix).removesuffix(".ome"),
            "frame": numbers,
            "time_h": _times(numbers, numbers * info.interval_h, choices),
            "image": str(path),
            "path": str(path),
            "page": numbers,
            "modality": choices.modality or "",
            "origin": "",
            "counted": math.nan,
            "series": info.frames > 1 and not choices.single,
            "noted": "",
        }
    )


def frame_numbers(paths: Sequence[Path]) -> list[int] | None:
    """The one number in which the names differ, None where they do not differ in exactly one."""
    if len(paths) < 2 or len({re.sub(r"\d+", "#", path.stem) for path in paths}) > 1:
        return None
    numbers = [[int(n) for n in re.findall(r"\d+", path.stem)] for path in paths]
    differing = [place for place in zip(*numbers, strict=True) if len(set(place)) > 1]
    if len(differing) != 1 or len(set(differing[0])) < len(paths):
        return None
    return list(differing[0])


def _times(frames: pd.Series, known: pd.Series, choices: Choices) -> pd.Series:
    """Hours since frame 0: as known, else by the interval the user gives, else unknown."""
    return known if choices.minutes is None else known.where(known.notna(), frames * choices.minutes / 60)


def _named_apart(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Two inputs of the same chamber name must not become one time-lapse: later ones get a number."""
    seen: dict[str, int] = {}
    result = []
    for part in parts:
        taken = sorted(set(part["chamber"]) & set(seen) - {""})
        names = {name: f"{name}-{seen[name] + 1}" for name in taken}
        for name in part["chamber"].unique():
            seen[name] = seen.get(name, 0) + 1
        result.append(part.assign(chamber=part["chamber"].replace(names)) if names else part)
    return result


def _is_stack(path: Path) -> bool:
    """Whether a TIFF holds several pictures; one that cannot be opened is a picture that will be flagged."""
    try:
        return pages(path) > 1
    except Exception:  # decoders raise many kinds; the reader names the fault when it gets there
        return False


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _known() -> str:
    return "PNG, JPEG or TIFF files, folders of them, TIFF stacks, or a manifest.csv"
