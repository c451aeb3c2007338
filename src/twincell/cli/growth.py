"""`twincell growth`: growth rates and doubling times from counts over time."""

from pathlib import Path
from typing import Annotated

import typer


def growth(
    counts: Annotated[Path, typer.Argument(help="the table that `twincell count` wrote")],
    out: Annotated[Path, typer.Option(help="folder to make")],
    by: Annotated[str | None, typer.Option(help="column that names each chamber's condition")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest with the condition or counted frames")
    ] = None,
    counted: Annotated[
        bool, typer.Option("--counted", help="let the manifest's counts correct the series")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="also list divisions and losses")] = False,
    minutes: Annotated[float | None, typer.Option(help="time between two frames, where no time_h is")] = None,
    first: Annotated[int, typer.Option(help="frames from which survival is foretold")] = 150,
    horizon: Annotated[int, typer.Option(help="frames that survival looks ahead")] = 200,
    plots: Annotated[str, typer.Option(help="png, svg or none")] = "png",
    seed: Annotated[int, typer.Option(help="of the paths drawn for the events' probabilities")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on where a stopped run was")] = False,
    json: Annotated[Path | None, typer.Option(help="write everything here, for programs")] = None,
) -> None:
    """Fit growth rate and doubling time of every chamber, with limits, lag and plateau.

    Writes growth.csv and plots; chambers that do not grow are named. With --by, conditions are compared, the
    chamber being the unit.

    Example: twincell growth counts.csv --out growth --by medium --manifest manifest.csv
    """
    from twincell.series.growth.request import Choices
    from twincell.series.growth.results import write_growth
    from twincell.series.growth.summary import tell

    choices = Choices(by, counted, events, first, horizon, minutes, plots, seed)
    tell(write_growth(counts, out, choices, manifest, resume, json), out)
