"""How good the counts are: counted against predicted, figures beside the baselines, the worst frames."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from twincell.evaluate.metrics import Figures, Scores
from twincell.evaluate.tables import EXPLAINED, HEAD, cells
from twincell.report.chart import Chart
from twincell.report.markup import figure, keys, table
from twincell.report.page import Section


def agreement(
    frames: pd.DataFrame, scores: Mapping[str, Scores], title: str = "Predicted against counted"
) -> Section:
    """The scatter of predicted over counted cells, the error at each count, and the figures.

    Args:
        frames: one row per labelled frame with `count` (a person's), `predicted` (raw cells), `chamber`,
            `frame`.
        scores: the model's first, then whatever it is compared with.
        title: of the section.
    """
    own = next(iter(scores.values()))
    lead = (
        f"Each dot is one of {own.n} frames that a person counted and the model counted from the "
        "image alone. On the line both agree. Dots above it: the model sees more cells."
    )
    if own.n == 0:
        return Section(title, "No frame was counted by a person, so nothing can be compared.", "")
    body = f'<div class="row">{_scatter(frames)}{_per_count(own)}</div>'
    body += _figures(scores) + _chambers(own)
    return Section(title, lead, body)


def _scatter(frames: pd.DataFrame) -> str:
    truth, predicted = frames["count"].to_numpy(float), frames["predicted"].to_numpy(float)
    most = float(np.ceil(max(truth.max(), predicted.max(), 1) * 1.05))
    chart = Chart(
        (0, most), (0, most), 420, 400, "counted by a person", "predicted", "Predicted against counted"
    )
    chart.line([0, most], [0, most], "guide")
    names = [
        f"{row.chamber} frame {row.frame}: counted {row.count_:g}, predicted {row.predicted:.1f}"
        for row in frames.rename(columns={"count": "count_"}).itertuples()
    ]
    # A little sideways scatter keeps frames of the same count apart; the same frames always fall the same
    # way.
    aside = np.random.default_rng(0).uniform(-0.18, 0.18, len(truth))
    chart.dots((truth + aside).tolist(), predicted.tolist(), "model", 2.6, names)
    return figure(chart.svg(), "Dots of one count are spread sideways a little to be seen.")


def _per_count(scores: Scores) -> str:
    counts = sorted(scores.per_count)
    errors = [scores.per_count[count].mae for count in counts]
    most = max([*errors, 1.0]) * 1.1
    span = (min(counts) - 0.5, max(counts) + 0.5)
    chart = Chart(span, (0, most), 420, 400, "counted by a person", "MAE in cells", "Error at each count")
    chart.bars(counts, errors, "model")
    return figure(chart.svg(), "Mean absolute error of the rounded count, for each number of cells.")


def _figures(scores: Mapping[str, Scores]) -> str:
    rows = [[name, *cells(entry)] for name, entry in scores.items()]
    return table(["", *HEAD], rows, EXPLAINED, strong=[0])


def _chambers(scores: Scores) -> str:
    entries: list[tuple[str, Figures]] = list(scores.per_chamber.items())
    if len(entries) < 2:
        return ""
    rows = [[name, *cells(figures)] for name, figures in entries]
    return "<h3>Per chamber</h3>" + table(["chamber", *HEAD], rows)


def against_truth(counts: pd.DataFrame, truth: Sequence[float]) -> Section:
    """Counts over time against what was really there (simulated recordings).

    Args:
        counts: the table of counts.csv.
        truth: (N,) cells in each row.
    """
    real = np.asarray(truth, float)
    known = np.isfinite(real)
    rows = []
    for name, column in (("whole time-lapse", "count"), ("image alone", "count_frame")):
        figures = Figures.of(counts[column].to_numpy(float)[known], real[known])
        rows.append([name, *cells(figures)])
    lower, upper = counts["lower"].to_numpy(float), counts["upper"].to_numpy(float)
    inside = 100 * float(((lower <= real) & (real <= upper))[known].mean())
    width = float((upper - lower)[known].mean())
    body = table(["counted from the", *HEAD], rows, EXPLAINED, strong=[0])
    body += keys(
        [("range", f"{inside:.0f} % of the true counts lie in the 90 % interval, {width:.1f} cells wide")]
    )
    return Section(
        "Against the simulated truth",
        "These recordings were drawn, so the true number of cells in every frame is known.",
        body,
    )
