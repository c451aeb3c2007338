"""A manifest from folders of images: names read as `twincell count` reads them, labels found beside them."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell.data.held_back import split_off
from twincell.data.image_spec import NAME as SIDECAR
from twincell.data.image_spec import ImageSpec, spec_text
from twincell.data.labels_beside import labels_beside
from twincell.data.manifest import NAME, Manifest
from twincell.data.modality import asked_modality
from twincell.data.rows import alone
from twincell.errors import UserError
from twincell.files import check_outputs, holds, write_new
from twincell.io.images import read_pixels
from twincell.io.likeness import read_as
from twincell.io.points import NAME as POINTS
from twincell.io.points import points_text
from twincell.io.reading import Reading
from twincell.io.recording import Recording
from twincell.io.recordings import open_recordings, skipped_note
from twincell.locks import locked
from twincell.words import number


@dataclass(frozen=True)
class FolderOptions:
    """What is said of images whose folders do not say it themselves.

    Attributes:
        modality: of all images.
        reading: how files and names are read.
        minutes: between two frames, where nothing says.
        counts, points: a file with labels, "none", or None: what lies beside the images.
        split: auto (see `held_back`), or train, val, test for all.
        seed: which chambers or images are kept aside.
        cell_diameter_px: typical, where it is known.
    """

    modality: str | None
    reading: Reading = field(default_factory=lambda: Reading(loose=True))
    minutes: float | None = None
    counts: str | None = None
    points: str | None = None
    split: str = "auto"
    seed: int = 0
    cell_diameter_px: float | None = None


@dataclass(frozen=True)
class Made:
    """A manifest that was written, and what was decided on the way, one sentence each."""

    manifest: Manifest
    files: list[Path]
    notes: list[str]


def manifest_from_folders(inputs: Sequence[str | Path], out: str | Path, options: FolderOptions) -> Made:
    """Write manifest.csv, manifest.json and, where cells are marked, points.csv; no image is copied.

    Args:
        inputs: folders, images and stacks.
        out: a folder, which may hold other files.
        options: what the folders do not say.

    Raises:
        UserError: everything that cannot be used, before anything is written.
    """
    modality = _checked(options)
    out, paths = Path(out), [Path(name) for name in inputs]
    check_outputs({f"--out {NAME}": out / NAME})
    with locked(out):
        return _made(paths, out, modality, options)


def _made(paths: Sequence[Path], out: Path, modality: str, options: FolderOptions) -> Made:
    recordings = open_recordings(paths, options.reading)
    notes = [note for recording in recordings for note in (*read_as(recording), *recording.notes)]
    table = pd.concat([_rows(recording, options.minutes) for recording in recordings], ignore_index=True)
    again = table.duplicated(["path", "page"])
    if again.any():
        notes.append(f"{number(int(again.sum()), 'image')} named twice, listed once")
        table = table[~again].reset_index(drop=True)
    spec = _spec(recordings, options.cell_diameter_px)
    labels = labels_beside(table, paths, options.counts, options.points)
    table["count"] = labels.counts
    notes = [note for note in notes if not _told_of_labels(note, labels.files)]
    table["unit"] = table["chamber"].where(
        table["chamber"] != "", table["path"] + "#" + table["page"].astype(str)
    )
    if options.split == "auto":
        table["split"], said = split_off(table, options.seed)
    else:
        table["split"], said = options.split, f"all images are split {options.split}, as asked"
    table["image"] = [relative(path, out) for path in table["path"]]
    table = table.assign(modality=modality, origin="natural")
    table["chamber"] = table["chamber"].where(table["chamber"] != "", alone(table))
    manifest = Manifest(table.drop(columns=["path", "unit"]), out)
    files = {out / SIDECAR: spec_text(spec)}
    if len(labels.points):
        named = labels.points.assign(image=manifest.table["image"].to_numpy()[labels.points["row"]])
        files[out / POINTS] = points_text(named)
    # What is there with this very content was written by the same command, which was stopped.
    others = {path: text for path, text in files.items() if not holds(path, text)}
    check_outputs({f"--out {path.name}": path for path in others})
    for path, text in others.items():
        write_new(path, text)
    written = manifest.write(out)  # last: a folder with a manifest is complete
    return Made(manifest, [written, *files], [*notes, *labels.notes, said])


def _told_of_labels(note: str, files: Sequence[Path]) -> bool:
    """Whether a note says that a file of labels is no image; it is told as what it is."""
    return any(note == skipped_note(file.parent, [file.name]) for file in files)


def relative(path: str | Path, folder: Path) -> str:
    """A path as a manifest in `folder` names it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _checked(options: FolderOptions) -> str:
    """The modality; every option that cannot be meant is refused together."""
    problems = []
    modality = None
    try:
        modality = asked_modality(options.modality)
        if modality is None:
            problems.append(
                "--modality is missing, and images do not show it surely; write bf, pc or a word of your own"
            )
    except UserError as problem:
        problems += problem.problems
    if options.split not in ("auto", "train", "val", "test"):
        problems.append(f"--split {options.split!r} is not known; write auto, train, val or test")
    numbers = (("--minutes", options.minutes), ("--cell-diameter", options.cell_diameter_px))
    problems += [
        f"{option} {value:g} is not above 0; leave it out where it is not known"
        for option, value in numbers
        if value is not None and not 0 < value < math.inf
    ]
    if problems:
        raise UserError(problems)
    assert modality is not None
    return modality


