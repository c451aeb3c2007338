"""Microscope files to registered, cropped, evenly lit chambers and a manifest: the paper's preprocessing,
whole.

Frames are read one at a time and nothing grows with their number but the lists of what was done.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from twincell import __version__
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import fresh_dir, stamps
from twincell.io.encode import write_png
from twincell.io.recording import Recording
from twincell.io.recordings import Reading, open_recordings
from twincell.locks import locked
from twincell.preprocess.chambers.framing import framing_for
from twincell.preprocess.chambers.layout import Layout, Wanted, first_look
from twincell.preprocess.frames import FrameResult, treat_frame
from twincell.preprocess.journal import FOLDER, Journal, last_motion
from twincell.preprocess.paths import image_path
from twincell.preprocess.quality_control import Seen
from twincell.preprocess.registration.registration import Motion
from twincell.preprocess.results import write_results
from twincell.progress import bar


@dataclass(frozen=True)
class Chambers:
    """What the user says of the chambers; see the command's help.

    Attributes:
        modality: bf, pc or any word; goes into the manifest.
        template: how a chamber fills its crop: bf, pc, box; by default that of the modality.
        size: side of the crops, px.
        chamber_size: width, height in source px.
        boxes: by position name, or by "" for every position: (x, y, w, h) in px of the first frame.
        turn: quarter turns clockwise that bring the chambers' top to the top.
    """

    modality: str
    template: str | None = None
    size: int = 128
    chamber_size: tuple[float, float] | None = None
    boxes: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)
    turn: int = 0


@dataclass(frozen=True)
class Imported:
    """The result of an import: the manifest, and its summary as JSON values."""

    manifest: Manifest
    summary: dict[str, Any]


def import_stack(
    files: Sequence[str | Path],
    out: str | Path,
    chambers: Chambers,
    reading: Reading | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Imported:
    """Imports recordings.

    Args:
        files: TIFF, OME-TIFF, ND2, CZI, OME-Zarr, folders of single images or of stacks.
        out: a new folder for manifest.csv, images/, preprocessing.json, recording.json, frames.csv,
            skipped.csv and contact_sheets/.
        chambers: what they look like.
        reading: how to read the files.
        resume: go on with an interrupted import in `out`.
        progress: show a bar.

    Raises:
        UserError: files that cannot be used or chambers that are not found; all at once, before any crop is
            made.
    """
    out = Path(out)
    reading = reading or Reading()
    _refuse_faults(chambers)
    recordings = open_recordings(files, reading)
    with locked(out):
        return _import(recordings, out, chambers, reading, files, resume, progress)


def _import(
    recordings: Sequence[Recording],
    out: Path,
    chambers: Chambers,
    reading: Reading,
    files: Sequence[str | Path],
    resume: bool,
    progress: bool,
) -> Imported:
    """The work in a folder that no other process writes to; arguments as in `import_stack`."""
    if (out / FOLDER).exists() and not resume:
        raise UserError(
            f"{out}: holds an import that was stopped; go on with --resume, or name another folder with --out"
        )
    fresh_dir(out, resume)
    if (out / "manifest.csv").exists() and not (out / FOLDER).exists():
        raise UserError(f"{out}: is finished already; name another folder with --out, or leave it as it is")
    journal = Journal(out, _plan(files, chambers, reading))
    usable, failures = _look_at_all(recordings, journal, chambers, progress)
    with bar(progress) as display:
        task = display.add_task("frames", total=sum(len(r) for r in usable), note="")
        for recording in usable:
            layout = journal.layout(recording.name, _wanted(chambers, recording))
            assert layout is not None  # every usable position has been looked at
            _treat_all(recording, layout, journal, out, partial(display.advance, task))
    wanted = {r.name: _wanted(chambers, r) for r in usable}
    settings = {"chambers": asdict(chambers), "reading": asdict(reading)}
    result = write_results(out, usable, failures, journal, wanted, chambers.modality, settings)
    journal.remove()
    return Imported(*result)


def _refuse_faults(chambers: Chambers) -> None:
    problems = []
    framing_for(chambers.template, chambers.modality)
    if not chambers.modality.strip():
        problems.append("--modality is blank; write bf, pc or a word of your own")
    if chambers.turn not in (0, 90, 180, 270):
        problems.append(f"--turn {chambers.turn} is no quarter turn; write 0, 90, 180 or 270")
    if not 16 <= chambers.size <= 2048:
        problems.append(f"--size {chambers.size} is not usable; write 16 to 2048 (models expect 128)")
    if problems:
        raise UserError(problems)


def _plan(files: Sequence[str | Path], chambers: Chambers, reading: Reading) -> dict[str, Any]:
    """All that the result depends on: the settings, and the files' stamps."""
    found: dict[str, Any] = {}
    for path in sorted(Path(f).resolve() for f in files):
        found |= stamps(sorted(path.iterdir()) if path.is_dir() else [path])
    return {"settings": asdict(chambers), "reading": asdict(reading), "files": found, "version": __version__}


def _wanted(chambers: Chambers, recording: Recording) -> Wanted:
    return Wanted(
        framing=framing_for(chambers.template, chambers.modality),
        size=chambers.size,
        chamber_size=chambers.chamber_size,
        boxes=chambers.boxes.get(recording.name, chambers.boxes.get("")),
        turn=chambers.turn,
    )


def _look_at_all(
    recordings: Sequence[Recording], journal: Journal, chambers: Chambers, progress: bool
) -> tuple[list[Recording], dict[str, str]]:
    """First looks at all positions that have had none; which can be used, and why the others cannot.

    Raises:
        UserError: no position can be used.
    """
    usable, failures = [], {}
    with bar(progress) as display:
        task = display.add_task("first look", total=len(recordings), note="")
        for recording in recordings:
            wanted = _wanted(chambers, recording)
            reason = journal.failure(recording.name)
            if reason is None and not journal.has_layout(recording.name):
                try:
                    journal.keep_layout(recording.name, first_look(recording, wanted))
                except UserError as fault:
                    reason = "\n".join(fault.problems)
                    journal.keep_failure(recording.name, reason)
            if reason is None:
                usable.append(recording)
            else:
                failures[recording.name] = reason
            display.advance(task)
    if not usable:
        journal.remove()
        raise UserError(list(failures.values()))
    return usable, failures


def _treat_all(
    recording: Recording, layout: Layout, journal: Journal, out: Path, advance: Callable[[], None]
) -> None:
    """All frames of a position that are not done yet, one by one; `advance()` is called for each."""
    seen, last, done = Seen(), Motion(), 0
    for line in journal.frames(recording.name):
        done += 1
        if line["digest"]:
            seen.remember(line["digest"], line["number"])
        if not line["fault"]:
            last = last_motion(line["motion"])
        advance()
    for i in range(done, len(recording)):
        result = treat_frame(recording, layout, i, last, seen)
        if not result.fault and result.motion is not None:
            last = result.motion
        _write_crops(out, recording.name, result)
        journal.add(recording.name, result)
        advance()


def _write_crops(out: Path, name: str, result: FrameResult) -> None:
    for number, crop in result.crops.items():
        file = out / image_path(name, number, result.number)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_png(file, crop)
