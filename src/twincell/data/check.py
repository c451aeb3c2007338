"""Everything wrong with a data set, found before any training."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell.data.image_spec import NAME as SIDECAR
from twincell.data.image_spec import ImageSpec, read_spec
from twincell.data.manifest import Manifest, counted, manifest_path
from twincell.data.overview import overview
from twincell.data.places import count_faults, outside_fault, read_places
from twincell.data.read_all import read_all, size_fault
from twincell.data.rows import examine, pages, read_rows, typed
from twincell.errors import UserError
from twincell.faults import Fault, FaultError, error, warning
from twincell.files import write_atomic
from twincell.io.readers import is_image_file

NEAR = 10  # frames; held-out frames this near to labelled training frames of their chamber are no new images
JUMP = 5  # cells; a label this far from both its neighbours in time, and by half of them, is likely a slip


@dataclass(frozen=True)
class Report:
    """What `twincell check` found.

    Attributes:
        faults: errors and warnings, as `check` gives them.
        summary: what the data set holds, as `overview` gives it; None while the table has errors.
    """

    faults: list[Fault]
    summary: dict[str, Any] | None

    @property
    def errors(self) -> list[Fault]:
        """The faults that stop work."""
        return [fault for fault in self.faults if fault.severity == "error"]

    @property
    def warnings(self) -> list[Fault]:
        """The faults that deserve a look."""
        return [fault for fault in self.faults if fault.severity == "warning"]

    def as_dict(self) -> dict[str, Any]:
        """`{ok, errors, warnings, faults: [{severity, where, what, cure}], summary}`."""
        return {
            "ok": not self.errors,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "faults": [fault.as_dict() for fault in self.faults],
            "summary": self.summary,
        }


def inspect(path: str | Path, json: str | Path | None = None, progress: bool = False) -> Report:
    """Checks a data set and sums up what it holds; with `json` also writes both to that file."""
    faults = check(path, progress)
    try:
        summary: dict[str, Any] | None = overview(Manifest.read(path))
    except UserError:  # said by the faults already
        summary = None
    report = Report(faults, summary)
    if json is not None:
        write_atomic(json, dumps(report.as_dict(), indent=2) + "\n")
    return report


def check(path: str | Path, progress: bool = False) -> list[Fault]:
    """All faults of a manifest, its images and its split; errors are what the other commands refuse.

    Errors: the table unreadable or empty, a column missing, a cell that is no count, split, origin, frame,
    time or page, duplicate rows, a frame twice in a chamber, images missing, empty, damaged, colour, with
    NaN, of another type or size than `manifest.json` says (8-bit without it), pages out of range, one picture
    in several splits, places outside of their image, of unknown images, twice, or against the count.
    Warnings: images of several sizes, numbers beyond the range, no labelled training image, flat pictures,
    the same picture twice, labels that jump, time running backwards, held-out frames close to labelled
    training frames, absolute paths.

    Args:
        path: a manifest file or the folder that holds `manifest.csv`.
        progress: show a bar while images are read.

    Returns:
        Errors and warnings, those of the table first, in the order of its lines; empty when all is well.
    """
    path = manifest_path(path)
    try:
        rows = read_rows(path)
    except FaultError as problem:
        return [problem.fault]
    faults, usable = examine(rows, path)
    try:
        spec = read_spec(path.parent)
    except FaultError as problem:
        return [*faults, problem.fault]
    told_once = "image" in rows and not rows.columns.has_duplicates
    places = read_places(rows.assign(page=pages(rows)), path.parent) if told_once else None
    if places is not None:
        faults += places[1]
        if usable.size and usable.all():
            faults += count_faults(typed(rows), places[0], path)
    if places is not None and "split" in rows:
        faults += _image_faults(rows, path, spec, places[0], progress)
    if usable.any():
        table = typed(rows[usable])
        manifest = Manifest(counted(table, read_places(table, path.parent)[0]), path.parent)
        faults += _label_faults(manifest, path)
        faults += _time_faults(manifest, path)
        faults += _leak_faults(manifest, path)
    return faults


def _image_faults(
    rows: pd.DataFrame, path: Path, spec: ImageSpec, places: pd.DataFrame, progress: bool
) -> Iterator[Fault]:
    """Reads every image that is there; those that are not are the table's faults already."""
    marked = dict(list(places.groupby("row")))
    rows = rows.assign(row=range(len(rows)))
    sizes: Counter[tuple[int, int]] = Counter()
    beyond = 0
    there = np.array([bool(name) and is_image_file(path.parent / name) for name in rows["image"]], bool)
    rows = rows.assign(page=pages(rows))[there].drop_duplicates(["image", "page"])
    files = [path.parent / name for name in rows["image"]]
    twins: dict[bytes, list[int]] = {}
    for row, image in enumerate(read_all(files, rows["page"].tolist(), progress, spec=spec)):
        if isinstance(image, Fault):
            yield image
            continue
        if fault := size_fault(image, files[row], spec):
            yield fault
        own = marked.get(rows["row"].iloc[row])
        if own is not None and (fault := outside_fault(own, image.shape, files[row])):
            yield fault
        sizes[image.shape] += 1
        beyond += bool(image.min() < spec.range[0] or image.max() > spec.range[1])
        if image.min() == image.max():
            yield warning(
                files[row], f"is flat, each pixel is {image.min()}", "look at it, drop its row if empty"
            )
        else:
            twins.setdefault(hashlib.sha256(image.tobytes()).digest(), []).append(row)
    if len(sizes) > 1 and spec.height == spec.width == "any":
        found = ", ".join(f"{n} of {width} x {height}" for (height, width), n in sizes.most_common(5))
        what = f"has images of {len(sizes)} sizes ({found})"
        yield warning(path, what, f"look whether this is meant; {SIDECAR} can say the one size")
    if beyond:
        low, high = spec.range
        what = f"{beyond} images have pixels beyond {low:g} to {high:g}, which are clipped"
        yield warning(path, what, f"widen the range in {SIDECAR}")
    for group in twins.values():
        if len(group) > 1:
            yield _twin_fault(rows.iloc[group])


