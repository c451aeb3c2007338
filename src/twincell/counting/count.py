"""Counts pictures, folders, stacks and manifests with a model: the work behind `twincell count`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from twincell.counting.inputs import Choices, Frames, gather
from twincell.counting.parts import PART, Parts, job_fingerprint
from twincell.counting.reader import Reader
from twincell.counting.table import counts_table, csv_text
from twincell.errors import UserError
from twincell.faults import Fault, refuse
from twincell.files import fresh_file, write_atomic
from twincell.models.base.file import LoadedModel, load_model
from twincell.progress import bar, track

Inputs = str | Path | Sequence[str | Path]


def count(
    inputs: Inputs,
    model: str | Path | LoadedModel = "cho-pc",
    out: str | Path | None = None,
    *,
    axes: str | None = None,
    modality: str | None = None,
    minutes: float | None = None,
    single: bool = False,
    convert: bool = False,
    strict: bool = False,
    use_counted: bool = True,
    resume: bool = False,
    workers: int = 1,
    override_axes: bool = False,
    names: str | None = None,
    channel: int | None = None,
    z: int | None = None,
    bit_depth: int | str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Counts cells in pictures.

    Args:
        inputs: files, folders, TIFF stacks, or a manifest; one of them or several.
        model: a run folder, a model file, the name of a model that ships, or a loaded model.
        out: counts.csv is written here; None writes nothing.
        axes: what the dimensions of stacks are, one letter each (TYX), where the files do not say.
        modality: what the pictures are (bf, pc, ...), where no manifest says.
        minutes: between two frames, where nothing says.
        single: count each picture for itself, even where pictures look like a time-lapse.
        convert: make colour, 16-bit and float pictures 8-bit grey by the rules of `twincell.io.images`.
        strict: report every damaged picture before anything is counted; else they are flagged in the table.
        use_counted: let the counts in a manifest correct the time-lapses they stand in.
        resume: go on with a count to `out` that was stopped.
        workers: processes that share the work.
        override_axes, names, channel, z, bit_depth: as in `counting.inputs.Choices`.
        progress: show bars on stderr.

    Returns:
        One row per frame: chamber, frame, time_h (hours), image, count (cells, from the whole time-lapse),
        count_frame (cells, from the image alone), lower, upper (90 % interval, cells), flag (empty, or why
        not to trust it). `attrs["notes"]` holds what was decided, skipped and found on the way.

    Raises:
        UserError: bad inputs, all at once, before work starts; or nothing that could be counted.
    """
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    if workers < 1:
        raise UserError(f"workers {workers}: give 1 or more processes")
    if minutes is not None and minutes <= 0:
        raise UserError(f"minutes {minutes:g}: the time between frames must be above 0")
    target = None if out is None else fresh_file(out)
    choices = Choices(
        axes, modality, minutes, single, names, channel, z, override_axes=override_axes, bit_depth=bit_depth
    )
    several = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    frames = gather(several, choices)
    with Reader(frames, loaded.fixed_size, convert) as reader:
        _require_countable(frames, reader, loaded, strict, progress)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if target is None else target.with_name(target.name + ".parts")
            parts = Parts(folder, frames, job_fingerprint(frames, loaded, convert), resume)
            _count_parts(parts, loaded, reader, workers, convert, progress)
            read = parts.join()
            if read["count_frame"].isna().all():
                parts.remove()
                refuse(_faults(frames, reader, progress))
            chambers = frames.table.loc[frames.table["series"], ["modality", "chamber"]].drop_duplicates()
            with bar(progress and len(chambers) > 1) as shown:
                task = shown.add_task("time-lapses", total=len(chambers), note="")
                table = counts_table(
                    frames,
                    read,
                    loaded.card,
                    use_counted,
                    lambda done: shown.advance(task, done),
                    parts.maps_of,
                )
            if target is not None:
                write_atomic(target, csv_text(table))
            parts.remove()
    table.attrs["notes"] = [*frames.notes, *_notes(frames, table, loaded, use_counted)]
    return table


def _require_countable(
    frames: Frames, reader: Reader, model: LoadedModel, strict: bool, progress: bool
) -> None:
    """Refuses what no frame can be counted of; with `strict`, whatever cannot be read."""
    if strict:
        refuse(_faults(frames, reader, progress))
    firsts = frames.table.groupby(["chamber", "modality"], sort=False).head(1).index
    sizes = {size for size in map(reader.size_of, firsts[:200]) if size is not None}
    side = model.fixed_size
    if side is None:
        view = model.card.view
        for height, width in sorted(sizes - {view}):
            what = "counted in overlapping tiles" if height > view[0] or width > view[1] else "padded"
            how = f"{what} of {view[1]} x {view[0]}, at the scale they have"
            frames.notes.append(f"pictures of {width} x {height} pixels are {how}")
        return
    if sizes and all(height != width for height, width in sizes):
        refuse(fault for fault in map(reader.read, firsts[:200]) if isinstance(fault, Fault))
    for height, width in sorted(sizes - {(side, side)}):
        if height == width:
            frames.notes.append(f"pictures of {width} x {height} pixels are resized to {side} x {side}")


def _faults(frames: Frames, reader: Reader, progress: bool) -> list[Fault]:
    rows = track(range(len(frames)), "checking", total=len(frames), show=progress)
    return [fault for fault in map(reader.read, rows) if isinstance(fault, Fault)]


def _count_parts(
    parts: Parts, model: LoadedModel, reader: Reader, workers: int, convert: bool, progress: bool
) -> None:
    todo = parts.todo()
    if workers > 1 and len(todo) > 1:
        from twincell.counting.workers import share

        share(parts, todo, model.path, workers, convert, progress)
        return
    done = len(parts) - len(todo)
    with bar(progress) as shown:
        task = shown.add_task("counting", total=len(parts.frames), completed=done * PART, note="")
        for number in todo:
            parts.count(number, model, reader)
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
