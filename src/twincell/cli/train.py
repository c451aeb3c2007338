"""`twincell train`: from counted and uncounted images to a model."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="run folder to write: model, history, checkpoint")],
    preset: Annotated[str, typer.Option(help="name of a preset, or a .yaml file of settings")] = "best",
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    seed: Annotated[int, typer.Option(min=0, help="of weights, batches and augmentation")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="optimiser steps, not the preset's")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="passes over the natural images")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="one setting, such as training.learning_rate=1e-3")
    ] = None,
    validate: Annotated[
        str | None, typer.Option(help="rows: split val; auto: these, else some chambers; none")
    ] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="end after this time")] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="chambers not to learn from, separated by commas")
    ] = None,
    start: Annotated[str | None, typer.Option(help="a model whose weights are the start")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu")] = "auto",
    devices: Annotated[str, typer.Option(help="how many devices to use together, or auto")] = "1",
) -> None:
    """Train a model on the rows of split train.

    A run that was stopped or killed goes on with --resume and ends with the same weights.
    SIGTERM and Ctrl-C save before they stop (exit codes 143 and 130).

    Example: twincell train data/manifest.csv --out runs/first --seed 1
    """
    from twincell.training.command import train_and_say

    train_and_say(
        manifest,
        out,
        preset,
        resume=resume,
        seed=seed,
        steps=steps,
        epochs=epochs,
        assignments=set_ or [],
        validate=validate,
        max_minutes=max_minutes,
        leave_out=leave_out,
        start=start,
        accelerator=accelerator,
        devices=devices,
    )
