"""Intervals of single images from labels that made nothing else: split conformal prediction."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGE = 0.90
"""Share of a person's counts that an interval is to hold."""
LEAN = 20
"""Labels from which on the ranked scores weigh more than the shape that scores usually have."""


def scores(predicted: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """|count - label| / sqrt(count + 1), (N,): errors made alike for few and for many cells."""
    found = np.asarray(predicted, float)
    return np.abs(found - np.asarray(labels, float)) / np.sqrt(found + 1)


def conformal_spread(predicted: ArrayLike, labels: ArrayLike, coverage: float = COVERAGE) -> float:
    """The score that a share `coverage` of further images stays below.

    Split conformal prediction takes the ceil((N + 1) coverage)-th smallest of N scores. Of few scores that is
    nearly the largest, so one wrong label makes all intervals wide and a lucky draw makes them narrow. Hence
    it is averaged (in logarithms, with weight N / (N + `LEAN`)) with what the mean score says where scores
    are exponential: N * mean * ((1 - coverage)^(-1 / N) - 1), exact for any N. Where N is too small for a
    rank, that alone is taken.

    Args:
        predicted: (N,) counts of images that took no part in making the model, N from 1.
        labels: (N,) a person's counts of these.
        coverage: share to hold, 0..1.
    """
    ranked = np.sort(scores(predicted, labels))
    n = len(ranked)
    usual = n * float(ranked.mean()) * ((1 - coverage) ** (-1 / n) - 1)
    rank = math.ceil((n + 1) * coverage - 1e-9)
    if rank > n:
        return usual
    weight = n / (n + LEAN)
    return float(ranked[rank - 1] ** weight * usual ** (1 - weight))


def conformal_interval(count: ArrayLike, spread: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest whole number of cells within `spread` * sqrt(count + 1) of each count (N,).

    The rounded count itself always lies inside; the lower end is never below 0.
    """
    found = np.asarray(count, float)
    half = spread * np.sqrt(found + 1)
    nearest = np.rint(found)
    lower = np.minimum(np.ceil(found - half - 1e-9), nearest)
    return np.maximum(lower, 0.0), np.maximum(np.floor(found + half + 1e-9), nearest)
