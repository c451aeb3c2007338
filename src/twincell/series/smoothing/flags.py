"""Which frames are not to be trusted, and why, in the words that stand in counts.csv."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from twincell.series.smoothing.chamber import Posterior
from twincell.series.smoothing.error_model import spread
from twincell.series.smoothing.events import Event

Floats = NDArray[np.float64]

UNREADABLE = "unreadable"
OUT_OF_FOCUS = "out of focus"
UNLIKE_TRAINING = "unlike training"
OTHER_MODALITY = "other modality"
OVERFULL = "overfull"
ESCAPED = "escaped"
EMPTY = "empty"
BAD_FRAME = "bad frame"
DUPLICATE = "duplicate frame"
ORDER = (UNREADABLE, OUT_OF_FOCUS, UNLIKE_TRAINING, BAD_FRAME, DUPLICATE, OVERFULL, EMPTY, ESCAPED)
"""In which the reasons of one frame are written."""

FULL = 30
"""The published images end at 30 cells, and so does what any model here has learned."""

BAD_SCALES = 8.0
"""A frame is bad when its estimate lies this many fast errors from what its neighbours say ..."""
BAD_CELLS = 1.5
"""... and at least so many cells: below, a person would not look twice."""

BLURRED_SHARE = 0.5
"""A frame is out of focus below this share of its neighbours' median sharpness ..."""
NEIGHBOURS = 12
"""... among so many neighbours on either side."""


def flags(
    rows: pd.DataFrame, posterior: Posterior, count: NDArray[np.float64], events: Sequence[Event]
) -> list[str]:
    """One text per row, empty where nothing speaks against the frame; several reasons are joined by "; ".

    Args:
        rows: one chamber's rows, frames ascending, each once, with `count_frame` and, where known,
            `novelty` (above 1 means unlike the model's training) and `sharpness` (any measure that falls
            when the image blurs).
        posterior: of that chamber.
        count: best count of every row.
        events: of that chamber.
    """
    estimate = rows["count_frame"].to_numpy(float)
    expected = posterior.expected[posterior.recording.place]
    raised = image_reasons(estimate, _column(rows, "novelty", 0.0), count) | {
        OUT_OF_FOCUS: _blurred(rows),
        BAD_FRAME: far_off(estimate, expected, posterior.recording.fast),
        DUPLICATE: _repeated(estimate),
        ESCAPED: _escaped(rows["frame"].to_numpy(), events),
    }
    return flag_texts(raised, len(rows))


def image_reasons(estimate: Floats, novelty: Floats, count: Floats) -> dict[str, NDArray[np.bool_]]:
    """What an image says against itself, whatever stands before and after it; all of shape (N,)."""
    return {
        UNREADABLE: ~np.isfinite(estimate),
        UNLIKE_TRAINING: novelty > 1.0,
        OVERFULL: np.round(count) > FULL,
        EMPTY: np.round(count) == 0,
    }


def far_off(estimate: Floats, expected: Floats, fast: ArrayLike) -> NDArray[np.bool_]:
    """Which estimates (N,) lie too far from what was expected, `fast` being the usual error there."""
    limit = np.maximum(BAD_SCALES * np.asarray(fast) * spread(expected), BAD_CELLS)
    return np.nan_to_num(np.abs(estimate - expected)) > limit


def flag_texts(raised: dict[str, NDArray[np.bool_]], n: int) -> list[str]:
    """One text for each of n rows, its reasons in the order of `ORDER`."""
    reasons = [(reason, raised[reason]) for reason in ORDER if reason in raised]
    return ["; ".join(reason for reason, where in reasons if where[i]) for i in range(n)]


def _column(rows: pd.DataFrame, name: str, otherwise: float) -> NDArray[np.float64]:
    values = rows[name].to_numpy(float) if name in rows else np.full(len(rows), otherwise)
    return np.where(np.isfinite(values), values, otherwise)


def _repeated(estimate: NDArray[np.float64]) -> NDArray[np.bool_]:
    # The same image twice gives the same estimate to the last digit. Whole numbers repeat without that.
    same = np.zeros(len(estimate), bool)
    same[1:] = (estimate[1:] == estimate[:-1]) & (estimate[1:] != np.round(estimate[1:]))
    return same


def _blurred(rows: pd.DataFrame) -> NDArray[np.bool_]:
    sharpness = pd.Series(_column(rows, "sharpness", np.nan))
    usual = sharpness.rolling(2 * NEIGHBOURS + 1, center=True, min_periods=5).median()
    return (sharpness < BLURRED_SHARE * usual).to_numpy()


def _escaped(frames: NDArray[np.int64], events: Sequence[Event]) -> NDArray[np.bool_]:
    gone = np.zeros(len(frames), bool)
    for event in events:
        if event.kind == "escape":
            gone[np.searchsorted(frames, event.frame)] = True
    return gone
