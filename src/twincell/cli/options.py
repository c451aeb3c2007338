"""Options that several verbs share, and what lists in words mean, said once."""

from typing import Annotated

import typer

from twincell.errors import UserError

Start = Annotated[str | None, typer.Option(help="a model whose weights are every training's start")]
Steps = Annotated[int | None, typer.Option(min=1, help="optimiser steps, not the preset's")]
Epochs = Annotated[int | None, typer.Option(min=1, help="passes over the natural images")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="one setting, such as training.learning_rate=1e-3")
]
Resume = Annotated[bool, typer.Option("--resume", help="go on with the run in --out")]
Seed = Annotated[int, typer.Option(min=0, help="of weights, batches and augmentation")]
Validate = Annotated[str | None, typer.Option(help="rows: split val; auto: these, else some chambers; none")]
MaxMinutes = Annotated[float | None, typer.Option(min=0, help="end after this time")]
LeaveOut = Annotated[str | None, typer.Option(help="chambers not to learn from, separated by commas")]
Accelerator = Annotated[str, typer.Option(help="auto, cpu, gpu")]
Devices = Annotated[str, typer.Option(help="how many devices to use together, or auto")]

Axes = Annotated[str | None, typer.Option(help="what a stack's dimensions are, for example TYX")]
OverrideAxes = Annotated[
    bool, typer.Option("--override-axes", help="believe --axes where the file says otherwise")
]
Names = Annotated[
    str | None, typer.Option(help="how single images are named, for example 'img_{P}_t{T}.tif'")
]
Channel = Annotated[int | None, typer.Option(min=0, help="which channel, from 1 (or as in the names)")]
Plane = Annotated[int | None, typer.Option(min=0, help="which plane, from 1 (or as in the names)")]
BitDepth = Annotated[str, typer.Option(help="the camera's bits, 8 to 16, or auto")]
Convert = Annotated[bool, typer.Option("--convert", help="make colour and 16-bit images 8-bit grey")]
Modality = Annotated[str | None, typer.Option(help="what the images are: bf, pc or a word of your own")]
Minutes = Annotated[float | None, typer.Option(help="time between two frames, where nothing says")]


def names(text: str | None) -> tuple[str, ...]:
    """Split words at commas: "a, b" is a and b."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def numbers(option: str, text: str) -> tuple[int, ...]:
    """Split whole numbers from 0 at commas.

    Raises:
        UserError: for anything else; `option` is where it was given.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UserError(f"{option} {text!r}: give whole numbers from 0, separated by commas")
    return tuple(int(word) for word in words)
