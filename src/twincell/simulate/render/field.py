"""Cells on the pixel grid: how far is each sample from the outline of its cell, and which cell is it.

Only small patches around the cells are computed, and settled between neighbours by scattered minima over the
whole batch; where cells press on each other, the border between them is where both are equally far.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.simulate.scene.scene import SIZE, Scene

FAR = 99.0
"""px, distance to a cell that is not there."""
HALVES = (8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 16.0, 20.0, 26.0, 36.0, 64.0)
# px, half widths of patches: each cell takes the smallest that holds it


@dataclass
class Grid:
    """Samples of N images: `scale` samples per px, `pad` px more than the image on every side."""

    scale: int
    pad: int

    @property
    def side(self) -> int:
        """Samples along one side."""
        return (SIZE + 2 * self.pad) * self.scale


@dataclass
class Field:
    """The P samples of a batch that lie in or near a cell.

    Attributes:
        where: (P,) int64 flat position in (N, side, side).
        cell: (P,) int64 the nearest cell, as image * slots + slot.
        row, column: (P,) int64 position in samples relative to that cell's own corner (for textures that move
            with it).
        distance: (P,) px to the nearest cell's outline, negative inside.
        second: (P,) the same to the second-nearest cell; `FAR` where none is near.
    """

    where: Tensor
    cell: Tensor
    row: Tensor
    column: Tensor
    distance: Tensor
    second: Tensor


def cell_field(scene: Scene, grid: Grid, reach: float) -> Field:
    """Distances to the cells' outlines, for all samples up to `reach` px outside of them."""
    parts = [_patches(scene, image, slot, grid, half, reach) for image, slot, half in _by_size(scene, reach)]
    where, cell, row, column, d = (torch.cat([part[k] for part in parts]) for k in range(5))
    nearest = torch.full((len(scene) * grid.side**2,), FAR, device=scene.x.device)
    second = nearest.clone()
    nearest.scatter_reduce_(0, where, d, "amin")
    mine = d <= nearest[where]
    second.scatter_reduce_(0, where[~mine], d[~mine], "amin")
    where = where[mine]
    return Field(where, cell[mine], row[mine], column[mine], d[mine], second[where])


def _by_size(scene: Scene, reach: float) -> list[tuple[Tensor, Tensor, float]]:
    """Image and slot of the cells that fit each patch size; at least one (perhaps empty) entry."""
    extent = scene.radius * scene.stretch.sqrt() * (1 + scene.lobes.abs().sum(-1)) + reach + 1.0
    extent = torch.where(scene.present, extent.clamp(max=HALVES[-1]), FAR)
    found: list[tuple[Tensor, Tensor, float]] = []
    smaller = 0.0
    for half in HALVES:
        image, slot = torch.nonzero((extent <= half) & (extent > smaller), as_tuple=True)
        if len(image) or not found:
            found.append((image, slot, half))
        smaller = half
    return found


def _patches(
    scene: Scene, image: Tensor, slot: Tensor, grid: Grid, half: float, reach: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Where, cell, row, column and distance of all near samples of the square patches around some cells."""
    pick = (image, slot)
    width, side = int(2 * half * grid.scale), grid.side
    x, y = (scene.x[pick] + grid.pad) * grid.scale, (scene.y[pick] + grid.pad) * grid.scale
    steps = torch.arange(width, device=x.device)
    column = (x - width / 2).round().long()[:, None] + steps
    row = (y - width / 2).round().long()[:, None] + steps
    dx = ((column + 0.5 - x[:, None]) / grid.scale)[:, None, :]
    dy = ((row + 0.5 - y[:, None]) / grid.scale)[:, :, None]
    radius, stretch, tilt = (f[pick][:, None, None] for f in (scene.radius, scene.stretch, scene.tilt))
    d = (
        outline(dx, dy, radius, stretch, tilt, scene.lobes[pick]) + 1e-5 * slot[:, None, None]
    )  # no two cells equally far
    inside = ((column >= 0) & (column < side))[:, None, :] & ((row >= 0) & (row < side))[:, :, None]
    near = torch.nonzero((inside & (d < reach)).flatten())[:, 0]
    which, place = near // width**2, near % width**2
    r, c = place // width, place % width
    # The position of a patch's corner may be negative, that of its near samples is not.
    corner = (image * side + row[:, 0]) * side + column[:, 0]
    cell = image * scene.present.shape[1] + slot
    return corner[which] + r * side + c, cell[which], r, c, d.flatten()[near]


def outline(
    dx: Tensor, dy: Tensor, radius: Tensor, stretch: Tensor, tilt: Tensor, lobes: Tensor | None = None
) -> Tensor:
    """Px from the outline of a stretched, lobed disc, negative inside; dx, dy: px from its centre.

    The outline is r (1 + a cos 3t + b sin 3t + c cos 4t + d sin 4t) in coordinates stretched along `tilt`;
    the harmonics come from powers of (u + i v) / |u + i v|, which needs no trigonometry per sample.
    """
    root = stretch.sqrt()
    cos, sin = tilt.cos(), tilt.sin()
    u = (cos * dx + sin * dy) / root
    v = (cos * dy - sin * dx) * root
    rho = torch.sqrt(u * u + v * v + 1e-6)
    if lobes is None:
        return rho - radius
    c, s = u / rho, v / rho
    c2, s2 = c * c - s * s, 2 * c * s
    lobe = lobes[:, :, None, None].unbind(1)
    edge = lobe[0] * (c2 * c - s2 * s) + lobe[1] * (s2 * c + c2 * s)
    edge = edge + lobe[2] * (c2 * c2 - s2 * s2) + lobe[3] * (2 * c2 * s2)
    return rho - radius * (1 + edge)
