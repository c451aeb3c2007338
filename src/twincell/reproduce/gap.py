"""Distribution, label or photorealism: where drawn and real images differ, and gaps whose parts are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.errors import UserError
from twincell.evaluate.protocols import of_modality
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.gap import Gap, GapOptions, measure_gap, write_gap
from twincell.gap.card import parts_rows, table, verdict
from twincell.gap.controls import CONTROLS, measure_control
from twincell.gap.measured import BY_COUNTS, REAL
from twincell.gap.page import drawn
from twincell.gap.shapley import EVERYTHING, NOTHING, PARTS, name_of
from twincell.gap.trainings import PRESET
from twincell.reproduce.data_sets import no_jobs
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.plots import save_figure
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job
from twincell.simulate.preset_files import preset_names

GIVEN = "ellipse-{modality}"
"""The generator asked about: the paper's."""
STAND_INS, LEARNED_FROM = 120, 150
"""Of controls: images in the place of real ones, and drawn images of a training."""
REAL_ROW, CONTROL_ROW = "real", "controls"
TRIALS = 60
"""Of each fit to real images."""
HEAD = ("", "n", "chambers", "as given", "everything closed", "by counts alone", "real labels", "convention")


def jobs(request: Request) -> list[Job]:
    """None that others share; what is asked for is looked at before any work.

    Raises:
        UserError: unknown rows, or a modality that the paper's generator does not draw.
    """
    problems = [
        f"--rows {row}: unknown; choose of {REAL_ROW}, {CONTROL_ROW}"
        for row in request.rows or ()
        if row not in (REAL_ROW, CONTROL_ROW)
    ]
    for modality in request.modalities if _asked(request, REAL_ROW) else ():
        if GIVEN.format(modality=modality) not in preset_names():
            problems.append(
                f"modality {modality}: no ellipses are drawn for it; give twincell gap your own generator"
            )
    if problems:
        raise UserError(problems)
    for modality in request.modalities:
        of_modality(request.manifest, modality)
    return no_jobs(request)


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes gap.csv, gap.png and gap.md, and a folder for each analysis."""
    found: dict[str, Gap] = {}
    if _asked(request, CONTROL_ROW):
        for name in CONTROLS:
            folder = request.out / f"control-{name.replace(' ', '-')}"
            found[name] = measure_control(name, folder, STAND_INS, _options(request, None, LEARNED_FROM))
            write_gap(found[name], folder)
    if _asked(request, REAL_ROW):
        for modality in request.modalities:
            folder, given = request.out / f"real-{modality}", GIVEN.format(modality=modality)
            found[modality] = measure_gap(request.manifest, given, folder, _options(request, modality))
            write_gap(found[modality], folder)
    numbers = pd.DataFrame([_row(name, own) for name, own in found.items()])
    write_atomic(
        request.out / "gap.csv", numbers.to_csv(index=False, float_format="%.4f", lineterminator="\n")
    )
    save_figure(request.out / "gap.png", drawn({name: own.split for name, own in found.items()}))
    text = as_markdown(found)
    write_atomic(request.out / "gap.md", text)
    return text


def _row(name: str, own: Gap) -> dict[str, Any]:
    """Everything of one analysis in a row; of each figure the value, then the limits of its interval."""
    split = own.split
    row: dict[str, Any] = {
        "analysis": name, "generator": own.generator.name, "n": split.images, "chambers": split.chambers,
        "seeds": split.seeds, "learned from": own.n, "cpu seconds": own.seconds,
        "conventions": "; ".join(str(found) for found in own.measured.conventions.values()),
    }  # fmt: skip
    for what, of, *values in table(split, own.measured.bias).itertuples(index=False):
        for end, value in zip(("", ", lower", ", upper"), values, strict=True):
            row[f"{what}: {of}{end}"] = value
    return row


def _asked(request: Request, row: str) -> bool:
    return request.rows is None or row in request.rows


def _options(request: Request, modality: str | None, images: int | None = None) -> GapOptions:
    return GapOptions(
        modality=modality,
        images=images,
        trials=TRIALS,
        seeds=request.seeds,
        settings=request.settings,
        progress=request.progress,
        kept=Path(request.out / "trainings"),
    )


def as_markdown(found: dict[str, Gap]) -> str:
    """A line an analysis with its errors, one with its parts, and what each comes to."""
    errors, parts, told = [], [], []
    for name, own in found.items():
        split = own.split
        cells = [split.errors.get(key) for key in (name_of(NOTHING), name_of(EVERYTHING), BY_COUNTS, REAL)]
        conventions = ", ".join(dict.fromkeys(str(c) for c in own.measured.conventions.values()))
        shown = ["-" if value is None else str(value) for value in cells]
        errors.append([name, str(split.images), str(split.chambers), *shown, conventions])
        by_part = {row[0]: row[1:3] for row in parts_rows(split)}
        together = [str(value) for value in split.together.values()]
        parts.append([name, *(f"{by_part[part][0]}, {by_part[part][1]}" for part in PARTS), *together])
        told.append(f"- {name}: {verdict(split)}")
    pairs = [" and ".join(pair) for pair in next(iter(found.values())).split.together]
    return "\n".join([markdown(HEAD, errors), markdown(("", *PARTS, *pairs), parts), "\n".join(told), ""])


EXPERIMENT = Experiment(
    "gap",
    "why drawn images teach less than real ones: distribution, label, photorealism",
    jobs,
    tell,
    preset=PRESET,
    options=("--rows",),
)
