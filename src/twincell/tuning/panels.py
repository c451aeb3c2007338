"""Figure 9's panels: each parameter's values against the error on chambers held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

COLUMNS = 3
TRIAL, CHOSEN, QUIET = "#0072B2", "#D55E00", "0.55"
"""Told apart by any colour vision (Okabe and Ito)."""
STEEP = 4.0
"""A figure whose largest error is so many times its least has a logarithmic axis."""


@dataclass(frozen=True)
class Panel:
    """One parameter.

    Attributes:
        title: its name.
        unit: what a value is, such as "x 0.001".
        scale: linear or log; None for choices.
        values, errors: one point each; errors in cells.
        own: the preset's value.
        chosen: the point that is marked, or None.
        line: points that differ in this parameter alone: values, mean errors and their standard errors.
        stopped: values of trials that were stopped early.
        ticks: values named on the axis; the choices in order where there is no scale.
    """

    title: str
    unit: str
    scale: str | None
    values: Sequence[Any]
    errors: Sequence[float]
    own: Any
    chosen: tuple[Any, float] | None
    line: Sequence[tuple[Any, float, float]]
    stopped: Sequence[Any]
    ticks: Sequence[Any]


def draw(panels: Sequence[Panel], error: str, points: str, chosen: str) -> Figure:
    """All panels side by side, one vertical axis for all.

    Args:
        panels: one for each parameter, with a point at least in all together.
        error: name of the vertical axis.
        points: what a dot is, for the legend.
        chosen: what the marked point is.
    """
    lines = int(np.ceil(len(panels) / COLUMNS))
    columns = min(COLUMNS, len(panels))
    figure = Figure(figsize=(2.5 * columns + 0.4, 2.15 * lines + 0.55), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    steep = _steep([error for panel in panels for error in panel.errors])
    for letter, place, panel in zip(ascii_lowercase, places, panels, strict=False):
        place.set_title(rf"$\bf{{{letter}}}$  {panel.title}", fontsize=9, loc="left")
        if steep:
            place.set_yscale("log")
            place.yaxis.set_major_locator(
                FixedLocator([k * 10.0**e for e in range(-3, 3) for k in (1, 2, 5)])
            )
            place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            place.yaxis.set_minor_locator(NullLocator())
        _panel(place, panel, points, chosen)
    for place in places[len(panels) :]:
        place.set_axis_off()
    figure.supylabel(error, fontsize=9)
    named: dict[str, Any] = {}
    for place in places[: len(panels)]:
        for handle, label in zip(*place.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=len(named),
        fontsize=8,
        frameon=False,
    )
    return figure


def _panel(axes: Axes, panel: Panel, points: str, chosen: str) -> None:
    where = _places(panel)
    axes.axvline(where(panel.own), color=QUIET, lw=0.9, ls="--", label="preset", zorder=1)
    if len(panel.line) > 1:
        ordered = sorted(panel.line, key=lambda point: where(point[0]))
        xs, means, spread = [where(p[0]) for p in ordered], [p[1] for p in ordered], [p[2] for p in ordered]
        style: dict[str, Any] = {
            "ls": "-" if panel.scale else "none",
            "lw": 1.2,
            "capsize": 2.5,
            "color": TRIAL,
            "zorder": 2,
        }
        axes.errorbar(xs, means, yerr=np.nan_to_num(spread), marker="_" if not panel.scale else None, **style)
    axes.plot(
        [where(value) for value in panel.values], panel.errors, "o", ms=4.5, mec="white", mew=0.5,
        color=TRIAL, label=points, zorder=3,
    )  # fmt: skip
    if panel.stopped:
        above = axes.get_xaxis_transform()
        at = [where(value) for value in panel.stopped]
        axes.plot(
            at, [0.97] * len(at), "|", ms=6, color=QUIET, transform=above, label="stopped early", zorder=1
        )
    if panel.chosen is not None:
        value, error = panel.chosen
        axes.plot(where(value), error, "*", ms=11, mec="white", mew=0.6, color=CHOSEN, label=chosen, zorder=4)
    _axis(axes, panel)


def _axis(axes: Axes, panel: Panel) -> None:
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(panel.unit, fontsize=7.5)
    where = _places(panel)
    at = [where(value) for value in panel.ticks]
    room = 0.4 if panel.scale is None else 0.07 * (max(at) - min(at))
    axes.set_xlim(min(at) - room, max(at) + room)
    axes.xaxis.set_major_locator(FixedLocator(at))
    names = [f"{value:g}" if isinstance(value, float) else str(value) for value in panel.ticks]
    axes.set_xticks(at, [name.replace("-", "-\n", 1) for name in names])


def _places(panel: Panel) -> Any:
    """A value's place on the axis: its logarithm, itself, or its number among the choices."""
    if panel.scale == "log":
        return lambda value: float(np.log10(value))
    if panel.scale == "linear":
        return float
    return list(panel.ticks).index


def _steep(errors: Sequence[float]) -> bool:
    return len(errors) > 0 and min(errors) > 0 and max(errors) / min(errors) > STEEP
