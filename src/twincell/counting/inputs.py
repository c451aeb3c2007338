"""From what the user names - files, folders, a manifest - to one table of frames, not yet read."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from twincell.data import rows as manifest_rows
from twincell.data.manifest import NAME as MANIFEST
from twincell.data.manifest import Manifest, manifest_path
from twincell.errors import UserError
from twincell.faults import FaultError, error, refuse
from twincell.io.bit_depth import parse_bit_depth, settle_depth
from twincell.io.filenames import names_apart
from twincell.io.likeness import read_as
from twincell.io.named_images import read_image
from twincell.io.readers import known_formats
from twincell.io.reading import Reading
from twincell.io.recording import Frame, Recording
from twincell.io.recordings import open_recordings
from twincell.io.usual import usual_kind

COLUMNS = (
    "chamber", "frame", "time_h", "image", "path", "page", "recording", "bits", "modality", "origin",
    "counted", "series", "noted",
)  # fmt: skip
OF_FILE = -1  # in `recording`: the frame is an image of the file in `path`


@dataclass
class Frames:
    """Everything to be counted, in the order of counts.csv.

    Attributes:
        table: one row per frame: `chamber` ("" = an image for itself), `frame`, `time_h` (NaN = unknown),
            `image` (as the user knows it), `path`, `page` (of the file, or place in its recording),
            `recording` (place in `recordings`, or `OF_FILE`), `bits` (the camera's, 0 = bytes or not known),
            `modality` and `origin` ("" = not said), `counted` (a person's count, NaN = none), `series`
            (whether the row is part of a time-lapse), `noted` (why not to trust the image, by a manifest's
            column `flag`, as `twincell import stack` writes it).
        recordings: positions of stacks, read frame by frame.
        notes: what was decided or left out, to be printed.
    """

    table: pd.DataFrame
    recordings: list[Recording] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.table)

    def how(self) -> str:
        """How the recordings are read, as JSON: what decides their pixels beside the table."""
        return json.dumps([[r.source, r.axes, r.axes_from, r.chosen] for r in self.recordings])


@dataclass(frozen=True)
class Choices:
    """What the user says about inputs that do not say it themselves.

    Attributes:
        axes: what a stack's dimensions are, such as TYX; `override_axes`: also against the file's own word.
        modality: of images that no manifest describes.
        minutes: between two frames, where nothing says.
        single: each image for itself, no time-lapse.
        names: pattern of single images' names, such as "img_{P}_t{T}.tif".
        channel, z: which channel and focal plane, from 1 (or as in the names).
        bit_depth: the camera's bits, 8 to 16, instead of what file and values say; None or "auto": these.
    """

    axes: str | None = None
    modality: str | None = None
    minutes: float | None = None
    single: bool = False
    names: str | None = None
    channel: int | None = None
    z: int | None = None
    override_axes: bool = False
    bit_depth: int | str | None = None

    def reading(self) -> Reading:
        """How files are read: nothing is refused that can be counted or flagged."""
        return Reading(
            axes=self.axes,
            override_axes=self.override_axes,
            names=self.names,
            channel=self.channel,
            z=self.z,
            bit_depth=parse_bit_depth(self.bit_depth),
            loose=True,
            single=self.single,
        )


def gather(inputs: Sequence[str | Path], choices: Choices) -> Frames:
    """All frames of all inputs.

    What is a recording is decided where `twincell import stack` decides it, in `twincell.io.recordings`;
    a manifest says all of it itself.

    Raises:
        UserError: everything that keeps an input from being understood, all at once.
    """
    paths = [Path(name) for name in inputs]
    manifests = [path for path in paths if path.suffix == ".csv" or (path / MANIFEST).is_file()]
    files = [path for path in paths if path not in manifests]
    found = Frames(pd.DataFrame(columns=list(COLUMNS)))
    parts: list[pd.DataFrame] = []
    problems: list[str] = []
    for path in manifests:
        try:
            if not path.exists():
                raise FaultError(error(path, "is missing", "check the path"))
            parts.append(_of_manifest(path, choices, found))
        except UserError as problem:
            problems += problem.problems
    if files:
        try:
            for recording in open_recordings(files, choices.reading()):
                parts.append(_of_recording(recording, choices, found))
        except UserError as problem:
            problems += problem.problems
    if problems:
        raise UserError(problems)
    parts = [part for part in parts if len(part)]
    if not parts:
        named = ", ".join(map(str, inputs))
        raise UserError(
            f"nothing to count in {named}; use {known_formats()} files, folders or a manifest.csv"
        )
    found.table = pd.concat(_named_apart(parts, found), ignore_index=True)
    found.notes = list(dict.fromkeys(found.notes))
    return found


def _of_manifest(path: Path, choices: Choices, found: Frames) -> pd.DataFrame:
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
    order = table.sort_values(["modality", "origin", "chamber", "frame"], kind="stable").index
    return pd.DataFrame(
        {
            "chamber": _chambers(table, path, found).where(natural_rows, ""),
            "frame": table["frame"],
            "time_h": _times(table["frame"], table["time_h"], choices),
            "image": table["image"],
            "path": [str(image) for image in manifest.paths],
            "page": table["page"],
            "recording": OF_FILE,
            "bits": _bits(manifest, choices, found),
            "modality": table["modality"],
            "origin": table["origin"],
            "counted": table["count"],
            "series": (per_chamber > 1) & natural_rows & (not choices.single),
            "noted": table["flag"].fillna("").astype(str) if "flag" in table else "",
        }
    ).loc[order]


def _chambers(table: pd.DataFrame, path: Path, found: Frames) -> "pd.Series[str]":
    """One name for each time-lapse: a chamber recorded in two modalities is two, and told so."""
    keys = table[table["origin"] == "natural"].drop_duplicates(["chamber", "modality"])
    twice = keys["chamber"].duplicated(keep=False)
    keys = pd.concat([keys[~twice], keys[twice]])  # the plain names are taken first
    wanted = keys["chamber"].where(~twice, keys["chamber"] + "-" + keys["modality"])
    pairs = zip(keys["chamber"], keys["modality"], strict=True)
    name = dict(zip(pairs, names_apart(wanted.tolist()), strict=True))
    found.notes += [
        f"{path}: chamber {chamber} in {modality} is called {own}, for there is another of its name"
        for (chamber, modality), own in name.items()
        if own != chamber
    ]
    both = zip(table["chamber"], table["modality"], strict=True)
    return pd.Series([name.get(key, key[0]) for key in both], index=table.index)


def _bits(manifest: Manifest, choices: Choices, found: Frames) -> "pd.Series[int]":
    """The camera's bits of each row, the same for all of a chamber; 0 where its images are bytes."""
    bits = pd.Series(0, index=manifest.table.index)
    files, pages = manifest.paths, manifest.table["page"].tolist()
    declared = parse_bit_depth(choices.bit_depth)
    for (_, _, chamber), part in manifest.table.groupby(["modality", "origin", "chamber"], sort=False):
        frames = [Frame(i, partial(read_image, files[i], pages[i]), str(files[i])) for i in part.index]
        _, dtype, highest = usual_kind(frames, str(chamber), None, loose=True)
        if depth := settle_depth(dtype, highest, declared, None, ""):
            bits.loc[part.index] = depth.bits
            found.notes.append(f"{chamber}: {depth.note(dtype)}")
    return bits


def _of_recording(recording: Recording, choices: Choices, found: Frames) -> pd.DataFrame:
    """A recording's frames; those of a stack are read through it, single images by their files."""
    places = range(len(recording))
    images = [frame.path for frame in recording.frames] if recording.of_images else None
    numbers = pd.Series([frame.number for frame in recording.frames])
    moments = numbers if images else pd.Series(places)  # a stack begins at 0 h, its frames at 1
    hours = pd.Series([math.nan if hour is None else hour for hour in recording.hours()])
    found.notes += [*_told(recording), *recording.notes]
    if images is None:
        found.recordings.append(recording)
    names = recording.source if images is None else [str(path) for path in images]
    return pd.DataFrame(
        {
            "chamber": "" if recording.alone else recording.name,
            "frame": 0 if recording.alone else numbers,
            "time_h": math.nan if recording.alone else _times(moments, hours, choices),
            "image": names,
            "path": names,
            "page": places if images is None else 0,
            "recording": len(found.recordings) - 1 if images is None else OF_FILE,
            "bits": recording.depth.bits if recording.depth else 0,
            "modality": choices.modality or "",
            "origin": "",
            "counted": math.nan,
            "series": len(places) > 1 and not recording.alone and not choices.single,
            "noted": "",
        },
        index=numbers.index,
    )


def _told(recording: Recording) -> list[str]:
    """By which axes a stack is read, or by which names images are a time-lapse."""
    if not recording.of_images:
        shape = " x ".join(map(str, recording.extra.get("shape", ())))
        return [f"{Path(recording.source).name}: axes {recording.axes} ({shape}) by {recording.axes_from}"]
    return read_as(recording)


def _times(frames: pd.Series, known: pd.Series, choices: Choices) -> pd.Series:
    """Hours since frame 0: as known, else by the interval the user gives, else unknown."""
    return known if choices.minutes is None else known.where(known.notna(), frames * choices.minutes / 60)


def _named_apart(parts: list[pd.DataFrame], found: Frames) -> list[pd.DataFrame]:
    """Two inputs of one chamber name must not become one time-lapse: later ones get a number and a note."""
    names = [[name for name in part["chamber"].unique() if name] for part in parts]
    apart = iter(names_apart([name for own in names for name in own]))
    new = [{name: next(apart) for name in own} for own in names]
    for part, own in zip(parts, new, strict=True):
        for old, name in own.items():
            if old != name:
                first = part.loc[part["chamber"] == old, "image"].iloc[0]
                found.notes.append(f"{first}: its chamber {old} is called {name}, for there is another {old}")
    return [
        part.assign(chamber=part["chamber"].replace(own)) if any(k != v for k, v in own.items()) else part
        for part, own in zip(parts, new, strict=True)
    ]
