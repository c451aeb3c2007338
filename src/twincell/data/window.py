"""What a network sees of images of any size: square windows, cropped or padded, with their cells."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.data.image_spec import ImageSpec


@dataclass(frozen=True)
class Framed:
    """Windows of images: `images` (n, 1, side, side) in [0, 1], `points` (n, K, 2) in px of the window."""

    images: Tensor
    points: Tensor


def frame(
    images: Tensor,
    sizes: Tensor,
    points: Tensor,
    spec: ImageSpec,
    side: int,
    generator: torch.Generator | None = None,
) -> Framed:
    """A window of each image: somewhere in a larger one, around the whole of a smaller one.

    Beyond its edges an image is continued by its mean, so that nothing there looks like a cell.

    Args:
        images: (n, 1, H, W) in the numbers of `spec`, each in the first rows and columns.
        sizes: (n, 2) on the CPU, height and width of each.
        points: (n, K, 2) x and y in pixels, NaN = no cell.
        spec: what the numbers mean.
        side: of the windows, in pixels.
        generator: on the CPU, decides where in a larger image; None: in its middle.
    """
    if tuple(images.shape[2:]) == (side, side) and bool((sizes == side).all()):
        return Framed(spec.scale(images), points)
    slack = sizes - side
    chance = (
        torch.full(sizes.shape, 0.5) if generator is None else torch.rand(sizes.shape, generator=generator)
    )
    anywhere = (chance * (slack + 1)).floor().long().minimum(slack)
    corner = torch.where(slack > 0, anywhere, -(-slack // 2))
    rows, columns = ((corner[:, axis, None] + torch.arange(side)).to(images.device) for axis in (0, 1))
    limits = sizes.to(images.device)
    inside = _within(rows, limits[:, 0])[:, :, None] & _within(columns, limits[:, 1])[:, None, :]
    every = torch.arange(len(images), device=images.device)[:, None, None]
    down = rows.clamp(0, images.shape[2] - 1)[:, :, None]
    across = columns.clamp(0, images.shape[3] - 1)[:, None, :]
    pixels = spec.scale(images[:, 0][every, down, across]) * inside
    mean = pixels.sum((1, 2)) / inside.sum((1, 2))
    pixels = torch.where(inside, pixels, mean[:, None, None])
    return Framed(pixels[:, None], points - corner.flip(1)[:, None].to(points))


def _within(places: Tensor, limits: Tensor) -> Tensor:
    return (places >= 0) & (places < limits[:, None])
