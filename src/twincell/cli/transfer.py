"""`twincell transfer`: a trained model to another microscope."""

from pathlib import Path
from typing import Annotated

import typer


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
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    seed: Annotated[int, typer.Option(min=0, help="of batches and augmentation")] = 0,
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
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu")] = "auto",
    devices: Annotated[str, typer.Option(help="how many devices to use together, or auto")] = "1",
) -> None:
    """Move a trained model to new data, with few labels.

    The new run starts from the model's weights; full is best in the paper, frozen-outer fails.

    Example: twincell transfer runs/pc data-bf/manifest.csv --scheme full --out runs/pc-to-bf
    """
    from twincell.transfer.command import transfer_and_say

    transfer_and_say(
        model,
        manifest,
        out,
        scheme,
        preset,
        decoder=decoder,
        ramp=ramp,
        resume=resume,
        seed=seed,
        steps=steps,
        epochs=epochs,
        assignments=set_ or [],
        validate=validate,
        max_minutes=max_minutes,
        leave_out=leave_out,
        accelerator=accelerator,
        devices=devices,
    )
