"""`twincell tune`: which settings count best."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def tune(
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="folder of the search; processes with the same one share it")],
    preset: Annotated[str, typer.Option(help="what to start from: a preset or a .yaml file")] = "best",
    method: Annotated[
        str, typer.Option(help="tpe (learns where to look), or coordinate (one parameter after the other)")
    ] = "tpe",
    space: Annotated[
        Path | None, typer.Option(help="a .yaml file of what to vary, not the method's own")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="of the whole search [default: 20; none with --minutes]")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="stop after this time; goes on if repeated")
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, help="trainings per trial, each with other chambers held out")
    ] = 3,
    rungs: Annotated[int, typer.Option(min=1, help="looks at each training, to stop poor trials early")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="of proposals and trainings")] = 0,
    start: options.Start = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    set_: options.Sets = None,
    storage: Annotated[
        str | None, typer.Option(help="a database for several machines, such as postgresql://...")
    ] = None,
    study: Annotated[str, typer.Option(help="name of the search in that database")] = "tune",
    json: Annotated[Path | None, typer.Option(help="write a summary here")] = None,
) -> None:
    """Search for better settings on training chambers held out; rows of split test are never read.

    Writes best.yaml (for --preset), trials.csv and panels.png. Repeated, it goes on where it was.

    Example: twincell tune data/manifest.csv --preset best --trials 30 --out tuned
    """
    from twincell.tuning.command import tune_and_say

    tune_and_say(
        manifest,
        out,
        preset=preset,
        start=start,
        steps=steps,
        epochs=epochs,
        assignments=set_ or [],
        method=method,
        space=space,
        trials=20 if trials is None and minutes is None else trials,
        minutes=minutes,
        folds=folds,
        rungs=rungs,
        seed=seed,
        storage=storage,
        study=study,
        summary=json,
    )
