"""Ghosts: faint remains and things out of focus that look a little like a cell, and do not count."""

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.settings import CellSettings

MOST_GHOSTS = 6


def ghost_slots(settings: CellSettings) -> int:
    """How many slots of a scene are kept for ghosts."""
    return MOST_GHOSTS if settings.ghosts > 0 else 0


def ghosts(settings: CellSettings, draws: Draws) -> Tensor:
    """(N, `ghost_slots`) bool: which are there; images differ in how many they have."""
    rate = draws.uniform("ghosts.rate", 1, high=2 * settings.ghosts / MOST_GHOSTS)
    return draws.bernoulli("ghosts.there", rate, ghost_slots(settings))


def fade(settings: CellSettings, draws: Draws, shape: dict[str, Tensor], first: int, end: int) -> None:
    """Makes the cells in slots `first` .. `end` - 1 thin, small and smooth, in place.

    Args:
        shape: from `twincell.simulate.scene.sample.shapes`, each (N, S, ..).
    """
    if first == end:
        return
    own = end - first
    shape["radius"][:, first:end] *= draws.between("ghosts.factor", settings.ghost_factor, own)
    shape["depth"][:, first:end] = draws.between("ghosts.depth", settings.ghost_depth, own)
    shape["grain"][:, first:end] *= 0.4
    shape["fused"] = torch.cat([shape["fused"][:, :first], 0 * shape["fused"][:, first:]], 1)
