"""The whole job on simulated chambers, in minutes and without any real data.

A laboratory has counted some frames of its phase-contrast recordings and trains a model on them. Then it
buys a bright-field microscope, counts a handful of frames there and moves the model over. Both models count
new chambers that they never saw; growth rates come out, and a page to show. As everything is simulated, the
truth is known and every error is told.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from twincell.data.manifest import Manifest
from twincell.demo.page import demo_page
from twincell.demo.result import FOLDERS, Demo, Plan
from twincell.errors import Stopped, UserError
from twincell.evaluate.evaluate import Evaluation, evaluate
from twincell.files import fresh_dir, write_atomic
from twincell.locks import locked
from twincell.models.base.file import LoadedModel
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
    """Chambers, a model for phase contrast, and the same moved to bright field."""
    from twincell.api import train, transfer
    from twincell.simulate.recordings import write_chambers
    from twincell.simulate.scene.growth import GrowthSettings

    out, new = demo.out, plan.new_chambers
    growth = GrowthSettings(frame_interval_h=1.0, start_cells=(2, 4))
    with step(demo, "drawing chambers"):
        drawn = {
            "pc": write_chambers(
                out / FOLDERS["pc"], "optics-pc", plan.chambers + new, plan.frames, 2 * seed,
                plan.counted_every, new, growth, progress=progress,
            ),
            "bf": write_chambers(
                out / FOLDERS["bf"], "optics-bf", plan.few_chambers + new, plan.frames, 2 * seed + 1,
                plan.few_every, new, growth, progress=progress,
            ),
        }  # fmt: skip
    for modality, manifest in drawn.items():
        counted = int((manifest.labelled & (manifest.table["split"] == "train").to_numpy()).sum())
        say(
            f"  {modality}: {len(manifest)} frames, {counted} of them counted to learn from, {new} "
            "new chambers"
        )

    # The start of the preset is a shipped model that knows drawn chambers already: too easy here.
    size = {"start": None, "batch.size": plan.batch, "training.log_every": 5}
    with step(demo, "training on phase contrast"):
        long = {**size, "training.steps": plan.steps, "synthetic.pool": plan.drawn}
        pc = train(drawn["pc"], out / "model-pc", "best", seed=seed, changes=long, progress=progress)
    demo.evaluations["phase contrast, new chambers"] = _new(pc, drawn["pc"])
    demo.evaluations["bright field, before the move"] = _new(pc, drawn["bf"])
    with step(demo, "moving it to bright field"):
        short = {**size, "training.steps": plan.few_steps, "synthetic.pool": plan.few_drawn}
        bf = transfer(
            out / "model-pc",
            drawn["bf"],
            out / "model-bf",
            preset="best",
            seed=seed,
            changes=short,
            progress=progress,
        )
    demo.evaluations["bright field, after the move"] = _new(bf, drawn["bf"])
    return {"pc": pc, "bf": bf}


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


def _new(model: LoadedModel, manifest: Manifest) -> Evaluation:
    return evaluate(model, manifest, "test", baselines=True, progress=False)


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
