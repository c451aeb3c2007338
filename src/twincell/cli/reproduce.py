"""`twincell reproduce`: an experiment, from images to its tables."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def reproduce(
    experiment: Annotated[str | None, typer.Argument(help="its name; --list shows them")] = None,
    manifest: Annotated[Path | None, typer.Option(help="manifest.csv, or a folder that has one")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for trials, tables and settings")] = None,
    list_: Annotated[bool, typer.Option("--list", help="name the experiments, one a line")] = False,
    preset: Annotated[str | None, typer.Option(help="settings of every training; best unless given")] = None,
    start: options.Start = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    set_: options.Sets = None,
    seeds: Annotated[str, typer.Option(help="seeds, separated by commas")] = "0",
    modalities: Annotated[
        str | None, typer.Option(help="such as bf,pc; all of the manifest's unless given")
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="folds of leave-chamber-out")] = None,
    only: Annotated[str | None, typer.Option(help="folds to run now, separated by commas")] = None,
    protocol: Annotated[
        str, typer.Option(help="leave-chamber-out or published, where the experiment leaves the choice")
    ] = "leave-chamber-out",
    rows: Annotated[
        str | None, typer.Option(help="some trainings or rows of the experiment, separated by commas")
    ] = None,
    from_: Annotated[
        list[str] | None, typer.Option("--from", help="ROW=FOLDER: show finished trainings, train none")
    ] = None,
    paper_scale: Annotated[
        bool, typer.Option("--paper-scale", help="the paper's own settings and lengths, for a GPU")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="say how long it would take, and stop")
    ] = False,
) -> None:
    """Re-create an experiment: trials, tables and settings in one folder; repeated, it goes on.

    Several processes may share the work by naming different --only folds and the same --out; several
    experiments of the same settings in one --out share trainings. Trainings after a transfer are a fifth as
    long as --steps, --epochs or the preset say, as in the paper.

    Example: twincell reproduce schemes --manifest W --preset compact --out results/paper
    """
    from twincell.reproduce.command import reproduce_and_say

    reproduce_and_say(
        experiment,
        manifest,
        out,
        listed=list_,
        preset=preset,
        start=start,
        steps=steps,
        epochs=epochs,
        assignments=set_ or [],
        seeds=seeds,
        modalities=modalities,
        folds=folds,
        only=only,
        protocol=protocol,
        rows=rows,
        sources=from_ or [],
        paper_scale=paper_scale,
        estimate_only=estimate,
    )
