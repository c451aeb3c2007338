"""Stages: named trainings that may start from one another; for every division and seed they become jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from twincell.config import Settings
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
    for seed in request.seeds:
        for stage in stages:
            for trial in request.divisions(stage.modality, seed):
                _add(jobs, request, stage, trial)
    return list(jobs.values())


def job_of(request: Request, stage: Stage, trial: Trial) -> Job:
    """The job of a stage in the division and with the seed of a trial of any modality."""
    own = request.divisions(stage.modality, trial.seed)[trial.fold]
    start = request.start if stage.start is None else job_of(request, stage.start, trial).run
    return Job(own, stage.settings, request.out / stage.name / own.name, start, stage.name)


def _add(jobs: dict[Path, Job], request: Request, stage: Stage, trial: Trial) -> None:
    if stage.start is not None:
        _add(jobs, request, stage.start, trial)
    job = job_of(request, stage, trial)
    jobs.setdefault(job.folder, job)
