"""How chambers grow: rates with their limits, verdicts, what else was found in each recording."""

import math

import pandas as pd

from twincell.report.chart import Chart
from twincell.report.markup import figure, keys, number, table
from twincell.report.page import Section


def growth_section(found: pd.DataFrame, by: str | None = None) -> Section | None:
    """The table of `twincell.series.growth` as a chart of rates and a table.

    Args:
        found: one row per chamber, as `growth` makes it.
        by: its column of conditions, if it has one.
    """
    if found.empty:
        return None
    unit = str(found["unit"].iloc[0])
    growing = found[found["verdict"] == "growing"]
    others = found[found["verdict"] != "growing"]
    lead = f"{len(growing)} of {len(found)} chambers grow"
    if len(growing):
        lead += f", doubling in {growing['doubling'].median():.3g} {_plural(unit)} (median)"
    lead += ". Limits are 95 % and know that a few cells divide by chance."
    if len(others):
        named = ", ".join(f"{name} ({verdict})" for name, verdict in _pairs(others)[:8])
        lead += f" Not growing or not certain: {named}{' and more' if len(others) > 8 else ''}."
    return Section("Growth", lead, _chart(found, unit) + _table(found, unit, by))


def _chart(found: pd.DataFrame, unit: str) -> str:
    known = found[found["rate"].notna()].reset_index(drop=True)
    if known.empty:
        return ""
    low = min(0.0, float(known["rate_low"].min()))
    high = max(0.0, float(known["rate_high"].max()))
    margin = 0.05 * (high - low or 1)
    height = 46 + 18 * len(known)
    chart = Chart(
        (low - margin, high + margin),
        (len(known) - 0.4, -0.6),  # the first chamber on top
        620,
        height,
        f"growth rate per {unit}",
        title="Growth rate of each chamber with its limits",
        rows=[str(name) for name in known["chamber"]],
    )
    chart.line([0, 0], [-0.6, len(known) - 0.4], "guide")
    for i, (rate, below, above, verdict) in enumerate(
        known[["rate", "rate_low", "rate_high", "verdict"]].to_numpy().tolist()
    ):
        kind = "model" if verdict == "growing" else "flag" if verdict == "shrinking" else "plain"
        chart.line([below, above], [i, i], kind)
        chart.dots([rate], [i], kind, 3.5, [f"{rate:.3g} per {unit}, {verdict}"])
    legend = keys([("model", "growing"), ("plain", "not growing or uncertain"), ("flag", "shrinking")])
    return figure(
        legend + chart.svg(), "Bars reach over the 95 % limits; right of the dashed line the cells multiply."
    )


def _table(found: pd.DataFrame, unit: str, by: str | None) -> str:
    many = _plural(unit)
    head = ["chamber", *([by] if by else []), "verdict", f"rate per {unit}", f"doubling, {many}"]
    head += ["cells", "frames", "may still grow", "why"]
    rows = []
    for row in found.to_dict("records"):
        grows = row["verdict"] == "growing"
        slow = "∞" if math.isinf(row["doubling_high"]) else f"{row['doubling_high']:.3g}"
        rows.append(
            [
                str(row["chamber"]),
                *([str(row[by])] if by else []),
                str(row["verdict"]),
                _within(row["rate"], f"{row['rate_low']:.2g}", f"{row['rate_high']:.2g}", ".2g"),
                _within(row["doubling"], f"{row['doubling_low']:.3g}", slow) if grows else "–",
                f"{number(row['first'], '.0f')} → {number(row['last'], '.0f')}",
                str(row["frames"]),
                number(row.get("survival", math.nan), ".0%"),
                str(row["reason"]),
            ]
        )
    return table(head, rows, text=[1, *([2] if by else []), len(head) - 1])


def _within(value: float, low: str, high: str, form: str = ".3g") -> str:
    return "–" if math.isnan(value) else f"{value:{form}} ({low} to {high})"


def _pairs(found: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(a), str(b)) for a, b in found[["chamber", "verdict"]].to_numpy().tolist()]


def _plural(unit: str) -> str:
    return "hours" if unit == "h" else f"{unit}s"
