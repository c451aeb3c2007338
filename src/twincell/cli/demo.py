"""`twincell demo`: the whole job on simulated chambers."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path | None, typer.Option(help="folder to make; the first free twincell-demo-N")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of chambers and training")] = 0,
    json: Annotated[Path | None, typer.Option(help="write all figures here, for programs")] = None,
) -> None:
    """Train, transfer, count and read growth on simulated chambers, in minutes and without any data.

    Prints the errors against the simulated truth, and the path of the report last.

    Example: twincell demo --out try-it
    """
    from twincell.demo.run import run_demo

    run_demo(out, seed, figures=json)
