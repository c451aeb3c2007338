"""Stages: named trainings that may start from one another; for every division and seed they become jobs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from twincell.config import Settings
from twincell.errors import UserError
from twincell.evaluate.protocols import Trial
from twincell.reproduce.request import Request
from twincell.reproduce.trial import FIGURES, RUN


@dataclass(frozen=True)
class Stage:
    """One training of an experiment, whatever the division and the seed.

    Attributes:
        name: of its folder; trainings of the same name and settings are shared by experiments.
        modality: of the natural images it learns from.
        settings: all of it, the scheme of a transfer too (`settings.transfer`).
        start: the stage whose model it goes on from; None = the request's start, or random weights.
    """

    name: str
    modality: str
    settings: Settings
    start: "Stage | None" = None


@dataclass(frozen=True)
class Job:
    """One training on one division, and where its results lie.

    Attributes:
        trial: what it learns from and is measured on.
        settings: of the training.
        folder: of this training alone.
        start: a model to start from: the run folder of an earlier job, a file or a name.
        stage: name of the stage; empty for trainings that stand alone.
    """

    trial: Trial
    settings: Settings
    folder: Path
    start: str | Path | None = None
    stage: str = ""

    @property
    def done(self) -> bool:
        """Whether its figures are there."""
        return (self.folder / FIGURES).exists()

    @property
    def run(self) -> Path:
        """Its run folder, which holds the model when it is done."""
        return self.folder / RUN


def jobs_of(request: Request, stages: Iterable[Stage]) -> list[Job]:
    """A job for each stage, division and seed, none twice, each behind the one it starts from."""
    jobs: dict[Path, Job] = {}
    divisions = cache(request.divisions)
    chosen = list(stages)
    for seed in request.seeds:
        for stage in chosen:
            for fold in range(len(divisions(stage.modality, seed))):
                _add(jobs, request, stage, fold, seed, divisions)
    return list(jobs.values())


def wanted(request: Request, stages: Sequence[Stage]) -> list[Stage]:
    """The stages that `--rows` names, or all; those they start from come with them.

    Raises:
        UserError: for a name that no stage has.
    """
    if request.rows is None:
        return list(stages)
    names = list(dict.fromkeys(stage.name for stage in stages))
    unknown = [row for row in request.rows if row not in names]
    if unknown:
        raise UserError(f"--rows {', '.join(unknown)}: no such training; use some of {', '.join(names)}")
    return [stage for stage in stages if stage.name in request.rows]


def _add(
    jobs: dict[Path, Job],
    request: Request,
    stage: Stage,
    fold: int,
    seed: int,
    divisions: Callable[[str, int], list[Trial]],
) -> Job:
    """The job of a stage, behind that of its start, which is in the same fold of its own modality."""
    trial = divisions(stage.modality, seed)[fold]
    folder = request.out / stage.name / trial.name
    start: str | Path | None = request.start
    if stage.start is not None:
        start = _add(jobs, request, stage.start, fold, seed, divisions).run
    return jobs.setdefault(folder, Job(trial, stage.settings, folder, start, stage.name))
