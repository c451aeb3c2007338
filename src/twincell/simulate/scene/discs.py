"""Round chambers - droplets and wells: places inside of a disc instead of a rectangle."""

import torch
from torch import Tensor

from twincell.simulate.scene.scene import Chamber


def is_disc(chamber: Chamber) -> Tensor:
    """(N,) bool: chambers whose corners are rounded until nothing straight is left."""
    return 2 * chamber.rounding >= chamber.box[:, 2] - chamber.box[:, 0] - 1e-3


def within_disc(x: Tensor, y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """(N, tries) bool: places inside of the ellipses that fill the rectangles with the corners (N, 2)."""
    middle, half = (low + high) / 2, ((high - low) / 2).clamp(min=1e-6)
    return ((x - middle[:, :1]) / half[:, :1]) ** 2 + ((y - middle[:, 1:]) / half[:, 1:]) ** 2 <= 1


def into_disc(chamber: Chamber, x: Tensor, y: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Moves places (N, S, tries) of round chambers from the rectangle low .. high into the ellipse inside.

    The map of the square onto the disc keeps the middle of each side where it is and draws in the corners.

    Args:
        low, high: corners of the rectangles, (N, 1, 1, 2) px.
    """
    middle, half = (low + high) / 2, ((high - low) / 2).clamp(min=1e-6)
    u, v = (x - middle[..., 0]) / half[..., 0], (y - middle[..., 1]) / half[..., 1]
    round_ = is_disc(chamber)[:, None, None]
    across = middle[..., 0] + half[..., 0] * u * (1 - v * v / 2).clamp(min=0).sqrt()
    down = middle[..., 1] + half[..., 1] * v * (1 - u * u / 2).clamp(min=0).sqrt()
    return torch.where(round_, across, x), torch.where(round_, down, y)
