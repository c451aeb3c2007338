"""The constants of the error model, from labelled chambers, and an honest measure of what they are worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from twincell.series.chamber import Posterior, recordings
from twincell.series.interval import conformal_level, interval, label_probability, surprise
from twincell.series.noise import ErrorModel
from twincell.series.reading import read

#: Constants that are fitted, each with how far (as a factor, one standard deviation) data have to pull to
#: move it from its start: chambers are few, and a constant they say nothing about is to stay where it was.
FITTED = {"churn": 2.0, "slow": 2.0, "memory": 2.0, "fast": 1.5, "label": 1.5}

#: Prior standard deviation of the mean error, in units of sqrt(n + 1).
BIAS_PRIOR = 0.05


def calibrate(table: pd.DataFrame, start: ErrorModel | None = None, evaluations: int = 150) -> ErrorModel:
    """Fits the error model to labelled chambers that the frame model was not trained on.

    Sought are the constants that make the labels most probable, given the frame estimates alone (log score,
    labels not shown to the smoother), and the estimates themselves, whose evidence has the weight of labels
    per frame: frames are many, but neighbours say the same. Then the level at which intervals hold 90 % of
    the labels.

    Args:
        table: columns chamber, frame, count_frame (by a model that did not see the chamber), label (NaN =
            none).
        start: where to start, and what weak data leave alone.
        evaluations: how many sets of constants to try (Nelder-Mead).
    """
    start = start or ErrorModel()
    names = list(FITTED)
    width = np.log([FITTED[name] for name in names])
    centre = np.log([getattr(start, name) for name in names])
    per_frame = float(table["label"].notna().mean())

    def model(x: NDArray[np.float64]) -> ErrorModel:
        values = np.exp(centre + width * x[:-1])
        fitted = dict(zip(names, map(float, values), strict=True))
        return start.with_(**fitted, bias=float(BIAS_PRIOR * x[-1]))

    def cost(x: NDArray[np.float64]) -> float:
        scored, evidence = _scored(table, model(x), 0)
        return -float(np.log(scored["probability"]).sum()) - per_frame * evidence + 0.5 * float(x @ x)

    simplex = np.vstack([np.zeros(len(names) + 1), 0.5 * np.eye(len(names) + 1)])
    settings = {
        "maxfev": evaluations,
        "initial_simplex": simplex,
        "xatol": 0.05,
        "fatol": 0.1,
        "adaptive": True,
    }
    fitted = model(minimize(cost, simplex[0], method="Nelder-Mead", options=settings).x)
    return fitted.with_(level=conformal_level(score_labels(table, fitted)["surprise"].to_numpy()))


def score_labels(table: pd.DataFrame, errors: ErrorModel, shown: int = 0) -> pd.DataFrame:
    """How well labels are met that the smoother was not shown.

    Args:
        table: see `calibrate`.
        errors: the constants to try.
        shown: labels per chamber that the smoother is shown, evenly over time; these are left out of the
            score.

    Returns:
        One row per label: chamber, frame, label, count_frame, count, lower, upper, probability (of that
        label) and surprise (see `interval.surprise`).
    """
    return _scored(table, errors, shown)[0]


def _scored(table: pd.DataFrame, errors: ErrorModel, shown: int) -> tuple[pd.DataFrame, float]:
    rows = table.sort_values(["chamber", "frame"], kind="stable")
    rows = rows.assign(chamber=rows["chamber"].astype(str), counted=np.nan)
    at = shown_labels(rows, shown)
    rows.loc[at, "counted"] = rows.loc[at, "label"]
    own_rows = dict(list(rows.groupby("chamber", sort=False)))
    read_all = read(recordings(rows, errors), errors)
    parts = [
        _scored_chamber(posterior, own_rows[posterior.recording.chamber], errors) for posterior in read_all
    ]
    return pd.concat(parts, ignore_index=True), sum(posterior.log_evidence for posterior in read_all)


def _scored_chamber(posterior: Posterior, rows: pd.DataFrame, errors: ErrorModel) -> pd.DataFrame:
    own = rows.drop_duplicates("frame")
    scored = (own["label"].notna() & own["counted"].isna()).to_numpy()
    place = posterior.recording.place[scored]
    label = own["label"].to_numpy(float)[scored].astype(int)
    written = label_probability(posterior.probability[place], errors.label)
    lower, upper = interval(written, errors.level)
    each = np.arange(len(label))
    return own.loc[scored, ["chamber", "frame", "label", "count_frame"]].assign(
        count=posterior.mean[place],
        lower=lower,
        upper=upper,
        probability=written[each, label],
        surprise=surprise(written)[each, label],
    )


def shown_labels(rows: pd.DataFrame, shown: int) -> list[int]:
    """Index of `shown` labelled rows of each chamber, spread evenly over time; at least two are left."""
    found: list[int] = []
    for _, own in rows[rows["label"].notna()].groupby("chamber", sort=False):
        k = min(shown, max(len(own) - 2, 0))
        at = (np.arange(k) + 0.5) * len(own) / k if k else np.zeros(0)
        found += list(own.index[at.astype(int)])
    return found


def leave_chamber_out(
    table: pd.DataFrame,
    folds: int = 7,
    shown: Sequence[int] = (0, 5),
    start: ErrorModel | None = None,
    seed: int = 0,
    evaluations: int = 150,
) -> pd.DataFrame:
    """Scores every chamber with constants fitted on the others.

    Args:
        table: see `calibrate`.
        folds: groups of chambers that are left out together, drawn by `seed`.
        shown: how many labels of the new chamber to show, each tried.
        start: see `calibrate`.
        seed: of the folds.
        evaluations: see `calibrate`.

    Returns:
        The table of `score_labels` for every fold, with columns `shown` and `fold`.
    """
    chambers = np.array(sorted(table["chamber"].unique()))
    fold_of = np.random.default_rng(seed).permutation(len(chambers)) % min(folds, len(chambers))
    parts = []
    for fold in np.unique(fold_of):
        held = table["chamber"].isin(chambers[fold_of == fold])
        errors = calibrate(table[~held], start, evaluations)
        for k in shown:
            parts.append(score_labels(table[held], errors, k).assign(shown=k, fold=fold))
    return pd.concat(parts, ignore_index=True)


def summary(scored: pd.DataFrame) -> pd.DataFrame:
    """Figures of scored labels by `shown` (and `modality` where there is one).

    Returns:
        n, mae_frame and mae_series (counts rounded first), better (share of the error won back, percent),
        coverage (percent of labels inside the interval) and width (mean of upper - lower, cells).
    """
    rows = scored.assign(
        mae_frame=(scored["count_frame"].round() - scored["label"]).abs(),
        mae_series=(scored["count"].round() - scored["label"]).abs(),
        coverage=100.0 * ((scored["label"] >= scored["lower"]) & (scored["label"] <= scored["upper"])),
        width=scored["upper"] - scored["lower"],
    )
    by = [name for name in ("modality", "shown") if name in rows]
    figures = rows.groupby(by)[["mae_frame", "mae_series", "coverage", "width"]].mean()
    figures.insert(0, "n", rows.groupby(by).size())
    figures.insert(3, "better", 100.0 * (1 - figures["mae_series"] / figures["mae_frame"]))
    return figures
