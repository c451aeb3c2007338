"""When one way of counting is surely better than another on a handful of labels."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor

CONFIDENCE = 0.9
"""How sure, one-sided: of ten changes that are none, one passes."""


def numbered(names: Sequence[str]) -> Tensor:
    """(N,) int: the number of each image's unit, from 0; equal names are one unit."""
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([order[name] for name in names])


def standard_error(values: Tensor, units: Tensor) -> Tensor:
    """Standard error of the mean over images (..., N) of which those of one unit are alike, (...).

    Args:
        values: one per image.
        units: (N,) int, the unit (chamber, or image that stands alone) of each.
    """
    _, place = units.unique(return_inverse=True)
    n, groups = len(units), int(place.max()) + 1
    if groups < 2:
        return torch.full(values.shape[:-1], torch.inf)
    apart = (values - values.mean(-1, keepdim=True)).double()
    sums = torch.zeros(*values.shape[:-1], groups, dtype=torch.float64).index_add_(-1, place, apart)
    return ((sums**2).sum(-1) * groups / (groups - 1)).sqrt().to(values) / n


def surely_positive(gain: Tensor, units: Tensor, confidence: float = CONFIDENCE) -> Tensor:
    """Whether the mean gain (..., N) is above 0 by more than chance, (...) bool.

    By more than its standard error times Student's quantile for that few units.
    """
    groups = len(units.unique())
    if groups < 2:
        return torch.zeros(gain.shape[:-1], dtype=torch.bool)
    factor = float(stats.t.ppf(confidence, groups - 1))
    return (gain.mean(-1) > factor * standard_error(gain, units)) & (gain.mean(-1) > 0)


def resembling(images: Sequence[Tensor], chambers: Sequence[str]) -> tuple[str, ...]:
    """The unit of every image: its chamber where that is one place seen again, else the image itself.

    People list single images under one name, too; such images show different places. Frames of one place
    share walls, dirt and shading finer than FINE px: their grey levels correlate.

    Args:
        images: N tensors (1, H, W).
        chambers: N names.
    """
    units = list(chambers)
    for name in set(chambers):
        own = [i for i, chamber in enumerate(chambers) if chamber == name]
        if len(own) > 1 and not _one_place([images[i] for i in own]):
            for i in own:
                units[i] = f"{name}, image {i}"
    return tuple(units)


FINE = 16
"""Shading wider than this, px, comes from the lamp and is the same in every place."""
ALIKE = 0.25
"""Mean correlation of neighbouring frames from which on they show one place."""
PAIRS = 12


def _one_place(images: Sequence[Tensor]) -> bool:
    pairs = list(itertools.pairwise(images))[:PAIRS]
    if any(a.shape != b.shape for a, b in pairs):
        return False
    return bool(np.mean([_correlation(_fine(a), _fine(b)) for a, b in pairs]) > ALIKE)


def _fine(image: Tensor) -> Tensor:
    """The image (1, H, W) softened a little, without what changes slowly over it."""
    soft = torch.nn.functional.avg_pool2d(image[None], 3, 1, 1, count_include_pad=False)
    slow = torch.nn.functional.avg_pool2d(image[None], 2 * FINE + 1, 1, FINE, count_include_pad=False)
    return (soft - slow)[0, 0]


def _correlation(one: Tensor, other: Tensor) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if float(spread) > 0 else 1.0
