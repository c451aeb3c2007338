"""Intervals of single images from labels that made nothing else: split conformal prediction."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGE = 0.90
"""Share of a person's counts that an interval is to hold."""
LEAN = 20
"""Labels from which on the ranked scores weigh more than the shape that scores usually have."""


FEWEST = 3
"""Labels of a recording from which on they have a say in how wide its intervals are."""
OTHERS = 10
"""Labels that those of other recordings stand for beside them."""
USUAL = 3.5
"""An interval is widened by this times the model's doubt (`novelty`), from a doubt of 1 / USUAL on: at the
limit, where a frame is flagged, it is so many times as wide."""
WIDEST = 20.0
"""Times the usual width, at most."""


def widening(novelty: ArrayLike | None) -> NDArray[np.float64] | float:
    """How many times as wide as usual intervals have to be, from 1; 1 where nothing is known."""
    if novelty is None:
        return 1.0
    return np.clip(USUAL * np.nan_to_num(np.asarray(novelty, float)), 1.0, WIDEST)


def scores(predicted: ArrayLike, labels: ArrayLike, wider: ArrayLike = 1.0) -> NDArray[np.float64]:
    """|count - label| / sqrt(count + 1) / wider, (N,): errors made alike for few and for many cells."""
    found = np.asarray(predicted, float)
    return np.abs(found - np.asarray(labels, float)) / np.sqrt(found + 1) / np.asarray(wider, float)


def conformal_spread(
    predicted: ArrayLike, labels: ArrayLike, coverage: float = COVERAGE, wider: ArrayLike = 1.0
) -> float:
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
        wider: of each image, see `widening`.
    """
    return spread_of(scores(predicted, labels, wider), coverage)


def spread_of(found: NDArray[np.float64], coverage: float = COVERAGE) -> float:
    """The same of (N,) `scores`."""
    ranked = np.sort(found)
    n = len(ranked)
    usual = n * float(ranked.mean()) * ((1 - coverage) ** (-1 / n) - 1)
    rank = math.ceil((n + 1) * coverage - 1e-9)
    if rank > n:
        return usual
    weight = n / (n + LEAN)
    return float(ranked[rank - 1] ** weight * usual ** (1 - weight))


def pooled_spread(own: NDArray[np.float64], usual: float | None) -> float:
    """The spread that (N,) scores of a recording's own labels ask for, N from 1.

    Beside them `OTHERS` labels stand for the images that gave the usual spread, where there were any.
    """
    if usual is None:
        return spread_of(own)
    # Quantiles of errors that are two-sided exponential and lie below the usual spread in 90 % of cases.
    share = (np.arange(OTHERS) + 0.5) / OTHERS
    return pooled_quantile(own, usual * np.log1p(-share) / math.log1p(-COVERAGE))


def pooled_quantile(own: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """What 90 % of further labels stay below: of (N,) own values, and (M,) quantiles of what is usual.

    The rank lies between that of a known distribution, 0.9 M + 1/2, and that of a sample, 0.9 (N + 1).
    """
    both = np.sort(np.concatenate([own, others]))
    rank = COVERAGE * len(both) + 0.5 + (COVERAGE - 0.5) * len(own) / len(both)
    return float(np.interp(rank, np.arange(len(both)) + 1, both))


def conformal_interval(
    count: ArrayLike, spread: ArrayLike, wider: ArrayLike = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest whole number within `spread` * `wider` * sqrt(count + 1) of each count (N,).

    The rounded count itself always lies inside; the lower end is never below 0.
    """
    found = np.asarray(count, float)
    half = np.asarray(spread, float) * np.asarray(wider, float) * np.sqrt(found + 1)
    nearest = np.rint(found)
    lower = np.minimum(np.ceil(found - half - 1e-9), nearest)
    return np.maximum(lower, 0.0), np.maximum(np.floor(found + half + 1e-9), nearest)
