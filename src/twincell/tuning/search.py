"""A search at work: one trial after the other, stopped early where it is worse than most."""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.tuning.objective import CURVE, measure
from twincell.tuning.space import Point, Space
from twincell.tuning.study import REFUSED, Search, Turn, Waiting
from twincell.tuning.watch import TimeIsUp

PAUSE = 0.5
"""Seconds between two looks at what others have finished."""

Note = Callable[[str], None]
"""Takes a short line on what is going on."""


@dataclass(frozen=True)
class Plan:
    """What every trial of a search has in common.

    Attributes:
        settings: the preset.
        divisions: from `folds_of`.
        seed: of every training.
        rungs: reports of each training.
        trials: how many the study shall have; None = until it is over or time is up.
        deadline: in seconds of `time.monotonic`; None = no limit.
    """

    settings: Settings
    divisions: list[Manifest]
    seed: int
    rungs: int
    trials: int | None
    deadline: float | None

    @property
    def time_is_up(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def work(search: Search, space: Space, plan: Plan, note: Note, finished: Note) -> None:
    """Trains trials until there are enough, the search is over, or time is up.

    Args:
        search: says which trial is next.
        space: what its points mean.
        plan: how a trial is trained.
        note: told what the trial in hand has reached.
        finished: told of each finished trial in one line.

    Raises:
        Stopped: a signal came; the trial in hand goes on when the search is called again.
        UserError: when the preset itself cannot be trained.
    """
    while not plan.time_is_up:
        try:
            with search.turn(plan.trials) as turn:
                if turn is None:
                    return
                finished(_trial(search, space, plan, turn, note))
        except Waiting:
            note("waiting for trials of other processes")
            time.sleep(PAUSE)
        except TimeIsUp:
            return


def _trial(search: Search, space: Space, plan: Plan, turn: Turn, note: Note) -> str:
    """Trains one trial and tells the study; returns a line about it."""
    import optuna
    from optuna.trial import TrialState

    trial, name = turn.trial, f"trial {turn.trial.number}"
    told = set(search.study.trials[trial.number].intermediate_values)
    last = len(plan.divisions) * plan.rungs

    def report(rung: int, mae: float) -> None:
        note(f"{name}: MAE {mae:.3f} at rung {rung} of {last}")
        if rung not in told:
            trial.report(mae, rung)
        if math.isnan(mae) or (rung < last and trial.should_prune()):
            raise optuna.TrialPruned

    try:
        settings = plan.settings.changed(space.changes(trial.params))
        score = measure(settings, plan.divisions, turn.folder, plan.seed, plan.rungs, report, plan.deadline)
    except optuna.TrialPruned:
        _keep_curve(turn)
        search.study.tell(trial, state=TrialState.PRUNED)
        return f"{name}: stopped early; {_described(space, trial.params)}"
    except UserError as error:
        trial.set_user_attr(REFUSED, error.problems[0])
        search.study.tell(trial, state=TrialState.FAIL)
        if trial.params == space.own:
            raise
        return f"{name}: cannot be trained ({error.problems[0]})"
    trial.set_user_attr("score", asdict(score))
    search.study.tell(trial, score.mae)
    return f"{name}: MAE {score.mae:.3f} in {score.seconds:.0f} s; {_described(space, trial.params)}"


def _keep_curve(turn: Turn) -> None:
    """Of a training stopped early its curve stays."""
    for run in sorted(turn.folder.glob("fold*/")):
        if (run / "history.csv").exists():
            shutil.copyfile(run / "history.csv", turn.folder / CURVE.format(run.name.removeprefix("fold")))
        shutil.rmtree(run)


def _described(space: Space, point: Point) -> str:
    """What differs from the preset."""
    changed = [p.shown(point[p.name]) for p in space.parameters if point[p.name] != p.own]
    return ", ".join(changed) or "the preset itself"
