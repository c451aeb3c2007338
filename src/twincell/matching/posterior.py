"""Which settings could have made the real images: a forest weighs drawn images by how alike they are.

Approximate Bayesian computation with random forests (Raynal et al., Bioinformatics 35:1720, 2019): trees
learn to tell settings from statistics; a drawn image weighs as much as it ends in the same leaves as real
ones. What statistics cannot tell keeps the limits it had.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TREES = 80
LEAF = 4
"""Fewest drawn images in a leaf."""
NUMBERS = 0.33
"""Share of the statistics that a split may choose from."""


@dataclass(frozen=True)
class Posterior:
    """How much each drawn image resembles the real ones.

    Attributes:
        weights: (M, N), for each of M real images those of N drawn ones; rows sum to 1.
    """

    weights: Array

    @property
    def overall(self) -> Array:
        """(N,) weights over all real images; they sum to 1."""
        return np.asarray(self.weights.mean(0))

    def mean(self, values: Array) -> float:
        """The mean of a setting (N,)."""
        return float(self.overall @ values)

    def means(self, values: Array) -> Array:
        """(M,) the mean of a setting (N,) for each real image."""
        return np.asarray(self.weights @ values)

    def quantiles(self, values: Array, shares: Sequence[float]) -> list[float]:
        """Quantiles of a setting (N,) over all real images."""
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(self.overall[order])
        at = np.searchsorted(reached, np.asarray(shares) * reached[-1]).clip(max=len(values) - 1)
        return [float(value) for value in values[order][at]]

    def histogram(self, values: Array, most: int) -> Array:
        """(most + 1,) shares of the whole numbers 0 .. most."""
        shares = np.bincount(values.round().astype(int).clip(0, most), self.overall, most + 1)
        return np.asarray(shares / shares.sum())


def weigh(
    drawn: Array, settings: Array, real: Array, seed: int, importance: Array | None = None
) -> Posterior:
    """Weighs drawn images.

    Args:
        drawn: (N, F) statistics of drawn images.
        settings: (N, K) what each was drawn with; scaled to equal spread here.
        real: (M, F) statistics of real images.
        seed: of the trees.
        importance: (K,) how much the trees care for each setting; None = alike.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    spread, cared = settings.std(0), np.ones(settings.shape[1]) if importance is None else importance
    known = settings[:, spread > 0] * (cared / np.where(spread > 0, spread, 1.0))[spread > 0]
    forest = ExtraTreesRegressor(
        TREES, min_samples_leaf=LEAF, max_features=NUMBERS, random_state=seed, n_jobs=1, bootstrap=True
    )
    forest.fit(drawn.astype(np.float32), known)
    mine, theirs = forest.apply(real.astype(np.float32)), forest.apply(drawn.astype(np.float32))
    weights = np.zeros((len(real), len(drawn)))
    for tree in range(TREES):
        same = mine[:, tree, None] == theirs[None, :, tree]
        weights += same / same.sum(1, keepdims=True)
    return Posterior(weights / TREES)
