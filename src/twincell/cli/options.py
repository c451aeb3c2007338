"""Options that several verbs share, said once."""

from typing import Annotated

import typer

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
