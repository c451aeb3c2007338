"""How the number of cells moves from one frame to the next: a birth-death process on 0..60 cells."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

STATES = 61
"""States of the hidden count: 0..60 cells. Chambers are called overfull above 30, so 60 leaves room for
errors."""


@lru_cache(maxsize=64)
def transition(churn: float, growth: float, jump: float, frames: int = 1) -> NDArray[np.float32]:
    """Probabilities to go from i cells to j cells within `frames` frames.

    The matrix exponential of the generator of a linear birth-death process with immigration (Kendall 1948),
    plus rare jumps to any count: cells flushed in or out, a chamber that empties between two frames. Ups
    and downs between n and n + 1 cells have the same rate but for the growth, so that without growth no
    count is favoured. They go with the root of the count, not with the count: were calm so much more natural
    for few cells than for many, every calm recording would be read too low, by hundreds of frames at once.

    Args:
        churn: rate per frame of ups, and of downs, is this times sqrt(n + 1).
        growth: rate per cell and frame of further ups.
        jump: rate per chamber and frame of a jump to a count drawn evenly from 0..60.
        frames: time between the two observations, in frames.

    Returns:
        (61, 61) float32, row = count before, column = count after, rows sum to 1.
    """
    n = np.arange(STATES - 1)
    rate = np.full((STATES, STATES), jump / STATES)
    rate[n, n + 1] += churn * np.sqrt(n + 1) + growth * n
    rate[n + 1, n] += churn * np.sqrt(n + 1)
    np.fill_diagonal(rate, 0.0)
    np.fill_diagonal(rate, -rate.sum(1))
    steps = np.clip(expm(rate * frames), 0.0, None)
    return (steps / steps.sum(1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=64)
def slow_steps(levels: int, correlation: float) -> NDArray[np.float32]:
    """Transitions of the slow error between its levels: a first-order autoregression put on a grid.

    Args:
        levels: number of levels, spread evenly over -2.5..2.5 standard deviations.
        correlation: correlation of the error between neighbouring frames, 0..1.

    Returns:
        (levels, levels) float32, rows sum to 1; its stationary distribution is `slow_prior(levels)`.
    """
    # A grid step is wider than one frame's change of the error, so the exact one-frame kernel would never
    # move. Moving rarely, but then by a whole step, keeps both the stationary spread and the correlation
    # time: mix "stay" with a redraw that keeps to the neighbourhood (Metropolis steps to a neighbour).
    prior = slow_prior(levels).astype(np.float64)
    generator = np.zeros((levels, levels))
    k = np.arange(levels - 1)
    generator[k, k + 1] = np.sqrt(prior[k + 1] / prior[k])
    generator[k + 1, k] = np.sqrt(prior[k] / prior[k + 1])
    np.fill_diagonal(generator, -generator.sum(1))
    z = slow_grid(levels)
    # Rate of decay of the mean of z under this generator, weighted by the prior, sets its clock.
    decay = -(prior * z * (generator @ z)).sum() / (prior * z * z).sum()
    steps = np.clip(expm(generator * (-np.log(correlation) / decay)), 0.0, None)
    return (steps / steps.sum(1, keepdims=True)).astype(np.float32)


def slow_grid(levels: int) -> NDArray[np.float64]:
    """The levels of the slow error, in standard deviations, (levels,)."""
    return np.linspace(-2.5, 2.5, levels) if levels > 1 else np.zeros(1)


def slow_prior(levels: int) -> NDArray[np.float32]:
    """How often each level of the slow error occurs, (levels,), sums to 1: normal on the grid."""
    weight = np.exp(-0.5 * slow_grid(levels) ** 2)
    return (weight / weight.sum()).astype(np.float32)
