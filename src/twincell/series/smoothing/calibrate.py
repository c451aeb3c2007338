"""The constants of the error model, from labelled chambers, and an honest measure of what they are worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.series.smoothing.chamber import Posterior, chamber_series
from twincell.series.smoothing.error_model import SHOWN, ErrorModel
from twincell.series.smoothing.intervals import conformal_level
from twincell.series.smoothing.posterior import infer
from twincell.series.smoothing.written import Written, levels, write

FITTED = {
    "churn": 1.8,
    "slow": 1.4,
    "persistent": 1.5,
    "memory": 1.5,
    "fast": 1.4,
    "weight": 1.4,
    "label": 1.4,
}
"""Constants that are sought, each with the factor that is one standard deviation of where it is sought."""

BIAS_PRIOR = 0.05
"""Standard deviation of the mean error, in units of sqrt(n + 1)."""

START = ErrorModel(
    churn=0.1, slow=0.3, persistent=0.2, memory=100.0, fast=1.5, weight=0.5, label=0.07, bias=0.0
)
"""The middle of the search, in round numbers: what labels do not tell stays about here."""

POINTS, BEST = 64, 1 / 8
"""Sets of constants that are tried (a power of two), and the share of them whose mean is taken."""


@dataclass(frozen=True)
class Tried:
    """Sets of constants, and how probable each makes the labels of each chamber.

    Attributes:
        start: the middle of the search.
        x: (sets, constants + 1) in standard deviations from the middle.
        scores: (sets, chambers) log probability of the labels: half of it from the frames alone, half with
            counted frames shown besides (a label shown to the smoother is not scored).
        chambers: names, in the order of `scores`.
    """

    start: ErrorModel
    x: NDArray[np.float64]
    scores: NDArray[np.float64]
    chambers: list[str]

    def best(self, without: str | None = None) -> ErrorModel:
        """The mean of the best eighth of the sets (the elite mean of the cross-entropy method, Rubinstein
        1999).

        Not the very best: chambers are few, many sets are about as good, and which is ahead is chance.

        Args:
            without: a chamber whose labels take no part.
        """
        others = np.array([name != without for name in self.chambers])
        total = self.scores[:, others].sum(1) - 0.5 * (self.x**2).sum(1)
        elite = np.sort(np.argsort(-total, kind="stable")[: max(1, round(BEST * len(total)))])
        return _model(self.start, self.x[elite].mean(0))


def try_constants(
    table: pd.DataFrame, start: ErrorModel | None = None, points: int = POINTS, seed: int = 0
) -> Tried:
    """Scores sets of constants spread evenly over their normal priors (a scrambled Sobol sequence).

    Each set is scored once on all chambers; leaving out any chamber afterwards costs nothing.

    Args:
        table: columns chamber, frame, count_frame (by a model that did not see the chamber), label (NaN =
            none).
        start: the middle of the search.
        points: how many sets.
        seed: of the sequence.
    """
    from scipy.stats import norm, qmc  # slow to load, and counting needs them not

    start = start or START
    sequence = qmc.Sobol(len(FITTED) + 1, rng=np.random.default_rng(seed))
    x = norm.ppf(sequence.random_base2(int(np.ceil(np.log2(points))))[:points])
    chambers = sorted(table["chamber"].astype(str).unique())
    scores = np.empty((points, len(chambers)))
    for i, one in enumerate(x):
        errors = _model(start, one)
        parts = [score_labels(table, errors, shown) for shown in (0, SHOWN)]
        logs = pd.concat([np.log(part.set_index("chamber")["probability"]) for part in parts])
        scores[i] = 0.5 * logs.groupby(level=0).sum().reindex(chambers, fill_value=0.0)
    return Tried(start, x, scores, chambers)


def _model(start: ErrorModel, x: NDArray[np.float64]) -> ErrorModel:
    changed = {
        name: float(getattr(start, name) * factor**value)
        for (name, factor), value in zip(FITTED.items(), x[:-1], strict=True)
    }
    return start.with_(**changed, bias=float(start.bias + BIAS_PRIOR * x[-1]))


def calibrate(
    table: pd.DataFrame, start: ErrorModel | None = None, points: int = POINTS, seed: int = 0
) -> ErrorModel:
    """The constants for labelled chambers that the frame model was not trained on.

    First those that make the labels most probable (see `try_constants`), then the levels at which intervals
    hold 90 % of the labels, without and with counted frames.

    Args:
        table: see `try_constants`.
        start: see `try_constants`.
        points: see `try_constants`.
        seed: see `try_constants`.
    """
    errors = try_constants(table, start, points, seed).best()
    return _levelled(errors, *(score_labels(table, errors, shown) for shown in (0, SHOWN)))


def _levelled(errors: ErrorModel, alone: pd.DataFrame, helped: pd.DataFrame) -> ErrorModel:
    level, counted = (conformal_level(scored["surprise"].to_numpy()) for scored in (alone, helped))
    return errors.with_(level=level, level_counted=counted)


def score_labels(table: pd.DataFrame, errors: ErrorModel, shown: int = 0) -> pd.DataFrame:
    """How well labels are met that the smoother was not shown.

    Args:
        table: see `calibrate`.
        errors: the constants to try.
        shown: labels per chamber that the smoother is shown, evenly over time; these are left out of the
            score.

    Returns:
        One row per label: chamber, frame, label, count_frame, count, lower, upper, probability (of that
        label) and surprise (the smallest level at which its interval holds the label).
    """
    rows = table.sort_values(["chamber", "frame"], kind="stable")
    rows = rows.assign(chamber=rows["chamber"].astype(str), counted=np.nan)
    at = shown_labels(rows, shown)
    rows.loc[at, "counted"] = rows.loc[at, "label"]
    own_rows = dict(list(rows.groupby("chamber", sort=False)))
    recordings = chamber_series(rows, errors)
    parts = [
        _scored_chamber(posterior, own_rows[posterior.recording.chamber], write(posterior, errors, level))
        for posterior, level in zip(infer(recordings, errors), levels(recordings, errors), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _scored_chamber(posterior: Posterior, rows: pd.DataFrame, read: Written) -> pd.DataFrame:
    own = rows.drop_duplicates("frame")
    scored = (own["label"].notna() & own["counted"].isna()).to_numpy()
    label = own["label"].to_numpy(float)[scored].astype(int)
    each = np.flatnonzero(scored)
    return own.loc[scored, ["chamber", "frame", "label", "count_frame"]].assign(
        count=read.count[scored],
        lower=read.lower[scored],
        upper=read.upper[scored],
        probability=read.probability[each, label],
        surprise=read.needed[each, label],
    )


def shown_labels(rows: pd.DataFrame, shown: int) -> list[int]:
    """Index of `shown` labelled rows of each chamber, spread evenly over time; at least two are left."""
    found: list[int] = []
    for _, own in rows[rows["label"].notna()].groupby("chamber", sort=False):
        k = min(shown, max(len(own) - 2, 0))
        at = (np.arange(k) + 0.5) * len(own) / k if k else np.zeros(0)
        found += list(own.index[at.astype(int)])
    return found


def without_each(
    table: pd.DataFrame, start: ErrorModel | None = None, points: int = POINTS, seed: int = 0
) -> dict[str, ErrorModel]:
    """For every chamber, the constants and levels that all the others lead to.

    Args:
        table: see `try_constants`.
        start: see `try_constants`.
        points: see `try_constants`.
        seed: see `try_constants`.
    """
    tried = try_constants(table, start, points, seed)
    known: dict[ErrorModel, list[pd.DataFrame]] = {}  # leaving out one or another often gives the same
    found = {}
    for chamber in tried.chambers:
        errors = tried.best(without=chamber)
        if errors not in known:
            known[errors] = [score_labels(table, errors, k) for k in (0, SHOWN)]
        others = [scored[scored["chamber"] != chamber] for scored in known[errors]]
        found[chamber] = _levelled(errors, others[0], others[1])
    return found


def score_each(
    table: pd.DataFrame, constants: dict[str, ErrorModel], shown: Sequence[int] = (0, SHOWN)
) -> pd.DataFrame:
    """`score_labels` of every chamber with constants of its own, for each number of labels shown.

    Args:
        table: see `try_constants`.
        constants: by chamber, as `without_each` finds them.
        shown: how many labels of each chamber the smoother is shown, each tried (column `shown`).
    """
    chambers = table["chamber"].astype(str)
    parts = [
        score_labels(table[chambers == name], errors, k).assign(shown=k)
        for k in shown
        for name, errors in constants.items()
    ]
    return pd.concat(parts, ignore_index=True)


def summary(scored: pd.DataFrame) -> pd.DataFrame:
    """Figures of scored labels by `shown`, and by `modality` where there is one.

    Args:
        scored: of `score_each`; a column `alone` (what the image alone says, nothing taken off) is
            measured in the place of count_frame where there is one.

    Returns:
        n, mae_frame and mae_series (counts rounded first), better (share of the frame's error won back,
        percent), coverage (percent of labels inside the interval), width (mean of upper - lower, cells),
        mae_none (error of the series on the same labels when none is shown) and helped (share of that won
        back, percent).
    """
    frame = scored["alone"] if "alone" in scored else scored["count_frame"]
    key = ["chamber", "frame"]
    error = (scored["count"].round() - scored["label"]).abs()
    plain = scored["shown"] == 0
    none = error[plain].set_axis(pd.MultiIndex.from_frame(scored.loc[plain, key]))
    rows = scored.assign(
        mae_frame=(frame.round() - scored["label"]).abs(),
        mae_series=error,
        coverage=100.0 * ((scored["label"] >= scored["lower"]) & (scored["label"] <= scored["upper"])),
        width=scored["upper"] - scored["lower"],
        mae_none=none.reindex(pd.MultiIndex.from_frame(scored[key])).to_numpy(),
    )
    by = [name for name in ("modality", "shown") if name in rows]
    figures = rows.groupby(by)[["mae_frame", "mae_series", "coverage", "width", "mae_none"]].mean()
    figures.insert(0, "n", rows.groupby(by).size())
    figures.insert(3, "better", 100.0 * (1 - figures["mae_series"] / figures["mae_frame"]))
    figures["helped"] = 100.0 * (1 - figures["mae_series"] / figures["mae_none"])
    return figures
