"""What people count where the generator counts n: so many times as many, or so many more."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

SURE = 0.98
"""How sure a difference has to be, either way."""
LIMITS = (0.5, 2.0)
"""People's cells to one of the generator's, on the whole; beyond lies a model that does not count."""


@dataclass(frozen=True)
class Convention:
    """People count `offset` + `gain` * n where the generator counts n.

    Attributes:
        offset: cells.
        gain: people's cells to one of the generator's.
        labels: how many it was fitted on.
    """

    offset: float = 0.0
    gain: float = 1.0
    labels: int = 0

    @property
    def is_the_generators(self) -> bool:
        """Whether no difference was found."""
        return self.offset == 0.0 and self.gain == 1.0

    def of(self, counts: Tensor) -> Tensor:
        """What people would have counted, (N,) cells, from 0."""
        return (self.offset + self.gain * counts).clamp(min=0)

    def __str__(self) -> str:
        if self.is_the_generators:
            return "as the generator counts"
        parts = [f"{self.gain:.2f} n"] if self.gain != 1.0 else ["n"]
        parts += [f"{'+' if self.offset > 0 else '-'} {abs(self.offset):.2f}"] if self.offset else []
        return " ".join(parts)


def fit_convention(counts: Tensor, labels: Tensor, units: Tensor) -> Convention:
    """The convention that lies nearest to people's labels, where it surely differs from the generator's.

    Sure is what lies outside of its own scatter, by the jackknife over places: images of one place say the
    same thing twice. With labels of a single place nothing is sure, and the generator's own stays.

    Args:
        counts: (N,) cells, by a model of which the other differences are closed.
        labels: (N,) cells, people's.
        units: (N,) int, the place each image shows.
    """
    trust = 1 / (1 + labels)
    best, least = Convention(labels=len(labels)), _missed(Convention(), counts, labels)
    for fit in (_times, _plus):
        kept = [units != unit for unit in units.unique()]
        without = [fit(counts[rest], labels[rest], trust[rest]) for rest in kept]
        found = fit(counts, labels, trust)
        missed = _missed(found, counts, labels)
        more = float((found.of(counts).sum() + 1) / (counts.sum() + 1))
        if LIMITS[0] <= more <= LIMITS[1] and _sure(found, without) and missed < least:
            best, least = Convention(found.offset, found.gain, len(labels)), missed
    return best


def _times(counts: Tensor, labels: Tensor, trust: Tensor) -> Convention:
    """By least squares; the scatter of a count grows with the count."""
    square = float((trust * counts**2).sum())
    return Convention(gain=float((trust * counts * labels).sum()) / square) if square > 0 else Convention()


def _plus(counts: Tensor, labels: Tensor, trust: Tensor) -> Convention:
    """By least squares; the scatter of a count grows with the count."""
    whole = float(trust.sum())
    return Convention(offset=float((trust * (labels - counts)).sum()) / whole) if whole > 0 else Convention()


def _missed(convention: Convention, counts: Tensor, labels: Tensor) -> float:
    """Mean squared error, each in units of a count's scatter."""
    return float(((convention.of(counts) - labels) ** 2 / (1 + labels)).mean())


def _sure(found: Convention, without: Sequence[Convention]) -> bool:
    """Whether a convention differs from the generator's by more than the jackknife's error of it."""
    places = len(without)
    if places < 2:
        return False
    each = torch.tensor([[own.offset, own.gain] for own in without], dtype=torch.float64)
    error = ((places - 1) / places * ((each - each.mean(0)) ** 2).sum(0)).sqrt()
    apart = torch.tensor([found.offset, found.gain - 1.0], dtype=torch.float64).abs()
    return bool((apart > float(stats.t.ppf((1 + SURE) / 2, places - 1)) * error).any())
