"""What a search makes small: the count error on chambers held out of the training rows."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from twincell.batches.batches import epoch_length
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.splits import leave_chamber_out
from twincell.errors import UserError
from twincell.evaluate.evaluate import evaluate
from twincell.files import write_atomic
from twincell.models.base.file import load_model
from twincell.training import fit
from twincell.tuning.watch import Watch

FOLD = "fold{}.json"
CURVE = "fold{}-history.csv"


@dataclass(frozen=True)
class Score:
    """The figures of one trial on one fold or on several: `mre` and `accuracy` in percent.

    Attributes:
        n: labelled frames counted.
        mae, mre, accuracy: as the paper defines them.
        seconds: of training.
        steps: of all trainings.
    """

    n: int
    mae: float
    mre: float
    accuracy: float
    seconds: float
    steps: int


Report = Callable[[int, float], None]
"""Takes a rung (1, 2, ... over all folds) and the MAE in cells so far; what it raises ends the trial."""


def folds_of(manifest: Manifest, folds: int) -> list[Manifest]:
    """Divisions of the training rows: in each, some counted chambers are rows of split val.

    Rows of split test and val take no part: what they hold must not choose settings that are then measured on
    them. Chambers without a count are learned from in every division.

    Raises:
        UserError: when fewer chambers than folds have counts.
    """
    rows = manifest.select("train")
    table = rows.table
    counted = table["chamber"][rows.natural & rows.labelled].unique()
    if not 2 <= folds <= len(counted):
        raise UserError(
            f"--folds {folds}: {len(counted)} chambers of split train have counts, enough for 2 to "
            f"{len(counted)} folds; choose among these, or count frames of more chambers"
        )
    known = rows.select(table["chamber"].isin(counted).to_numpy())
    return [_held_out(rows, fold.chambers) for fold in leave_chamber_out(known, folds)]


def _held_out(rows: Manifest, chambers: list[str]) -> Manifest:
    """The rows without those of the chambers, whose counted ones become split val."""
    table = rows.table.copy()
    apart = rows.natural & table["chamber"].isin(chambers).to_numpy()
    table["split"] = np.where(apart, "val", "train")
    return Manifest(table[~apart | rows.labelled].reset_index(drop=True), rows.root)


def measure(
    settings: Settings,
    divisions: list[Manifest],
    folder: Path,
    seed: int,
    rungs: int,
    report: Report,
    deadline: float | None = None,
) -> Score:
    """Trains on every division in turn and counts its held-out chambers.

    Folds that are finished in `folder` are read back, and a training that was cut short goes on from its
    checkpoint. Of a finished training its curve stays, the model does not.

    Args:
        settings: of the training; its validation is replaced.
        divisions: from `folds_of`.
        folder: of this trial alone.
        seed: of every training.
        rungs: how often each training reports: at equal shares of its length, the last when it is counted.
        report: told the MAE over all frames so far, those of the running fold as validated.
        deadline: when to stop, in seconds of `time.monotonic`.

    Raises:
        TimeIsUp, Stopped: the trial is not finished; asked again it goes on.
        Whatever `report` raises.
    """
    scores: list[Score] = []
    for fold, division in enumerate(divisions):
        steps = _steps(settings, division)
        curve = _Curve(
            fold, rungs, steps, int((division.table["split"] == "val").sum()), tuple(scores), report
        )
        watched = _watched(settings, steps, rungs)
        scores.append(_fold(watched, division, folder, fold, seed, Watch(curve.seen, deadline)))
        report((fold + 1) * rungs, pooled(scores).mae)
    return pooled(scores)


@dataclass(frozen=True)
class _Curve:
    """Turns the validations of one fold into reports over all folds so far."""

    fold: int
    rungs: int
    steps: int
    frames: int
    done: tuple[Score, ...]
    report: Report

    def seen(self, step: int, mae: float) -> None:
        """A validation; that of the last step is left out, since the model is counted then."""
        rung = step * self.rungs // self.steps
        if rung < self.rungs:
            errors = self.frames * mae + sum(score.n * score.mae for score in self.done)
            self.report(self.fold * self.rungs + rung, errors / (self.frames + sum(s.n for s in self.done)))


def _fold(settings: Settings, division: Manifest, folder: Path, fold: int, seed: int, watch: Watch) -> Score:
    """One training and its figures, done once."""
    kept = folder / FOLD.format(fold)
    if kept.exists():
        return Score(**json.loads(kept.read_text()))
    run = folder / f"fold{fold}"
    fit(settings, division, run, resume=True, seed=seed, progress=False, watch=watch)
    model = load_model(run)
    figures = evaluate(model, division, "val", progress=False).scores
    score = Score(figures.n, figures.mae, figures.mre, figures.accuracy, model.card.seconds, model.card.steps)
    shutil.copyfile(run / "history.csv", folder / CURVE.format(fold))
    write_atomic(kept, json.dumps(asdict(score)) + "\n")
    shutil.rmtree(run)
    return score


def _watched(settings: Settings, steps: int, rungs: int) -> Settings:
    """The settings with validation at the rungs, where nothing but the end decides which weights are kept."""
    return settings.changed(
        {
            "training.steps": steps,
            "training.epochs": None,
            "training.validation": "rows",
            "training.validate_every": math.ceil(steps / rungs),
            "training.keep": "last",
            "training.patience": 0,
        }
    )


def _steps(settings: Settings, division: Manifest) -> int:
    """How long a training is."""
    rows = division.select("train")
    natural = int(rows.natural.sum())
    return settings.training.steps or (settings.training.epochs or 0) * epoch_length(
        natural, len(rows) - natural, settings
    )


def pooled(scores: list[Score]) -> Score:
    """Several folds as one: every frame counts alike."""
    n = sum(s.n for s in scores)

    def mean(name: str) -> float:
        return sum(s.n * getattr(s, name) for s in scores) / n

    seconds, steps = sum(s.seconds for s in scores), sum(s.steps for s in scores)
    return Score(n, mean("mae"), mean("mre"), mean("accuracy"), seconds, steps)
