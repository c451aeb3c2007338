"""A 90 % interval for what a person would count, from the posterior and one calibrated level."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twincell.series.smoothing.error_model import label_kernel

COVERAGE = 0.90
"""Share of a person's counts that the interval is to hold."""

HALF = 0.6
"""Half the usual width of an interval, in units of sqrt(count + 1) cells."""


def label_probability(probability: NDArray[np.float32], label: float) -> NDArray[np.float64]:
    """Probability that a person writes 0..60 (F, 61), from that of there being 0..60 cells (F, 61)."""
    return (probability @ label_kernel(label)).astype(np.float64)


def interval(label: NDArray[np.float64], level: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Smallest and largest count that is not in either tail of (1 - level) / 2.

    Args:
        label: (F, 61) from `label_probability`.
        level: 0..1; larger is wider.

    Returns:
        Lower and upper end (F,), both counts included.
    """
    inside = surprise(label) <= level
    # The most probable count stays in, however small the level.
    inside[np.arange(len(label)), label.argmax(1)] = True
    states = label.shape[1]
    return inside.argmax(1), states - 1 - inside[:, ::-1].argmax(1)


def written(
    label: NDArray[np.float64], level: float, count: NDArray[np.float64], extra: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The interval as it stands in counts.csv: around the best count, and wider where the model doubts.

    Args:
        label: (F, 61) from `label_probability`.
        level: see `interval`.
        count: (F,) the best count; both whole numbers beside it are inside.
        extra: (F,) cells added on either side.
    """
    lower, upper = interval(label, level)
    lower = np.minimum(lower, np.floor(count).astype(int)) - extra
    return np.maximum(lower, 0), np.maximum(upper, np.ceil(count).astype(int)) + extra


def needed(
    label: NDArray[np.float64], count: NDArray[np.float64], extra: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Smallest level at which `written` holds each count, (F, 61): its measure and its setting are one."""
    found = surprise(label)
    states = np.arange(label.shape[1])
    inside = (states >= np.floor(count)[:, None]) & (states <= np.ceil(count)[:, None])
    inside[np.arange(len(label)), label.argmax(1)] = True
    found[inside] = 0.0
    for more in np.unique(extra[extra > 0]):
        rows = extra == more
        padded = np.pad(found[rows], ((0, 0), (more, more)), constant_values=1.0)
        found[rows] = np.lib.stride_tricks.sliding_window_view(padded, 2 * more + 1, axis=1).min(2)
    return found


def extra_cells(count: NDArray[np.float64], wider: NDArray[np.float64]) -> NDArray[np.int64]:
    """(F,) cells by which an interval grows on either side to be `wider` times as wide as usual."""
    return np.rint(HALF * (wider - 1) * np.sqrt(count + 1)).astype(np.int64)


def surprise(label: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest level at which the interval holds each count: 1 - 2 min(P(<= j), P(>= j)), (F, 61)."""
    upto = np.cumsum(label, 1)
    onward = np.cumsum(label[:, ::-1], 1)[:, ::-1]
    return 1.0 - 2.0 * np.minimum(upto, onward)


def conformal_level(surprises: Sequence[float] | NDArray[np.float64], coverage: float = COVERAGE) -> float:
    """Level whose intervals hold that share of labels (split conformal prediction; Vovk 2005, Romano 2019).

    Args:
        surprises: `surprise` of labels that took no part in making the posterior.
        coverage: share to hold, 0..1.

    Returns:
        The ceil((m + 1) coverage)-th smallest of m surprises, at most 1.
    """
    ranked = np.sort(np.asarray(surprises, float))
    rank = int(np.ceil((len(ranked) + 1) * coverage))
    return float(ranked[rank - 1]) if rank <= len(ranked) else 1.0
