"""The forward-backward algorithm for many chambers at once, over (count, slow error of the frame model)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Chain:
    """A hidden Markov chain over pairs (slow error level k, count s).

    Attributes:
        count_steps: (C, S, S) transitions of the count between neighbouring frames of each chamber, rows sum
            to 1.
        slow_steps: (K, K) transitions of the slow error, rows sum to 1.
        start: (S,) distribution of the first count.
        slow_prior: (K,) distribution of the slow error.
    """

    count_steps: Array
    slow_steps: Array
    start: Array
    slow_prior: Array


def filtered(likelihood: Array, chain: Chain) -> tuple[Array, NDArray[np.float64]]:
    """Probability of every state at every frame, given the frames up to it (Rabiner 1989, scaled).

    Args:
        likelihood: (F, C, K, S) of what was seen in each frame of each of C chambers, given slow error
            level k and s cells, up to a factor per frame and chamber. All ones where nothing was seen.
        chain: the process.

    Returns:
        (F, C, K, S), summing to 1 over K and S, and the log evidence (C,) of each chamber.
    """
    F, C, K, S = likelihood.shape
    found = np.empty_like(likelihood)
    evidence = np.zeros(C)
    state = np.broadcast_to(chain.slow_prior[:, None] * chain.start[None, :], (C, K, S))
    slow_back = np.ascontiguousarray(chain.slow_steps.T)
    for t in range(F):
        if t:
            state = slow_back @ (found[t - 1] @ chain.count_steps)
        np.multiply(state, likelihood[t], out=found[t])
        total = found[t].sum((1, 2), keepdims=True)
        found[t] /= total
        evidence += np.log(total[:, 0, 0])
    return found, evidence


def smoothed(filter_: Array, likelihood: Array, chain: Chain) -> None:
    """Turns filtered probabilities into those given all frames, in place (the backward pass)."""
    count_back = np.ascontiguousarray(chain.count_steps.swapaxes(1, 2))
    back = np.ones(likelihood.shape[1:], np.float32)
    for t in range(len(likelihood) - 2, -1, -1):
        seen = back * likelihood[t + 1]
        back = chain.slow_steps @ (seen @ count_back)
        back /= back.mean((1, 2), keepdims=True)
        filter_[t] *= back
        filter_[t] /= filter_[t].sum((1, 2), keepdims=True)


def draw_paths(filter_: Array, chain: Chain, lengths: NDArray[np.int64], chance: Array) -> NDArray[np.uint8]:
    """Whole count paths drawn from the posterior (forward filter, backward sampler; Carter & Kohn 1994).

    Args:
        filter_: (F, C, K, S) from `filtered`.
        chain: the process.
        lengths: (C,) frames of each chamber; what `filter_` holds behind them is padding.
        chance: (F, C, D, 2) uniform numbers in [0, 1), for D paths of each chamber.

    Returns:
        (F, C, D) counts, without meaning behind a chamber's length.
    """
    F, C = filter_.shape[:2]
    D = chance.shape[2]
    count_back = np.ascontiguousarray(chain.count_steps.swapaxes(1, 2))
    slow_back = np.ascontiguousarray(chain.slow_steps.T)
    every = np.arange(C)[:, None]
    paths = np.zeros((F, C, D), np.uint8)
    count, slow = np.zeros((C, D), np.intp), np.zeros((C, D), np.intp)
    for t in range(F - 1, -1, -1):
        ends = lengths == t + 1
        toward = slow_back @ filter_[t]  # (C, K', S): every s with the slow level k' it leads to
        weight = toward[every, slow] * count_back[every, count]
        weight[ends] = filter_[t].sum(1)[ends, None]
        came_from = slow_back[slow]
        came_from[ends] = 1.0
        count = _pick(weight, chance[t, :, :, 0])
        slow = _pick(filter_[t].transpose(0, 2, 1)[every, count] * came_from, chance[t, :, :, 1])
        paths[t] = count
    return paths


def _pick(weight: Array, chance: Array) -> NDArray[np.intp]:
    # The index at which the running sum of the weights passes `chance` of their total.
    running = np.cumsum(weight, -1)
    return (running < (chance * running[..., -1])[..., None]).sum(-1).clip(max=weight.shape[-1] - 1)
