"""What `twincell tune` may be asked for."""

from dataclasses import dataclass, field
from pathlib import Path

from twincell.training.options import Changes

TRIALS = 20  # unless trials or minutes are given


@dataclass(frozen=True)
class TuneOptions:
    """What is searched, how, and for how long.

    Attributes:
        preset: what to start from.
        start: a model whose weights are every training's start; None = the preset's own.
        changes: what is said in place of the preset's settings.
        method: tpe or coordinate.
        space: a YAML file of what to vary; None = the method's own.
        trials: of the whole search; None = `TRIALS`, or none at all where there are minutes.
        minutes: stop after this time.
        folds: trainings per trial, each with other chambers held out.
        rungs: reports of each training.
        seed: of proposals and trainings.
        storage: a database for several machines.
        study: name of the search in that database.
    """

    preset: str = "best"
    start: str | None = None
    changes: Changes = field(default_factory=Changes)
    method: str = "tpe"
    space: Path | None = None
    trials: int | None = None
    minutes: float | None = None
    folds: int = 3
    rungs: int = 4
    seed: int = 0
    storage: str | None = field(default=None, repr=False)  # may hold a password
    study: str = "tune"

    @property
    def most(self) -> int | None:
        """Trials after which the search is over; None = no limit."""
        return TRIALS if self.trials is None and self.minutes is None else self.trials
