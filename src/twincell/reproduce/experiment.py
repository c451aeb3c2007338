"""What an experiment is - trainings, and a table told from their figures - and how one is carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.reproduce.options import ReproduceOptions
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job
from twincell.reproduce.summary import as_markdown, summarise
from twincell.reproduce.trial import frames_of, run_trial


@dataclass(frozen=True)
class Result:
    """A finished job and its figures, as `run_trial` returns them."""

    job: Job
    figures: dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """A name, what it shows, which trainings it needs, and what it tells of them.

    Attributes:
        name: the word on the command line.
        shows: one line for `--list`.
        jobs: all its trainings, each behind the one it starts from.
        tell: writes tables and figures into `request.out` from the finished trainings, which may be fewer
            than all of them; returns the Markdown that is printed.
        preset: settings of its trainings unless the user names others.
        options: those of --rows and --from that mean something to it.
        leaves_out: what it does not try with these settings and why, in one line; empty for nothing.
        alone: does the whole experiment in a folder and returns the Markdown, where its images are drawn and
            it trains by means of its own; then there is no manifest, and `jobs` and `tell` are not called.
    """

    name: str
    shows: str
    jobs: Callable[[Request], list[Job]]
    tell: Callable[[Request, Sequence[Result]], str]
    preset: str = "best"
    options: tuple[str, ...] = ()
    leaves_out: Callable[[Request], str] = lambda request: ""
    alone: Callable[[Path, ReproduceOptions], str] | None = None


def chosen(request: Request, jobs: Sequence[Job]) -> list[Job]:
    """Those of the folds that this process was asked for.

    Raises:
        UserError: for folds that no training has.
    """
    folds = sorted({job.trial.fold for job in jobs})
    unknown = [fold for fold in request.only or () if folds and fold not in folds]
    if unknown:
        raise UserError(
            f"--only {', '.join(map(str, unknown))}: no such fold; choose among {', '.join(map(str, folds))}"
        )
    return [job for job in jobs if request.only is None or job.trial.fold in request.only]


def check(jobs: Sequence[Job]) -> None:
    """Refuses trainings that are not done yet and could not start.

    Raises:
        UserError: one sentence for each setting that a fitted method would have to ignore, and for each trial
            that has nothing to learn from.
    """
    # Many trainings share their settings, and some their trial.
    problems = dict.fromkeys(fault for job in jobs if not job.done for fault in _faults(job))
    if problems:
        raise UserError(list(problems))


def _faults(job: Job) -> list[str]:
    from twincell.models import METHODS
    from twincell.models.base.method import FittedOnce
    from twincell.training.fit_once import check_fit_once
    from twincell.training.run_data import check_run_data

    try:
        if isinstance(METHODS[job.settings.method], FittedOnce):
            check_fit_once(job.settings, job.start or job.settings.start, None, None)
    except UserError as error:
        return error.problems
    try:
        check_run_data(job.trial.manifest, job.settings, job.trial.seed)
    except UserError as error:
        return [f"{job.trial.name}: {problem}" for problem in error.problems]
    return []


def carry_out(experiment: Experiment, request: Request) -> str:
    """Does the trainings that are not done yet and tells of all that are finished."""
    jobs = experiment.jobs(request)
    for job in chosen(request, jobs):
        do(job, request.progress)
    # Another process may have done the rest meanwhile: the tables hold every training that is finished.
    return experiment.tell(request, [Result(job, do(job, progress=False)) for job in jobs if job.done])


def do(job: Job, progress: bool) -> dict[str, Any]:
    """Does a job, or reads its figures back; stages keep a curve."""
    return run_trial(job.trial, job.settings, job.folder, job.start, progress, curve=bool(job.stage))


def write_summary(request: Request, results: Sequence[Result], by: tuple[str, ...], title: str) -> str:
    """Writes `title`.csv, .md and `title`-frames.csv with every counted frame; returns the Markdown."""
    table = summarise([result.figures for result in results], by)
    text = as_markdown(table, by)
    write_atomic(request.out / f"{title}.csv", table.to_csv(index=False))
    write_atomic(request.out / f"{title}.md", text)
    frames = frames_of([(result.job.folder, result.job.trial) for result in results])
    write_atomic(request.out / f"{title}-frames.csv", frames.to_csv(index=False))
    return text
