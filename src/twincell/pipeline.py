"""The whole job in one call: chambers out of recordings, counts, growth, report; each step done once."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twincell.counting import CountOptions, CountResult, count
from twincell.counting.choose import advice, best, fits
from twincell.counting.inputs import gather
from twincell.data.manifest import NAME as MANIFEST
from twincell.data.modality import asked_modality
from twincell.errors import UserError
from twincell.files import fresh_dir, stamp, write_atomic, write_new
from twincell.io.bit_depth import parse_bit_depth
from twincell.io.reading import Reading
from twincell.io.recordings import open_recordings
from twincell.locks import locked
from twincell.models.base.file import LoadedModel, load_card, load_model, shipped_models
from twincell.preprocess.import_stack import FOLDER as UNFINISHED
from twincell.preprocess.import_stack import import_stack
from twincell.preprocess.options import ImportOptions
from twincell.report.pages import count_page
from twincell.series.growth.options import GrowthOptions
from twincell.series.growth.request import read_counts
from twincell.series.growth.results import PARTS, write_growth

STATE = ".run"  # what an unfinished job remembers, in its folder
FIELD = 256  # px: time-lapses whose images are larger on both sides are taken for fields of view
REPORT = "report.html"


@dataclass(frozen=True)
class JobOptions:
    """What is said of the inputs, and how they are taken.

    Attributes:
        modality: bf, pc or any word; needed where no manifest says it.
        model: a name, run folder or file; None: the one that ships and fits best.
        minutes: between two frames, where nothing says.
        fields: whether inputs show whole fields of view, whose chambers are to be cut out; None: by their
            size, which is said.
        convert: make single images 8-bit grey where they are not.
        axes, channel, z, names, bit_depth: how files are read.
    """

    modality: str | None = None
    model: str | None = None
    minutes: float | None = None
    fields: bool | None = None
    convert: bool = False
    axes: str | None = None
    channel: int | None = None
    z: int | None = None
    names: str | None = None
    bit_depth: int | str | None = None

    def reading(self) -> Reading:
        """How files are read for cutting chambers out."""
        return Reading(
            self.axes,
            names=self.names,
            channel=self.channel,
            z=self.z,
            interval_min=self.minutes,
            bit_depth=parse_bit_depth(self.bit_depth),
        )


def whole_job(
    inputs: Sequence[str | Path], out: str | Path, options: JobOptions, progress: bool = True
) -> Path:
    """Import where needed, count, fit growth where there are time-lapses, and write the report.

    A step that is done is not done again; one that was stopped goes on. So the same call ends any job that
    was stopped, also by `kill -9`, as if it had never been.

    Args:
        inputs: recordings, folders, images, or a manifest.
        out: folder of `chambers/` (of fields of view), counts.csv, `growth/` and report.html.
        options: what the inputs do not say.
        progress: show bars on stderr.

    Returns:
        The report's path.

    Raises:
        UserError: inputs or options that cannot be used; a folder that holds something else.
    """
    out, paths = Path(out), [Path(name) for name in inputs]
    modality = _checked(paths, options)
    job = _job(paths, options)
    kept = out / STATE / "job.json"
    fresh_dir(out, resume=kept.is_file())
    with locked(out / STATE):
        if kept.is_file() and json.loads(kept.read_text(encoding="utf-8")) != job:
            raise UserError(
                f"{out}: holds a job with other inputs or options; repeat the command that began it, or name "
                "another folder with --out"
            )
        write_atomic(kept, json.dumps(job, indent=1))
        report = out / REPORT
        if report.is_file():
            _say(f"done already: {report}")
            return report
        counted = _chambers(paths, out, modality, options, progress)
        choices = _choices(counted is not paths, modality, options)
        model = load_model(_model(counted, out, choices, options))
        result = _counted(counted, out, model, choices, progress)
        notes = _growth(result, out, progress)
        result.notes.extend(notes)
        return write_new(report, count_page(result, model, counted).html())


def _checked(paths: Sequence[Path], options: JobOptions) -> str | None:
    problems = [f"{path}: is missing; check the path" for path in paths if not path.exists()]
    modality = None
    try:
        modality = asked_modality(options.modality)
    except UserError as problem:
        problems += problem.problems
    described = [path for path in paths if path.suffix == ".csv" or (path / MANIFEST).is_file()]
    if modality is None and len(described) < len(paths) and not problems:
        problems.append(
            "--modality is missing, and images do not show it surely; write bf, pc or your own word"
        )
    if options.minutes is not None and not 0 < options.minutes < float("inf"):
        problems.append(f"--minutes {options.minutes:g}: the time between frames must be above 0")
    if options.model is not None:
        load_card(options.model)
    if problems:
        raise UserError(problems)
    return modality


def _job(paths: Sequence[Path], options: JobOptions) -> dict[str, Any]:
    """All that decides the result: the options, and which files with which content."""
    files = {str(path.resolve()): stamp(path) for path in paths}
    made: dict[str, Any] = json.loads(json.dumps({"options": asdict(options), "files": files}))
    return made


def _chambers(
    paths: list[Path], out: Path, modality: str | None, options: JobOptions, progress: bool
) -> list[Path]:
    """What is to be counted: the inputs themselves, or the chambers cut out of them."""
    cut = out / "chambers"
    if (cut / MANIFEST).is_file() and not (cut / UNFINISHED).exists():
        return [cut]
    described = any(path.suffix == ".csv" or (path / MANIFEST).is_file() for path in paths)
    fields = options.fields if options.fields is not None else not described and _are_fields(paths, options)
    if not fields:
        _say("1 of 3: images are counted as they are (--fields cuts chambers out of them)")
        return paths
    _say("1 of 3: finding and cutting out chambers (--direct counts the images as they are)")
    asked = ImportOptions(modality or "", options.reading())
    import_stack(paths, cut, asked.chambers(), asked.reading, (cut / UNFINISHED).exists(), progress)
    return [cut]


def _are_fields(paths: Sequence[Path], options: JobOptions) -> bool:
    """Whether these are time-lapses of images larger than any chamber's crop."""
    recordings = open_recordings(paths, _choices(False, None, options).reading())
    sizes = [min(recording.shape) for recording in recordings if not recording.alone and len(recording) > 1]
    return bool(sizes) and sorted(sizes)[len(sizes) // 2] > FIELD


def _choices(cut: bool, modality: str | None, options: JobOptions) -> CountOptions:
    if cut:  # the chambers' manifest says everything itself
        return CountOptions()
    return CountOptions(
        axes=options.axes,
        modality=modality,
        minutes=options.minutes,
        names=options.names,
        channel=options.channel,
        z=options.z,
        bit_depth=options.bit_depth,
        convert=options.convert,
    )


def _model(inputs: Sequence[Path], out: Path, choices: CountOptions, options: JobOptions) -> str:
    """The model asked for, or the one that fits best; chosen once for a job."""
    if options.model is not None:
        return options.model
    kept = out / STATE / "model.txt"
    if not kept.is_file():
        found = fits(inputs, shipped_models(), choices, choices.convert)
        for fit in found:
            _say(f"  {fit.sentence()}")
        chosen = best(found)
        if chosen is None:
            raise UserError("no model that ships counts this modality; name one with --model")
        _say(f"  {advice(found)}")
        write_atomic(kept, chosen.model)
    return kept.read_text(encoding="utf-8")


def _counted(
    inputs: Sequence[Path], out: Path, model: LoadedModel, choices: CountOptions, progress: bool
) -> CountResult:
    """counts.csv and what was noted, made once and then read back: the report never depends on a stop."""
    final, place, noted = out / "counts.csv", out / STATE / "counts.csv", out / STATE / "notes.json"
    if not final.is_file():
        _say(f"2 of 3: counting with {model.card.name}")
        if place.is_file() and not noted.is_file():
            place.unlink()  # stopped in the one moment between the two
        if not place.is_file():
            resume = place.with_name(place.name + ".parts").is_dir()
            made = count([*inputs], model, place, choices, progress=progress, resume=resume)
            write_atomic(noted, json.dumps({"notes": made.notes}))
        place.rename(final)
    table = read_counts(final)
    frames = gather(inputs, choices)
    notes = json.loads(noted.read_text(encoding="utf-8"))["notes"]
    return CountResult(table, notes, model.card, frames, model.fixed_size, choices.convert)


def _growth(result: CountResult, out: Path, progress: bool) -> list[str]:
    """Growth of the time-lapses; why there is none, where there is none."""
    folder = out / "growth"
    if not result.in_series.any() or (folder / "growth.csv").is_file():
        return []
    _say("3 of 3: growth")
    try:
        resume = (folder / PARTS).is_dir()
        write_growth(out / "counts.csv", folder, GrowthOptions(resume=resume), progress)
    except UserError as problem:
        return [f"no growth: {reason}" for reason in problem.problems]
    return []


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
