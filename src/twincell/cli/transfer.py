"""`twincell transfer`: a trained model to another microscope."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def transfer(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    manifest: Annotated[Path, typer.Argument(help="the new data: manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="run folder to write: model, history, checkpoint")],
    scheme: Annotated[
        str, typer.Option(help="what learns: full, frozen-core, frozen-outer, or thaw from the outside in")
    ] = "full",
    preset: Annotated[
        str | None, typer.Option(help="how to train; of the model's method [default: that method's]")
    ] = None,
    decoder: Annotated[bool, typer.Option(help="off: no reconstruction, cheaper steps")] = True,
    ramp: Annotated[
        float | None, typer.Option(min=0, max=1, help="share of training in which the learning rate rises")
    ] = None,
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
    """Move a trained model to new data, with few labels.

    The new run starts from the model's weights; full is best in the paper, frozen-outer fails.

    Example: twincell transfer runs/pc data-bf/manifest.csv --scheme full --out runs/pc-to-bf
    """
    from twincell.config import parse_overrides
    from twincell.training.finetune import transfer as transfer_model
    from twincell.training.options import Changes, RunOptions, TransferOptions

    changes = Changes(steps, epochs, validate, parse_overrides(set_ or []))
    left_out = options.names(leave_out)
    asked = RunOptions(seed, resume, changes, max_minutes, left_out, accelerator, devices)
    transfer_model(model, manifest, out, TransferOptions(scheme, preset, decoder, ramp), asked)
