"""`twincell transfer`: a trained model to another microscope."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli import options


def transfer(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    manifest: Annotated[Path, typer.Argument(help="the new data: manifest.csv, or a folder that has one")],
    out: Annotated[Path, typer.Option(help="run folder to write: model, history, checkpoint")],
    scenes: Annotated[
        Path | None, typer.Argument(help="with --match: a preset that twincell match wrote, not fitted anew")
    ] = None,
    match: Annotated[
        bool, typer.Option("--match", help="learn from drawn scenes like the images first; needs no label")
    ] = False,
    scheme: Annotated[
        str | None,
        typer.Option(help="train in full; what learns: full, frozen-core, frozen-outer, thaw"),
    ] = None,
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

    Up to 100 labelled images (counts, or places in points.csv) adapt a density network: sizes, contrasts and
    amounts of fine-tuning are tried by cross-validation, the model stays as it is unless a change is surely
    better, and what to expect is said. With more labels, or where --scheme, --preset, --steps or --set say
    how, it is trained on in full.

    With --match the model first learns from drawn scenes that are fitted to the images (or from a PRESET.yaml
    of twincell match, named behind --match); labels, where there are enough, decide whether that is kept.

    Example: twincell transfer any my-lab/manifest.csv --out runs/my-lab
    """
    from twincell.config import parse_overrides
    from twincell.training.finetune import transfer as transfer_model
    from twincell.training.options import Changes, RunOptions, TransferOptions

    changes = Changes(steps, epochs, validate, parse_overrides(set_ or []))
    left_out = options.names(leave_out)
    asked = RunOptions(seed, resume, changes, max_minutes, left_out, accelerator, devices)
    how = TransferOptions(scheme, preset, decoder, ramp, match, scenes)
    transfer_model(model, manifest, out, how, asked)
