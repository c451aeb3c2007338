"""What the network is asked for, and how far it is from that: places where they are known, else the sum."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.training.adaptation.view import STEP

SIGMA = 4.0
"""Standard deviation of one cell in the map, px as shown: what the shipped models learned."""
PLACES = 8.0
"""Weight of the map's squared error beside the count's: that of the preset `best`."""
RELATIVE = 0.08
"""Count errors are divided by 1 + this * count: a crowd's label scatters more than a single cell's."""


def target_maps(points: Sequence[Tensor | None], height: int, width: int) -> Tensor:
    """Maps (N, 1, height / 4, width / 4) in which each cell sums to 1; NaN where places are not known.

    Args:
        points: N tensors (K, 2) of centres x, y in px as shown, or None.
        height, width: of the images as shown, px, multiples of 8.
    """
    maps = torch.full((len(points), 1, height // STEP, width // STEP), torch.nan)
    for target, places in zip(maps, points, strict=True):
        if places is not None:
            down, across = _along(places[:, 1], height // STEP), _along(places[:, 0], width // STEP)
            target[0] = down.T @ across
    return maps


def _along(at: Tensor, elements: int) -> Tensor:
    """(K, elements): each cell along one axis, summing to 1 also at the edge."""
    grid = (torch.arange(elements) + 0.5) * STEP
    # A place on the far edge still has its nearest element to fall into.
    distance = (grid - at.float()[:, None]) / SIGMA
    return torch.softmax(-0.5 * distance**2, dim=1)


def errors(found: Tensor, counts: Tensor, targets: Tensor) -> Tensor:
    """The loss of each image, (B,): Huber's error of the count, and of the map where it is known.

    Args:
        found: (B, 1, h, w) cells per element.
        counts: (B,) cells.
        targets: (B, 1, h, w) from `target_maps`.
    """
    miss = F.smooth_l1_loss(found.sum((1, 2, 3)), counts, reduction="none") / (1 + RELATIVE * counts)
    known = ~targets.isnan()
    apart = torch.where(known, found - targets.nan_to_num(), 0.0)
    return miss + PLACES * (apart**2).sum((1, 2, 3))
