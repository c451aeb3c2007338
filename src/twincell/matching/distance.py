"""How far drawn images are from real ones, statistic by statistic."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.matching.statistics import Statistics

SHARES = torch.linspace(0.025, 0.975, 20)
"""Quantiles at which two distributions are compared."""


@dataclass(frozen=True)
class Distance:
    """Between two sets of images.

    Attributes:
        groups: mean over the numbers of each group of the distance of their distributions (Wasserstein's
            first), in units of their spread over all kinds of scenes.
    """

    groups: dict[str, float]

    @property
    def total(self) -> float:
        """The mean of all groups."""
        return sum(self.groups.values()) / len(self.groups)


def units(drawn: Statistics) -> Tensor:
    """(F,) spread of each number over images of many kinds."""
    return drawn.values.std(0).clamp(min=1e-4)


def distance(real: Statistics, drawn: Statistics, unit: Tensor) -> Distance:
    """Compares each number's distribution over the real images with that over the drawn ones.

    Args:
        unit: (F,) from `units`.
    """
    apart = (torch.quantile(real.values, SHARES, 0) - torch.quantile(drawn.values, SHARES, 0)).abs().mean(0)
    apart = apart / unit
    names = dict.fromkeys(real.groups)
    return Distance({name: float(apart[[group == name for group in real.groups]].mean()) for name in names})


def floor(real: Statistics, unit: Tensor) -> Distance:
    """The distance between two halves of the real images: nothing drawn can be surely nearer."""
    half = Statistics(real.values[0::2], real.groups), Statistics(real.values[1::2], real.groups)
    return distance(*half, unit)
