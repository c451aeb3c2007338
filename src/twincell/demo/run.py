"""The whole job on simulated chambers, in minutes and without any real data.

A laboratory's two microscopes show cells as the shipped model has never seen them. A person labels twenty
frames of each: in bright field once by counting, once by clicking on every cell, to see what clicks buy. The
model adapts to them and counts new chambers that it never saw; growth rates come out, and a page to show. As
everything is simulated, the truth is known and every error is told.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from twincell.data.manifest import Manifest
from twincell.demo.lab import draw_lab
from twincell.demo.page import demo_page
from twincell.demo.result import FOLDERS, NAMES, START, Demo, Plan
from twincell.errors import Stopped, UserError
from twincell.evaluate.evaluate import Evaluation, evaluate
from twincell.files import fresh_dir, write_atomic
from twincell.locks import locked
from twincell.models.base.file import LoadedModel, load_model
from twincell.report.films import films

DEFAULT = "twincell-demo"


def run_demo(
    out: str | Path | None = None, seed: int = 0, plan: Plan | None = None, progress: bool = True
) -> Demo:
    """Run the whole job and write its page; say on stderr what is being done.

    Args:
        out: a new folder; by default `twincell-demo`, or that with the next free number.
        seed: of chambers, training and everything else.
        plan: how much of everything.
        progress: show bars on stderr.

    Raises:
        UserError: `out` holds files already.
        Stopped: a signal came while training; the folder is left unfinished.
    """
    plan = plan or Plan()
    out = _free(DEFAULT) if out is None else Path(out)
    with locked(out):
        return _demo(Demo(fresh_dir(out)), plan, seed, progress)


def _demo(demo: Demo, plan: Plan, seed: int, progress: bool) -> Demo:
    say(f"Everything goes to {demo.out}; nothing but drawn chambers is used.")
    try:
        models = _learn(demo, plan, seed, progress)
    except Stopped as stopped:
        unfinished = f"stopped; {demo.out} is left unfinished, run the demo again"
        raise Stopped(stopped.signal, unfinished) from stopped
    _count(demo, models, progress)
    with step(demo, "the page"):
        demo_page(demo, models).write(demo.report)
    return demo


def _learn(demo: Demo, plan: Plan, seed: int, progress: bool) -> dict[str, LoadedModel]:
    """Chambers of both microscopes, and the shipped model adapted to each of them; models by modality."""
    from twincell.api import transfer

    with step(demo, "drawing chambers"):
        drawn = {
            modality: draw_lab(demo.out, modality, plan, 2 * seed + k, progress)
            for k, modality in enumerate(FOLDERS)
        }
    models = {}
    for modality, recordings in drawn.items():
        name = NAMES[modality]
        demo.labels[modality] = recordings.learned_from
        with step(demo, f"{name}: {START} as it is"):
            demo.evaluations[f"{name}: {START} as it is"] = _new(
                load_model(START), recordings.counted, plan.compared_every
            )
        for how, manifest in (("counted", recordings.counted), ("clicked", recordings.clicked)):
            if how == "counted" and modality not in plan.both:
                continue
            said = f"{name}: {recordings.learned_from} {how} frames"
            with step(demo, said):
                out = demo.out / f"model-{modality}-{how}"
                models[modality] = transfer(START, manifest, out, seed=seed, progress=progress)
                demo.evaluations[said] = _new(models[modality], recordings.counted, plan.compared_every)
    return models


def _count(demo: Demo, models: dict[str, LoadedModel], progress: bool) -> None:
    """The new chambers of both kinds as recordings nobody counted: counts.csv and growth.csv."""
    from twincell.counting import count
    from twincell.counting.table import csv_text
    from twincell.series.growth.analysis import growth

    tables, truths = [], []
    with step(demo, "counting the new chambers"):
        for modality, folder in FOLDERS.items():
            new, truth = _as_recording(demo.out, folder, modality)
            result = count(new, models[modality], progress=progress)
            demo.films |= films(result, models[modality])
            demo.notes += result.notes
            tables.append(result.table)
            truths.append(truth)
        demo.counts = pd.concat(tables, ignore_index=True)
        truth = pd.concat(truths).set_index(["chamber", "frame"])
        demo.truth = (
            truth["count"].reindex(pd.MultiIndex.from_frame(demo.counts[["chamber", "frame"]])).tolist()
        )
        write_atomic(demo.out / "counts.csv", csv_text(demo.counts))
    with step(demo, "growth"):
        found = growth(demo.counts, first=len(demo.counts))
        doubling = truth.groupby("chamber")["doubling_h"].first()
        demo.growth = found.assign(doubling_true=found["chamber"].map(doubling))
        write_atomic(demo.out / "growth.csv", demo.growth.to_csv(index=False, lineterminator="\n"))


def _as_recording(out: Path, folder: str, modality: str) -> tuple[Path, pd.DataFrame]:
    """The test chambers as a manifest without a single count, and their truth."""
    manifest = Manifest.read(out / folder).select("test")
    table = manifest.table.assign(count=float("nan"), chamber=modality + "-" + manifest.table["chamber"])
    place = Manifest(table, manifest.root).write(out / folder / "new-chambers.csv")
    truth = pd.read_csv(out / folder / "truth.csv")
    return place, truth.assign(chamber=modality + "-" + truth["chamber"])


def _new(model: LoadedModel, manifest: Manifest, every: int) -> Evaluation:
    """The model on every so many frames of the new chambers."""
    table = manifest.table
    some = (table["split"] == "train") | (table["frame"] % every == 0)
    return evaluate(model, manifest.select(some.to_numpy()), "test", baselines=True, progress=False)


@contextmanager
def step(demo: Demo, what: str) -> Iterator[None]:
    """Says what is being done and how long it took."""
    begin = time.perf_counter()
    yield
    demo.seconds[what] = time.perf_counter() - begin
    say(f"{what}: {demo.seconds[what]:.0f} s")


def say(line: str) -> None:
    """One line on stderr, as progress is."""
    print(line, file=sys.stderr, flush=True)


def _free(name: str) -> Path:
    """The folder of this name in the working directory, or the first free number of it."""
    for number in range(1, 1000):
        path = Path(name if number == 1 else f"{name}-{number}")
        if not path.exists():
            return path
    raise UserError(f"{name}: a thousand demos lie here already; name a folder with --out")
