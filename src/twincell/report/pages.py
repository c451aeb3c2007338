"""Whole reports: which sections, in which order, for an evaluation, a training run, a counted recording."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from twincell.counting.result import CountResult
from twincell.data.image_spec import ImageSpec
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.evaluate.evaluate import Evaluation
from twincell.models.base.file import LoadedModel
from twincell.report.films import films
from twincell.report.page import Figure, Page, Section, command_line
from twincell.report.sections import accuracy, training
from twincell.report.sections import examples as looks
from twincell.report.sections.curves import Film, curves, strips
from twincell.report.sections.growth import growth_section
from twincell.report.sections.notes import caution
from twincell.series.growth.analysis import growth

SHOWN = 16  # images in a section of images


class Examples(NamedTuple):
    """Some images, what they are called, their counts (NaN = unlabelled), and what their numbers mean."""

    images: list[NDArray[Any]]
    names: list[str]
    truth: list[float]
    spec: ImageSpec | None


def evaluation_page(result: Evaluation, model: LoadedModel, manifest: str, run: Path | None = None) -> Page:
    """A model against the labels of one split.

    Args:
        result: of `twincell.evaluate.evaluate`.
        model: the model measured.
        manifest: where the labels came from, in words.
        run: the model's run folder, where it lies in one: the course of its training is shown then.
    """
    scores, title = result.scores, f"{model.card.name}: how good are its counts?"
    notes = Section("Notes", "; ".join(result.notes) + ".", "") if result.notes else None
    return Page(
        title=title,
        subtitle=f"{scores.n} frames of {manifest}, split {result.split}, each counted from its image alone",
        figures=[
            Figure("MAE", f"{scores.mae:.2f}", "cells, rounded counts"),
            Figure("exactly right", f"{scores.accuracy:.0f} %", "of the frames"),
            Figure("MRE", f"{scores.mre:.1f} %", "mean relative error"),
            Figure("bias", f"{scores.bias:+.2f}", "cells, before rounding"),
        ],
        sections=[
            notes,
            accuracy.agreement(result.frames, {model.card.name: scores, **result.baselines}),
            *_seen(model, examples(result)),
            _course(run),
            training.about(model.card, _settings(run)),
        ],
        command=command_line(),
    )


def training_page(run: Path, model: LoadedModel, manifest: Manifest, progress: bool = False) -> Page:
    """A finished training run.

    Args:
        run: its folder, with settings.yaml and history.csv.
        model: what came out.
        manifest: what it was trained on; its labelled rows of splits val and test are counted.
        progress: show a bar.
    """
    from twincell.evaluate.evaluate import evaluate

    splits = set(manifest.table["split"][manifest.labelled & manifest.natural])
    results = [
        evaluate(model, manifest.select(manifest.natural), split, baselines=True, progress=progress)
        for split in ("val", "test")
        if split in splits
    ]
    agreements = [
        accuracy.agreement(
            result.frames, {model.card.name: result.scores, **result.baselines}, f"Split {result.split}"
        )
        for result in results
    ]
    shown = examples(results[-1]) if results else _some(manifest)
    return Page(
        title=f"{model.card.name}: a training run",
        subtitle=f"{model.card.data.description or manifest.root}; {model.card.steps:,} steps",
        figures=[
            Figure(
                f"MAE, split {result.split}", f"{result.scores.mae:.2f}", f"{result.scores.n} counted frames"
            )
            for result in results
        ]
        + [Figure("trained for", f"{model.card.seconds / 60:.1f} min", model.card.machine)],
        sections=[
            _course(run),
            *agreements,
            *_seen(model, shown),
            training.about(model.card, _settings(run)),
        ],
        command=command_line(),
    )


def count_page(result: CountResult, model: LoadedModel, inputs: Sequence[Path]) -> Page:
    """A count with all that was seen of it: curves, growth where there are time-lapses, flags, frames.

    Args:
        result: of `twincell.count`.
        model: what counted.
        inputs: as the user named them, for the title.
    """
    names = ", ".join(path.name for path in inputs[:3])
    return recording_page(
        result.table,
        model,
        growth(result.table[result.in_series]) if result.in_series.any() else None,
        films=films(result, model),
        known=result.counted,
        notes=result.notes,
        skipped=_skipped(inputs),
        title=f"Cells in {names}{' ...' if len(inputs) > 3 else ''}",
    )


def recording_page(
    counts: pd.DataFrame,
    model: LoadedModel | None = None,
    growth: pd.DataFrame | None = None,
    by: str | None = None,
    films: dict[str, Film] | None = None,
    known: pd.DataFrame | None = None,
    notes: list[str] | None = None,
    skipped: Sequence[str] = (),
    title: str = "Cells over time",
    truth: str = "counted by a person",
) -> Page:
    """A counted recording: curves with bands, growth, flags, what was skipped and why.

    Args:
        counts: the table of counts.csv.
        model: what counted, where known.
        growth: the table of `twincell.series.growth`, where made.
        by: its column of conditions.
        films: frames to see on hover (`twincell.report.films`).
        known: rows `chamber, frame, count` of frames whose count is known.
        notes: what was decided, skipped and found on the way.
        skipped: frames that an import left out, and why.
        title: of the page.
        truth: what the known counts are.
    """
    series = counts[counts["chamber"].astype(str) != ""]
    flagged = int((counts["flag"] != "").sum())
    figures = [
        Figure("chambers", str(series["chamber"].nunique())),
        Figure("frames", f"{len(counts):,}", f"{flagged} flagged" if flagged else "none flagged"),
    ]
    if growth is not None and len(growth):
        growing = growth[growth["verdict"] == "growing"]
        unit = "h" if growth["unit"].iloc[0] == "h" else "frames"
        figures.append(Figure("growing", f"{len(growing)} of {len(growth)}", "chambers"))
        if len(growing):
            figures.append(Figure("doubling time", f"{growing['doubling'].median():.3g} {unit}", "median"))
    width = (counts["upper"] - counts["lower"]).mean()
    figures.append(Figure("90 % interval", f"{width:.1f}", "cells wide on average"))
    return Page(
        title=title,
        subtitle="Counted by " + (f"the model {model.card.name}" if model is not None else "twincell"),
        figures=figures,
        sections=[
            curves(counts, films, known, truth=truth),
            strips(counts, films) if films else None,
            growth_section(growth, by) if growth is not None else None,
            caution(counts, notes or (), skipped),
            training.about(model.card) if model is not None else None,
        ],
        command=command_line(),
    )


def _skipped(inputs: Sequence[Path]) -> list[str]:
    """What `twincell import stack` left out of the inputs, by the table it wrote beside their manifest."""
    lines = []
    for folder in dict.fromkeys(path if path.is_dir() else path.parent for path in inputs):
        if (folder / "manifest.csv").is_file() and (folder / "skipped.csv").is_file():
            table = pd.read_csv(folder / "skipped.csv", dtype=str, keep_default_na=False)
            lines += [
                ", ".join(f"{name} {value}" for name, value in row.items() if value)
                for row in table.to_dict("records")
            ]
    return lines


def _course(run: Path | None) -> Section | None:
    history = run / "history.csv" if run is not None else None
    return training.course(history) if history is not None and history.is_file() else None


def _settings(run: Path | None) -> str:
    settings = run / "settings.yaml" if run is not None else None
    return settings.read_text(encoding="utf-8") if settings is not None and settings.is_file() else ""


def _seen(model: LoadedModel, shown: Examples) -> list[Section | None]:
    return [looks.where(model, *shown), looks.translations(model, shown.images[:8])]


def examples(result: Evaluation, most: int = SHOWN) -> Examples:
    """Choose evenly spread labelled frames, ordered by their count."""
    table = result.frames.sort_values("count", kind="stable")
    return _read(Manifest(table.iloc[looks.spread(len(table), most)], result.root))


def _some(manifest: Manifest) -> Examples:
    own = manifest.select(manifest.natural)
    return _read(own.select(looks.spread(len(own), SHOWN))) if len(own) else Examples([], [], [], None)


def _read(chosen: Manifest) -> Examples:
    store, table = ImageStore.load(chosen, progress=False), chosen.table
    names = [f"{c} frame {f}" for c, f in table[["chamber", "frame"]].to_numpy().tolist()]
    images = [image[0].numpy() for image in store.whole()]
    return Examples(images, names, table["count"].tolist(), store.spec)
