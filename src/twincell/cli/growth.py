"""`twincell growth`: growth rates and doubling times from counts over time."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from twincell.series.growth.results import Written


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
    from twincell.files import check_outputs
    from twincell.series.growth.options import GrowthOptions
    from twincell.series.growth.results import write_growth

    check_outputs({"--json": json}, [counts, *([manifest] if manifest else [])])
    options = GrowthOptions(by, counted, events, first, horizon, minutes, plots, seed, manifest, resume, json)
    _show(write_growth(counts, out, options), out)


def _show(written: "Written", out: Path) -> None:
    """Print notes, chambers, those that do not grow, and conditions."""
    from twincell.cli.show import CHAMBERS_SHOWN, console, say
    from twincell.series.growth.rate import NOT_READ, VERDICTS
    from twincell.words import number

    for note in written.notes:
        say(f"note: {note}")
    table = written.table
    unit = table["unit"].iloc[0]
    if len(table) <= CHAMBERS_SHOWN:
        console().print(_chambers(table, unit))
    numbers = table["verdict"].value_counts()
    said = ", ".join(f"{numbers[verdict]} {verdict}" for verdict in VERDICTS if verdict in numbers)
    say(f"{number(len(table), 'chamber')}: {said}")
    for verdict in ("not growing", "shrinking", NOT_READ):
        names = list(table.loc[table["verdict"] == verdict, "chamber"])
        if names:
            more = f" and {len(names) - CHAMBERS_SHOWN} more" if len(names) > CHAMBERS_SHOWN else ""
            say(f"{verdict}: {', '.join(names[:CHAMBERS_SHOWN])}{more}")
    if written.comparison is not None:
        for condition in written.comparison.conditions:
            limits = f"{condition.rate_low:.3g} to {condition.rate_high:.3g}"
            say(
                f"{condition.name}: {condition.growing} of {condition.chambers} chambers grow; "
                f"mean rate {condition.rate:.3g} ({limits}) per {unit}",
            )
        result = f": p = {written.comparison.p:.3g}" if isfinite(written.comparison.p) else ""
        say(written.comparison.test + result)
        for pair in written.comparison.pairs:
            say(
                f"{pair.b} minus {pair.a}: {pair.difference:.3g} ({pair.low:.3g} to {pair.high:.3g}), "
                f"p = {pair.p:.3g}",
            )
    say(f"written: {out / 'growth.csv'} and {len(written.files) - 1} more")


def _chambers(table: "pd.DataFrame", unit: str) -> "Table":
    from rich.table import Table

    from twincell.printable import in_line

    shown = Table(box=None, pad_edge=False)
    for name, side in (
        ("chamber", "left"),
        ("verdict", "left"),
        (f"rate (1/{unit})", "right"),
        ("95 % limits", "left"),
        (f"doubling ({unit})", "right"),
        ("survival", "right"),
    ):
        shown.add_column(name, justify=side)  # type: ignore[arg-type]
    for row in table.to_dict("records"):
        shown.add_row(
            in_line(row["chamber"]),
            row["verdict"],
            _number(row["rate"]),
            f"{_number(row['rate_low'])} to {_number(row['rate_high'])}",
            _number(row["doubling"]),
            _number(row["survival"]),
        )
    return shown


def _number(value: float) -> str:
    return "" if not isfinite(value) else f"{value:.3g}"
