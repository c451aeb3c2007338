"""What `twincell growth` says when it is done."""

from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from twincell.series.growth.rate import VERDICTS
from twincell.series.growth.results import Written

#: More chambers than this are summed up only.
SHOWN = 40


def tell(written: Written, out: Path) -> None:
    """Prints notes, chambers, those that do not grow, and conditions."""
    console = Console(highlight=False, soft_wrap=True)
    for note in written.notes:
        console.print(f"note: {note}", markup=False)
    table = written.table
    unit = table["unit"].iloc[0]
    if len(table) <= SHOWN:
        console.print(_chambers(table, unit))
    numbers = table["verdict"].value_counts()
    said = ", ".join(f"{numbers[verdict]} {verdict}" for verdict in VERDICTS if verdict in numbers)
    console.print(f"{len(table)} chambers: {said}", markup=False)
    for verdict in ("not growing", "shrinking"):
        names = list(table.loc[table["verdict"] == verdict, "chamber"])
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            console.print(f"{verdict}: {', '.join(names[:SHOWN])}{more}", markup=False)
    if written.comparison is not None:
        for condition in written.comparison.conditions:
            limits = f"{condition.rate_low:.3g} to {condition.rate_high:.3g}"
            console.print(
                f"{condition.name}: {condition.growing} of {condition.chambers} chambers grow; "
                f"mean rate {condition.rate:.3g} ({limits}) per {unit}",
                markup=False,
            )
        result = f": p = {written.comparison.p:.3g}" if np.isfinite(written.comparison.p) else ""
        console.print(written.comparison.test + result, markup=False)
        for pair in written.comparison.pairs:
            console.print(
                f"{pair.b} minus {pair.a}: {pair.difference:.3g} ({pair.low:.3g} to {pair.high:.3g}), "
                f"p = {pair.p:.3g}",
                markup=False,
            )
    console.print(f"written: {out / 'growth.csv'} and {len(written.files) - 1} more", markup=False)


def _chambers(table: pd.DataFrame, unit: str) -> Table:
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
            row["chamber"],
            row["verdict"],
            _number(row["rate"]),
            f"{_number(row['rate_low'])} to {_number(row['rate_high'])}",
            _number(row["doubling"]),
            _number(row["survival"]),
        )
    return shown


def _number(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.3g}"
