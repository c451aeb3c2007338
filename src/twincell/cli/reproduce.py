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
    from twincell.config import parse_overrides
    from twincell.data.modality import modality_of
    from twincell.reproduce.catalogue import EXPERIMENTS
    from twincell.reproduce.options import ReproduceOptions
    from twincell.reproduce.reproduce import plan
    from twincell.reproduce.sources import read_sources
    from twincell.training.options import Changes

    if list_:
        for known in EXPERIMENTS.values():
            print(f"{known.name:20} {known.shows}")
        return
    asked = ReproduceOptions(
        preset=preset,
        start=start,
        changes=Changes(steps, epochs, settings=parse_overrides(set_ or [])),
        seeds=options.numbers("--seeds", seeds),
        modalities=tuple(modality_of(word) for word in options.names(modalities)),
        folds=folds,
        only=None if only is None else options.numbers("--only", only),
        protocol=protocol,
        rows=None if rows is None else options.names(rows),
        sources=read_sources(from_ or []),
        paper_scale=paper_scale,
    )
    planned = plan(experiment, manifest, out, asked)
    if planned.left_out:
        print(planned.left_out, flush=True)
    if estimate or paper_scale:
        print(planned.estimated(), flush=True)
    if not estimate:
        print(planned.carry_out())
