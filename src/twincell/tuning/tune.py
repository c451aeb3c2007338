"""A search from its options to its results: best.yaml, trials.csv and panels.png."""

import sys
import time
from pathlib import Path
from typing import Any

from twincell import models
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.models.base.method import FittedOnce
from twincell.presets import load_preset
from twincell.progress import bar
from twincell.tuning.objective import folds_of
from twincell.tuning.options import TuneOptions
from twincell.tuning.results import Found, found
from twincell.tuning.search import Plan, work
from twincell.tuning.space import Space, check_start, read_space
from twincell.tuning.study import MARK, METHODS, Search, need_optuna


def tune(manifest: Path, out: Path, options: TuneOptions) -> Found:
    """Search, or join or go on with the search in `out`; say on stderr what each trial reached.

    Args:
        manifest: manifest.csv, or a folder that has one; rows of split test are never read.
        out: folder of the search; processes with the same one share it.
        options: what is searched and how.

    Raises:
        UserError: everything wrong with words, preset, space and data, before any training.
        Stopped: a signal came; what is known so far is written.
    """
    deadline = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    need_optuna()
    method, folds, rungs, seed = options.method, options.folds, options.rungs, options.seed
    if method not in METHODS:
        raise UserError(f"--method {method}: is unknown; use one of {', '.join(METHODS)}")
    settings = started(options.changes.applied_to(load_preset(options.preset)), options.start)
    need_steps(settings)
    varied = read_space(settings, options.space)
    data = Manifest.read(manifest)
    plan = Plan(settings, folds_of(data, folds), seed, rungs, options.most, deadline)
    _claim(out)
    identity = {
        "settings": settings.model_dump(mode="json"),
        "space": {parameter.name: parameter.as_json() for parameter in varied.parameters},
        "data": data.select("train").fingerprint(),
        "method": method,
        "folds": folds,
        "rungs": rungs,
        "seed": seed,
    }
    search = Search(out, options.storage, options.study, varied, method, seed, identity)
    for line in varied.left_out:
        print(line, file=sys.stderr)
    try:
        _work(search, varied, plan)
    finally:
        # Also when stopped: what is known so far is worth having.
        results = found(search.trials, varied, settings)
        _write(results, out)
    return results


def started(settings: Settings, start: str | None) -> Settings:
    """The settings with their start named, and a transfer scheme where there is a start to move from.

    Raises:
        UserError: when the start is missing or of another method.
    """
    changes: dict[str, Any] = {}
    if start is not None and start != settings.start:
        changes = {"start": start, "training.start_share": 0.0}  # the share was chosen for the other start
    if (start or settings.start) is not None and settings.transfer is None:
        changes["transfer"] = {"scheme": "full"}
    changed = settings.changed(changes) if changes else settings
    check_start(changed)
    return changed


def need_steps(settings: Settings) -> None:
    """Refuses methods that find their own numbers on the training labels in one go.

    Raises:
        UserError: for such a method.
    """
    if isinstance(models.METHODS[settings.method], FittedOnce):
        raise UserError(
            f"--preset {settings.name}: its method {settings.method} finds its own numbers on the training "
            "labels, and has no steps that could be watched; choose a preset of another method"
        )


def _claim(out: Path) -> None:
    """Makes the folder; one that holds something else than a search is refused."""
    fresh_dir(out, resume=(out / MARK).exists())
    (out / MARK).touch()


def _work(search: Search, space: Space, plan: Plan) -> None:
    with bar() as shown:
        task = shown.add_task("trials", total=plan.trials, completed=search.number, note="")

        def finished(line: str) -> None:
            print(line, file=sys.stderr)
            shown.update(task, completed=search.number)

        work(search, space, plan, lambda line: shown.update(task, note=line), finished)


def _write(results: Found, out: Path) -> None:
    """Writes trials.csv, and best.yaml and panels.png once a trial is finished."""
    from twincell.series.growth.plots import drawn
    from twincell.tuning.picture import picture

    write_atomic(out / "trials.csv", results.table.to_csv(index=False))
    preset, figure = results.as_preset(), picture(results)
    if preset is not None and figure is not None:
        write_atomic(out / "best.yaml", preset)
        write_atomic(out / "panels.png", drawn(figure, "png"))
