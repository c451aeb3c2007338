"""Cells on the pixel grid: how far is each pixel from the outline of its cell, and which cell is it.

Only small patches around the cells are computed, and gathered into the images of the whole batch by scattered
minima; where cells press on each other, the border between them is where both are equally far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.scene.scene import Scene

FAR = 99.0  # px, distance of pixels out of every cell's reach


@dataclass
class Field:
    """Cells of N scenes on a grid of H x W samples.

    Attributes:
        distance: (N, H, W) px to the nearest outline, negative inside a cell, `FAR` away from all cells.
        second: (N, H, W) the same to the second-nearest cell.
        slot: (N, H, W) int64 slot of the nearest cell, -1 where no cell is near.
    """

    distance: Tensor
    second: Tensor
    slot: Tensor

    def of(self, values: Tensor) -> Tensor:
        """(N, S) values of the cells spread over the pixels of each: (N, H, W); 0 where no cell is near."""
        flat = torch.nn.functional.pad(values, (1, 0))
        return flat.gather(1, (self.slot + 1).flatten(1)).reshape(self.slot.shape)


def cell_field(scene: Scene, size: int, scale: int, pad: int, reach: float) -> Field:
    """Distances to the cells' outlines.

    Args:
        size: side of the image in px; the grid has (size + 2 pad) * scale samples a side.
        scale: samples per px.
        pad: px added around the image.
        reach: px beyond the outline that still have to be known.
    """
    side = (size + 2 * pad) * scale
    n = len(scene)
    device = scene.x.device
    distance = torch.full((n * side * side,), FAR, device=device)
    parts = []
    extent = scene.radius * scene.stretch.sqrt() * (1 + scene.lobes.abs().sum(-1)) + reach
    biggest = float(extent[scene.present].max()) if bool(scene.present.any()) else 0.0
    smaller = 0.0
    for half in (8.0, 10.0, 14.0, 20.0, 32.0, 64.0):
        image, slot = torch.nonzero(scene.present & (extent <= half) & (extent > smaller), as_tuple=True)
        if len(image):
            parts.append(_patches(scene, image, slot, side, scale, pad, half))
        smaller = half
        if biggest <= half:
            break
    for where, d, _ in parts:
        distance.scatter_reduce_(0, where, d, "amin")
    slots = torch.full((n * side * side,), -1, dtype=torch.int64, device=device)
    second = torch.full_like(distance, FAR)
    for where, d, slot in parts:
        mine = d == distance[where]
        slots.scatter_reduce_(0, where, torch.where(mine & (d < FAR), slot, -1), "amax")
        second.scatter_reduce_(0, where, torch.where(mine, FAR, d), "amin")
    shape = (n, side, side)
    return Field(distance.reshape(shape), second.reshape(shape), slots.reshape(shape))


def _patches(
    scene: Scene, image: Tensor, slot: Tensor, side: int, scale: int, pad: int, half: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Flat positions in the batch, distances and slots of all samples of the square patches around some cells."""
    width = int(2 * half * scale)
    pick = (image, slot)
    x, y = (scene.x[pick] + pad) * scale, (scene.y[pick] + pad) * scale
    first_x, first_y = (x - width / 2).round().long(), (y - width / 2).round().long()
    steps = torch.arange(width, device=x.device)
    column, row = first_x[:, None] + steps, first_y[:, None] + steps
    dx = ((column + 0.5 - x[:, None]) / scale)[:, None, :]
    dy = ((row + 0.5 - y[:, None]) / scale)[:, :, None]
    d = outline(dx, dy, *(f[pick][:, None, None] for f in (scene.radius, scene.stretch, scene.tilt)), scene.lobes[pick])

    inside = ((column >= 0) & (column < side))[:, None, :] & ((row >= 0) & (row < side))[:, :, None]
    d = torch.where(inside, d, FAR)
    where = row.clamp(0, side - 1)[:, :, None] * side + column.clamp(0, side - 1)[:, None, :]
    where = where + (image * side * side)[:, None, None]
    slots = slot[:, None, None].expand_as(where)
    return where.flatten(), d.flatten(), slots.flatten()


def outline(dx: Tensor, dy: Tensor, radius: Tensor, stretch: Tensor, tilt: Tensor, lobes: Tensor) -> Tensor:
    """Px from the outline of a stretched, lobed disc, negative inside; dx, dy: px from its centre.

    The outline is r (1 + a cos 3t + b sin 3t + c cos 4t + d sin 4t) in coordinates stretched along `tilt`; the
    harmonics come from powers of (u + i v) / |u + i v|, which needs no trigonometry per sample.
    """
    root = stretch.sqrt()
    cos, sin = tilt.cos(), tilt.sin()
    u = (cos * dx + sin * dy) / root
    v = (cos * dy - sin * dx) * root
    rho = torch.sqrt(u * u + v * v + 1e-6)
    c, s = u / rho, v / rho
    c2, s2 = c * c - s * s, 2 * c * s
    lobe = lobes[:, :, None, None].unbind(1)
    edge = lobe[0] * (c2 * c - s2 * s) + lobe[1] * (s2 * c + c2 * s)
    edge = edge + lobe[2] * (c2 * c2 - s2 * s2) + lobe[3] * (2 * c2 * s2)
    return rho - radius * (1 + edge)
