"""`twincell train`: from counted and uncounted images to a model."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def train(
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="run folder to write: model, history, checkpoint")],
    preset: Annotated[str, typer.Option(help="name of a preset, or a .yaml file of settings")] = "best",
    start: options.Start = None,
    resume: options.Resume = False,
    seed: options.Seed = 0,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    set_: options.Sets = None,
    validate: options.Validate = None,
    max_minutes: options.MaxMinutes = None,
    leave_out: options.LeaveOut = None,
    accelerator: options.Accelerator = "auto",
    devices: options.Devices = "1",
) -> None:
    """Train a model on the rows of split train.

    A run that was stopped or killed goes on with --resume and ends with the same weights.
    SIGTERM and Ctrl-C save before they stop (exit codes 143 and 130).

    Example: twincell train data/manifest.csv --out runs/first --seed 1
    """
    from twincell.config import parse_overrides
    from twincell.presets import load_preset
    from twincell.training.options import Changes, RunOptions
    from twincell.training.train import train as train_model

    changes = Changes(steps, epochs, validate, parse_overrides(set_ or []))
    left_out = options.names(leave_out)
    asked = RunOptions(seed, resume, changes, max_minutes, left_out, accelerator, devices)
    train_model(manifest, out, load_preset(preset), asked, start)
