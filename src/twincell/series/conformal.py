"""Intervals of single images from labels that made nothing else: split conformal prediction."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGE = 0.90
"""Share of a person's counts that an interval is to hold."""
WIDER = {1: 8.8, 2: 3.0, 3: 2.0, 4: 1.6, 5: 1.38, 6: 1.22, 7: 1.14, 8: 1.06}
"""Fewer than nine labels have no 90 % quantile: their largest score times this, so that 90 % are held where
errors are two-sided exponential, a little wider than normal."""


def scores(predicted: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """|count - label| / sqrt(count + 1), (N,): errors made alike for few and for many cells."""
    found = np.asarray(predicted, float)
    return np.abs(found - np.asarray(labels, float)) / np.sqrt(found + 1)


def conformal_spread(predicted: ArrayLike, labels: ArrayLike, coverage: float = COVERAGE) -> float:
    """The score that a share `coverage` of further images stays below (split conformal prediction).

    The ceil((N + 1) coverage)-th smallest of N scores; where N is too small for it, the largest, widened.

    Args:
        predicted: (N,) counts of images that took no part in making the model, N from 1.
        labels: (N,) a person's counts of these.
        coverage: share to hold, 0..1.
    """
    ranked = np.sort(scores(predicted, labels))
    rank = math.ceil((len(ranked) + 1) * coverage - 1e-9)
    if rank <= len(ranked):
        return float(ranked[rank - 1])
    return float(ranked[-1] * WIDER.get(len(ranked), 1.0))


def conformal_interval(count: ArrayLike, spread: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest whole number of cells within `spread` * sqrt(count + 1) of each count (N,).

    The rounded count itself always lies inside; the lower end is never below 0.
    """
    found = np.asarray(count, float)
    half = spread * np.sqrt(found + 1)
    nearest = np.rint(found)
    lower = np.minimum(np.ceil(found - half - 1e-9), nearest)
    return np.maximum(lower, 0.0), np.maximum(np.floor(found + half + 1e-9), nearest)