def _rows(recording: Recording, minutes: float | None) -> pd.DataFrame:
    """A recording's frames: path, page, chamber ("" = each alone), frame, time_h."""
    if recording.of_images:
        paths = [str(frame.path) for frame in recording.frames]
        pages = [0] * len(paths)
        numbers = [frame.number for frame in recording.frames]
    else:
        pages = pages_of(recording)
        paths = [recording.source] * len(pages)
        numbers = [frame.number for frame in recording.frames]
    hours = pd.Series([math.nan if hour is None else hour for hour in recording.hours()], dtype=float)
    if minutes is not None:
        moments = numbers if recording.of_images else range(len(numbers))  # a stack begins at 0 h
        hours = hours.where(hours.notna(), pd.Series(moments, dtype=float) * minutes / 60)
    return pd.DataFrame(
        {
            "path": paths,
            "page": pages,
            "chamber": "" if recording.alone else recording.name,
            "frame": 0 if recording.alone else numbers,
            "time_h": math.nan if recording.alone else hours,
        }
    )


def pages_of(recording: Recording) -> list[int]:
    """Where a stack's frames stand among all images of its file, as `read_pixels` counts them."""
    path = Path(recording.source)
    cure = "let `twincell import stack` take it apart"
    if path.is_dir():
        raise UserError(f"{path}: is a folder that holds a recording, which a manifest cannot list; {cure}")
    shape = recording.extra["shape"]
    sizes = {a: n for a, n in zip(recording.axes, shape, strict=True) if a not in "YXS"}
    pages = []
    for t in range(len(recording)):
        index = recording.chosen | {"T": t}
        place = tuple(index.get(axis, 0) for axis in sizes)
        pages.append(int(np.ravel_multi_index(place, tuple(sizes.values()))) if sizes else 0)
    for at in {0, len(pages) - 1}:  # believed only after a look
        frame: Any = recording.frames[at].load()
        if not np.array_equal(frame, read_pixels(path, pages[at])):
            raise UserError(f"{path}: its images cannot be listed one by one; {cure}")
    return pages


def _spec(recordings: Sequence[Recording], cell_diameter_px: float | None) -> ImageSpec:
    """What all images are; refused where they differ or are no grey ones.

    Raises:
        UserError: colour, or several number types.
    """
    kinds: dict[tuple[str, int], str] = {}
    for recording in recordings:
        try:
            colour = recording.frames[0].load().ndim != 2
        except Exception:  # damaged: `twincell check` names it, with all others
            colour = False
        if colour:
            raise UserError(
                f"{recording.source}: holds colour images; save them as 8-bit grey, or let `twincell import "
                "stack` make them grey"
            )
        kinds.setdefault(
            (str(recording.dtype), recording.depth.bits if recording.depth else 8), recording.source
        )
    if len(kinds) > 1:
        told = ", ".join(f"{source} {bits} bit in {dtype}" for (dtype, bits), source in kinds.items())
        raise UserError(f"images are of several number types ({told}); make a manifest of each kind")
    (dtype, bits), source = next(iter(kinds.items()))
    sizes = {recording.pixel_size_um for recording in recordings}
    known: dict[str, Any] = {
        "pixel_size_um": sizes.pop() if len(sizes) == 1 else None,
        "cell_diameter_px": cell_diameter_px,
    }
    if dtype == "uint8":
        return ImageSpec(**known)
    if dtype != "uint16":
        raise UserError(f"{source}: holds {dtype}, whose range nothing says; save it as 8- or 16-bit grey")
    return ImageSpec(dtype="uint16", range=(0.0, 2.0**bits - 1), **known)
