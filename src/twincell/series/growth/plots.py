"""Pictures of growth: every chamber's curve with its fit, all rates, and the conditions side by side."""

import io

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twincell.series.growth.conditions import Comparison
from twincell.series.growth.rate import Growth
from twincell.series.smoothing.table import as_numbers

PAGE = 24
"""Chambers on one page of curves; more become further pages."""
COLUMNS = 4

NAMED = 60
"""Above this many chambers, rates stand without names."""

COLOURS = {
    "growing": "#009E73",
    "not growing": "#D55E00",
    "shrinking": "#CC79A7",
    "uncertain": "#0072B2",
    "too short": "#999999",
    "not read": "#999999",
}
"""Colours that people of any colour vision tell apart (Okabe and Ito 2008), by verdict."""


def curves(fitted: list[tuple[pd.DataFrame, Growth]], unit: str) -> Figure:
    """One page of small curves: count with its band, frame estimates, fit, flags, start and end of growth.

    Args:
        fitted: rows of a prepared counts table and the fit, for at most `PAGE` chambers.
        unit: of the time, "h" or "frame".
    """
    columns = columns_for(len(fitted))
    lines = max(1, int(np.ceil(len(fitted) / columns)))
    height = 3.4 if columns == 1 else 2.3 * lines
    figure = Figure(figsize=(max(3.2 * columns, 7.0), height + 0.4), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    for place, (rows, fit) in zip(places, fitted, strict=False):
        _curve(place, rows, fit)
    for place in places[len(fitted) :]:
        place.set_axis_off()
    figure.supxlabel("time (h)" if unit == "h" else "frame", fontsize=9)
    figure.supylabel("cells", fontsize=9)
    return figure


def columns_for(chambers: int) -> int:
    """How many curves stand side by side so that few places stay blank."""
    if chambers <= COLUMNS:
        return max(chambers, 1)
    return min(range(COLUMNS, 2, -1), key=lambda columns: -chambers % columns)


def rates(found: pd.DataFrame) -> Figure:
    """Growth rates of all chambers with 95 % limits, the fastest on top, coloured by verdict."""
    known = found[found["rate"].notna()].sort_values("rate")
    place_of = np.arange(len(known))
    height = 1.2 + 0.22 * min(len(known), NAMED)
    figure = Figure(figsize=(7, height), layout="constrained")
    axes = figure.subplots()
    for verdict, rows in known.groupby("verdict", sort=False):
        at = place_of[(known["verdict"] == verdict).to_numpy()]
        reach = [rows["rate"] - rows["rate_low"], rows["rate_high"] - rows["rate"]]
        axes.errorbar(
            rows["rate"], at, xerr=reach, fmt="o", ms=4, lw=1, color=COLOURS[str(verdict)], label=verdict
        )
    axes.axvline(0, color="0.6", lw=0.8)
    widest = float(np.nanmax(np.abs(known["rate"]))) if len(known) else 1.0
    # Limits of chambers that hardly divide reach far beyond any rate: the axis ends where the others do.
    low = max(float(known["rate_low"].min()), -widest) if len(known) else -widest
    high = min(float(known["rate_high"].max()), 2 * widest) if len(known) else widest
    low, high = min(low, 0.0), max(high, 0.0)
    axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.set_yticks(place_of if len(known) <= NAMED else [], known["chamber"] if len(known) <= NAMED else [])
    axes.tick_params(labelsize=8)
    unit = found["unit"].iloc[0] if len(found) else "h"
    axes.set_xlabel(f"growth rate (1/{unit}), 95 % limits")
    if len(known):
        axes.legend(fontsize=8, loc="lower right")
    return figure


def conditions(found: pd.DataFrame, by: str, comparison: Comparison) -> Figure:
    """Each chamber's rate by condition, and each condition's mean with its 95 % limits."""
    figure = Figure(figsize=(1.6 + 1.2 * len(comparison.conditions), 4), layout="constrained")
    axes = figure.subplots()
    for place, condition in enumerate(comparison.conditions):
        rows = found[(found[by].astype(str) == condition.name) & found["rate"].notna()]
        shift = np.linspace(-0.15, 0.15, len(rows)) if len(rows) > 1 else np.zeros(len(rows))
        axes.scatter(place + shift, rows["rate"], s=14, c=[COLOURS[v] for v in rows["verdict"]], zorder=2)
        reach = np.abs(np.array([[condition.rate_low], [condition.rate_high]]) - condition.rate)
        axes.errorbar(
            place + 0.28, condition.rate, yerr=np.nan_to_num(reach), fmt="s", color="black", ms=5, capsize=3
        )
    axes.axhline(0, color="0.6", lw=0.8)
    axes.set_xticks(
        range(len(comparison.conditions)), [f"{c.name}\n(n = {c.chambers})" for c in comparison.conditions]
    )
    axes.set_ylabel(f"growth rate (1/{found['unit'].iloc[0]})")
    if np.isfinite(comparison.p):
        axes.set_title(f"Welch's test over chambers: p = {comparison.p:.2g}", fontsize=9)
    return figure


def drawn(figure: Figure, form: str) -> bytes:
    """The picture as "png" (130 dots per inch) or "svg", the same bytes for the same figure."""
    target = io.BytesIO()
    with rc_context({"svg.hashsalt": "twincell"}):
        figure.savefig(target, format=form, dpi=130, metadata={"Date": None} if form == "svg" else None)
    return target.getvalue()


def _curve(axes: Axes, rows: pd.DataFrame, fit: Growth) -> None:
    time, count = rows["time"].to_numpy(float), rows["count"].to_numpy(float)
    colour = COLOURS[fit.verdict]
    if "count_frame" in rows:
        axes.plot(time, as_numbers(rows["count_frame"]), ".", ms=1.5, color="0.75", zorder=1)
    if "lower" in rows and "upper" in rows:
        band = rows[["lower", "upper"]].apply(as_numbers).to_numpy(float)
        axes.fill_between(time, band[:, 0], band[:, 1], color=colour, alpha=0.18, lw=0, step="mid")
    axes.plot(time, count, color=colour, lw=1)
    flagged = (rows["flag"] != "").to_numpy()
    axes.plot(time[flagged], count[flagged], "x", ms=3, color="black")
    if len(fit.fitted_time):
        axes.plot(fit.fitted_time, fit.fitted, "--", color="black", lw=1)
    for at in ([fit.phases.start] if fit.phases.lag else []) + (
        [fit.phases.end] if fit.phases.plateau else []
    ):
        axes.axvline(at, color="0.5", lw=0.8, ls=":")
    axes.set_title(f"{rows['chamber'].iloc[0]}: {fit.verdict}", fontsize=8, color=colour)
    axes.tick_params(labelsize=7)
    axes.set_ylim(bottom=0)
