"""What `twincell reproduce` knows, by name: which trials, and which table they make."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.protocols import (
    SHOTS,
    Trial,
    chambers_out,
    label_noise,
    of_modality,
    published,
    with_labels,
)
from twincell.files import write_atomic
from twincell.reproduce.summary import as_markdown, summarise
from twincell.reproduce.trial import FRAMES, frames_of, run_trial

ABLATION = Path(__file__).with_name("ablation.yaml")


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        manifest: all images.
        out: folder of the experiment; finished trials in it are not done again.
        settings: of every training.
        start: a model whose weights are every training's start, or None for the settings' own.
        seeds: of training.
        modalities: those measured.
        folds: divisions of leave-chamber-out; None = the protocol's own.
        only: folds to run now, so that several machines or processes can share the work; None = all.
        progress: whether bars and lines are shown.
    """

    manifest: Manifest
    out: Path
    settings: Settings
    start: str | None
    seeds: tuple[int, ...]
    modalities: tuple[str, ...]
    folds: int | None = None
    only: tuple[int, ...] | None = None
    progress: bool = True


@dataclass(frozen=True)
class Experiment:
    """A name, what it shows, and how it is run; `run` returns the Markdown of its table."""

    name: str
    shows: str
    run: Callable[[Request], str]


def perform(request: Request, trials: list[Trial], by: tuple[str, ...], title: str) -> str:
    """Runs the trials that are not done yet and writes `title`.csv, .md and the counted frames."""
    chosen = [t for t in trials if request.only is None or t.fold in request.only]
    figures = [run_trial(t, request.settings, request.out, request.start, request.progress) for t in chosen]
    # Another process may have done the rest meanwhile: the table holds every trial that is finished.
    finished = [t for t in trials if (request.out / t.name / FRAMES).exists()]
    if len(finished) > len(chosen):
        figures = [run_trial(t, request.settings, request.out, request.start, False) for t in finished]
    table = summarise(figures, by)
    text = as_markdown(table, by)
    write_atomic(request.out / f"{title}.csv", table.to_csv(index=False))
    write_atomic(request.out / f"{title}.md", text)
    write_atomic(
        request.out / f"{title}-frames.csv", frames_of(request.out, finished or chosen).to_csv(index=False)
    )
    return text


def each(request: Request, make: Callable[[Manifest, str, int], list[Trial]]) -> list[Trial]:
    """The trials of every modality and seed."""
    return [t for m in request.modalities for seed in request.seeds for t in make(request.manifest, m, seed)]


def run_published(request: Request) -> str:
    """The manifest's own split."""
    return perform(request, each(request, published), ("modality", "protocol"), "published")


def run_chambers(request: Request) -> str:
    """Whole chambers held out."""
    trials = each(request, lambda manifest, m, seed: chambers_out(manifest, m, seed, request.folds))
    return perform(request, trials, ("modality",), "leave-chamber-out")


def run_labels(request: Request) -> str:
    """Leave-chamber-out with few labels."""

    def shots(manifest: Manifest, modality: str, seed: int) -> list[Trial]:
        return [t for k in SHOTS for t in with_labels(manifest, modality, seed, k, request.folds)]

    return perform(request, each(request, shots), ("modality", "k"), "labels")


def run_protocols(request: Request) -> str:
    """The first two protocols and the scatter of the labels themselves."""
    noise = []
    for modality in request.modalities:
        own = of_modality(request.manifest, modality)
        found = label_noise(own.table)
        noise.append(
            f"- {modality}: {found['labels']:.0f} labels between near ones scatter by {found['std']:.2f} "
            f"cells (upper bound): exact for {found['accuracy']:.0f} % at best, MAE {found['mae']:.2f}.\n"
        )
    text = f"{run_published(request)}\n{run_chambers(request)}\nLabel noise:\n\n{''.join(noise)}"
    write_atomic(request.out / "protocols.md", text)
    return text


def run_ablation(request: Request) -> str:
    """The recipe with one ingredient changed at a time, leave-chamber-out."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load(ABLATION.read_text())
    parts = []
    for name, row in rows.items():
        settings = request.settings.changed(row.get("set", {}))
        own = replace(request, settings=settings, out=request.out / row["folder"])
        text = run_chambers(own)
        parts.append(f"**{name}**\n\n{text}\n")
    report = "\n".join(parts)
    write_atomic(request.out / "ablation.md", report)
    return report


EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment("protocols", "published split, leave-chamber-out and label noise", run_protocols),
        Experiment("published", "the published split, which leaks in time", run_published),
        Experiment("leave-chamber-out", "chambers never seen in training", run_chambers),
        Experiment("labels", "0, 5, 10, 20, 50 and all labels, leave-chamber-out", run_labels),
        Experiment("ablation", "the recipe with one ingredient changed at a time", run_ablation),
    )
}


def find(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        UserError: for any other word.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"experiment {name!r} is unknown: use one of {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