def _twin_fault(same: pd.DataFrame) -> Fault:
    names = ", ".join(f"{name} ({split})" for name, split in zip(same["image"], same["split"], strict=True))
    if same["split"].nunique() > 1:
        return error(names, "one and the same picture in several splits", "keep it in one of them")
    return warning(names, "one and the same picture", "drop the copies, unless nothing moved")


def _label_faults(manifest: Manifest, path: Path) -> Iterator[Fault]:
    train = manifest.select("train")
    if not train.labelled.any():
        what = f"has no labelled training image ({len(train)} images with split train)"
        yield warning(path, what, "count a few frames of each chamber, or train on synthetic images alone")
    known = manifest.select(manifest.labelled & manifest.natural).table
    for _, part in known.sort_values("frame").groupby(["modality", "chamber"], sort=True):
        count = part["count"].to_numpy()
        before, here, after = count[:-2], count[1:-1], count[2:]
        low, high = np.minimum(before, after), np.maximum(before, after)
        off = np.maximum(low - here, here - high)
        for i in np.flatnonzero((off > JUMP) & (off > high / 2)):
            first, _, last = part["frame"].iloc[i : i + 3]
            what = f"count {here[i]:g} between {before[i]:g} (frame {first}) and {after[i]:g} (frame {last})"
            yield warning(part["image"].iloc[i + 1], what, "look again, and correct it where it is a slip")


def _time_faults(manifest: Manifest, path: Path) -> Iterator[Fault]:
    timed = manifest.table[manifest.table["time_h"].notna()].sort_values("frame")
    for (_, chamber), part in timed.groupby(["modality", "chamber"], sort=True):
        frames, hours = part["frame"].tolist(), part["time_h"].tolist()
        back = next((i for i in range(1, len(hours)) if hours[i] <= hours[i - 1]), None)
        if back:
            what = (
                f"time_h goes from {hours[back - 1]:g} to {hours[back]:g} between frames {frames[back - 1]} "
            )
            what += f"and {frames[back]} of chamber {chamber}"
            yield warning(path, what, "write the hours since the chamber's start, growing with the frame")


def _leak_faults(manifest: Manifest, path: Path) -> Iterator[Fault]:
    """A held-out frame a moment away from a labelled one is no new image: its count is known unseen."""
    table = manifest.table[manifest.natural]
    for split in ("val", "test"):
        distances: list[int] = []
        for _, part in table.groupby(["modality", "chamber"], sort=True):
            known = part.loc[(part["split"] == "train") & part["count"].notna(), "frame"].to_numpy()
            held_out = part.loc[part["split"] == split, "frame"].to_numpy()
            if len(known):
                distances += np.abs(held_out[:, None] - known[None, :]).min(axis=1).tolist()
        if distances and np.median(distances) <= NEAR:
            what = f"{len(distances)} {split} frames lie a median of {np.median(distances):g} frames from a "
            what += (
                "labelled training frame of their own chamber, so that their counts follow without any image"
            )
            yield warning(path, what, "report leave-chamber-out figures beside those of this split")
