"""Count images, folders, stacks and manifests with a model: the work behind `twincell count`."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.counting.diameters import Diameters, cell_diameters
from twincell.counting.inputs import Frames, gather
from twincell.counting.options import CountOptions, opened
from twincell.counting.parts import PART, Parts, job_fingerprint
from twincell.counting.reader import Reader
from twincell.counting.result import CountResult
from twincell.counting.table import counts_table, csv_text
from twincell.errors import UserError
from twincell.faults import Fault, refuse
from twincell.files import fresh_file, write_new
from twincell.locks import locked
from twincell.models.base.file import LoadedModel
from twincell.models.base.views import GRAIN
from twincell.progress import bar, track

Inputs = str | Path | Sequence[str | Path]


def count(
    inputs: Inputs,
    model: str | Path | LoadedModel = "cho-pc",
    out: str | Path | None = None,
    options: CountOptions | None = None,
    *,
    progress: bool = True,
    **named: Any,
) -> CountResult:
    """Count cells in images.

    Args:
        inputs: files, folders, stacks, or a manifest; one of them or several.
        model: a run folder, a model file, the name of a model that ships, or a loaded model.
        out: counts.csv is written here; None writes nothing.
        options: how to count.
        progress: show bars on stderr.
        named: single options by their names in `CountOptions`, such as `modality="pc", minutes=5`.

    Returns:
        One row per frame, and what was noted on the way.

    Raises:
        UserError: bad inputs, all at once, before work starts; or nothing that could be counted.
    """
    asked = replace(options or CountOptions(), **named)
    loaded = opened(model, asked)
    target = None if out is None else fresh_file(out)
    with prepared(inputs, loaded, asked, progress) as job, tempfile.TemporaryDirectory() as temporary:
        frames = job.frames
        folder = Path(temporary) if target is None else target.with_name(target.name + ".parts")
        with locked(folder, passing=True):
            strict = None
            if target is not None:
                fresh_file(target)  # another count may have ended here since the first look
                strict = asked.strict
            parts = Parts(folder, frames, job.fingerprint, asked.resume, strict, job.diameters)
            count_parts(parts, parts.todo(), job, asked, progress)
            read = parts.join()
            if read["count_frame"].isna().all():
                parts.remove()
                refuse(_faults(frames, job.reader, progress))
                raise UserError(
                    f"model {loaded.card.name} gives no number for any of these images; train it again, "
                    "or count with another model"
                )
            table = _in_time(frames, read, loaded, asked, parts, progress)
            if target is not None and (place := write_new(target, csv_text(table))) != target:
                frames.notes.append(f"{target} was made by another program meanwhile: written to {place}")
            parts.remove()
    notes = [*frames.notes, *_notes(frames, table, loaded, asked.use_counted)]
    table.attrs["notes"] = notes
    return CountResult(table, notes, loaded.card, frames, loaded.fixed_size, asked.convert, job.diameters)


@dataclass(frozen=True)
class Job:
    """A count before its first frame: what is counted, how it is read, and what tells it from another count.

    Attributes:
        diameters: px, of the cells, by modality, for models that scale images to them.
        fingerprint: changes with whatever decides the counts.
    """

    frames: Frames
    reader: Reader
    model: LoadedModel
    diameters: Diameters
    fingerprint: str


@contextmanager
def prepared(inputs: Inputs, model: LoadedModel, options: CountOptions, progress: bool) -> Iterator[Job]:
    """A job whose inputs can be counted, its recordings open.

    Raises:
        UserError: bad inputs, all at once.
    """
    frames = gather([inputs] if isinstance(inputs, str | Path) else list(inputs), options)
    with Reader(frames, model.fixed_size, options.convert) as reader:
        _require_countable(frames, reader, model, options.strict, progress)
        diameters = cell_diameters(frames, reader, model, options.diameter)
        fingerprint = job_fingerprint(frames, model, options.convert, diameters)
        yield Job(frames, reader, model, diameters, fingerprint)


def _in_time(
    frames: Frames,
    read: pd.DataFrame,
    model: LoadedModel,
    options: CountOptions,
    parts: Parts,
    progress: bool,
) -> pd.DataFrame:
    """Read each time-lapse as a whole."""
    chambers = frames.table.loc[frames.table["series"], ["modality", "chamber"]].drop_duplicates()
    with bar(progress and len(chambers) > 1) as shown:
        task = shown.add_task("time-lapses", total=len(chambers), note="")
        return counts_table(
            frames,
            read,
            model.card,
            options.use_counted,
            lambda done: shown.advance(task, done),
            parts.maps_of,
        )


def _require_countable(
    frames: Frames, reader: Reader, model: LoadedModel, strict: bool, progress: bool
) -> None:
    """Refuses what no frame can be counted of; with `strict`, whatever cannot be read."""
    if strict:
        refuse(_faults(frames, reader, progress))
    firsts = frames.table.groupby(["chamber", "modality"], sort=False).head(1).index
    sizes = {size for size in map(reader.size_of, firsts[:200]) if size is not None}
    side = model.fixed_size
    if model.measures:
        return
    if side is None:
        frames.notes += [note for size in sorted(sizes) if (note := _shown_as(size, model))]
        return
    if sizes and all(height != width for height, width in sizes):
        refuse(fault for fault in map(reader.read, firsts[:200]) if isinstance(fault, Fault))
    for height, width in sorted(sizes - {(side, side)}):
        if height == width:
            frames.notes.append(f"images of {width} x {height} pixels are resized to {side} x {side}")


def _shown_as(size: tuple[int, int], model: LoadedModel) -> str:
    """How images of this height and width are shown to a model of one view; "" where they fit into it."""
    view, scale = model.card.view, model.card.preprocessing.scale
    room = [seen - side * scale for seen, side in zip(view, size, strict=True)]
    if all(0 <= pixels < GRAIN for pixels in room):
        return ""
    what = "counted in overlapping tiles of" if min(room) < 0 else "padded to"
    how = "at the scale they have" if scale == 1 else f"their sides times {scale:.3g}"
    return f"images of {size[1]} x {size[0]} pixels are {what} {view[1]} x {view[0]}, {how}"


def _faults(frames: Frames, reader: Reader, progress: bool) -> list[Fault]:
    rows = track(range(len(frames)), "checking", total=len(frames), show=progress)
    return [fault for fault in map(reader.read, rows) if isinstance(fault, Fault)]


def count_parts(
    parts: Parts, numbers: Sequence[int], job: Job, options: CountOptions, progress: bool
) -> None:
    """Counts some parts of a job, with several processes where `options` says so."""
    if options.workers > 1 and len(numbers) > 1:
        from twincell.counting.workers import share

        share(parts, numbers, job.model.path, options, progress)
        return
    done = len(parts) - len(numbers)
    with bar(progress) as shown:
        task = shown.add_task("counting", total=len(parts.frames), completed=done * PART, note="")
        for number in numbers:
            parts.count(number, job.model, job.reader)
            shown.advance(task, len(parts.rows(number)))


def _notes(frames: Frames, table: pd.DataFrame, model: LoadedModel, use_counted: bool) -> list[str]:
    notes = []
    unread = int(table["count_frame"].isna().sum())
    if unread:
        notes.append(
            f"{unread} of {len(table)} frames could not be read; they are flagged and have no count_frame"
        )
    counted = int((frames.table["counted"].notna() & frames.table["series"]).sum())
    if counted and use_counted:
        notes.append(f"{counted} frames counted by a person correct the time-lapses they stand in")
    for chamber, cells in table.attrs.get("standing", {}).items():
        notes.append(f"{chamber}: {cells:g} cells stand still throughout and are taken for dirt")
    flagged = table["flag"].str.split("; ").explode()
    for reason, meaning in (
        (
            "unlike training",
            f"look like nothing model {model.card.name} was trained on; check their counts by eye",
        ),
        (
            "other modality",
            f"are not {' or '.join(model.card.modalities)}, which model {model.card.name} counts",
        ),
    ):
        found = int((flagged == reason).sum())
        if found:
            notes.append(f"{found} of {len(table)} frames {meaning}")
    return notes
