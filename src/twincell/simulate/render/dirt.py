"""What is in the picture and no cell: specks and debris in focus, smudges out of it."""

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.render.field import Grid
from twincell.simulate.render.settings import OpticsLook
from twincell.simulate.render.texture import STOCK, bell, look_up, stock
from twincell.simulate.scene.scene import SIZE, Dirt


def dirt_object(dirt: Dirt, strength: float, draws: Draws, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """Specks and debris as objects in the light's way: flat positions (P,), phase and absorption to add
    (P,).
    """
    specks = _patches(dirt.specks, grid, 6.0)
    size, power = specks.value[:, 2], specks.value[:, 3] * strength
    blob = bell(specks.distance / size)
    dark, bright = (-power).clamp(min=0) * blob, power.clamp(min=0) * blob

    debris = _patches(dirt.debris, grid, 8.0)
    start = (draws.uniform("dirt.texture", dirt.debris.shape[1], 2) * STOCK).long().flatten(0, 1)
    textures = stock((2.0 * grid.scale,), debris.where.device)
    grains = look_up(textures, start, debris.item, debris.row, debris.column)[0]
    size, power = debris.value[:, 2], debris.value[:, 3] * strength
    cluster = bell(debris.distance / (1.6 * size)) * power
    lit = cluster * grains.clamp(-0.5, 2.0)
    where = torch.cat([specks.where, debris.where])
    return where, torch.cat([-1.6 * bright, -0.7 * lit]), torch.cat([1.1 * dark, 0.5 * lit.clamp(min=0)])


def bubbles_object(dirt: Dirt, look: OpticsLook, draws: Draws, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """Blebs beside cells, small lenses in a membrane of the same kind: flat positions, phase, absorption
    (P,).
    """
    found = _patches(dirt.bubbles, grid, 6.0)
    per_image = dirt.bubbles.shape[1]

    def own(limits: tuple[float, float], use: str) -> Tensor:
        """The number that the image's cells have, at the samples."""
        return draws.between(f"cells.{use}", limits)[found.item // per_image]

    size, power = found.value[:, 2], found.value[:, 3] * look.dirt
    edge = found.distance - size
    share = ((0.35 - edge) / size.clamp(min=0.5)).clamp(0, 1)
    rim = power * bell((edge - own(look.rim_position, "rim-position")) / own(look.rim_width, "rim-width"))
    lens = power * own(look.phase, "phase") * share * (size / 4.5)
    return (
        found.where,
        lens + own(look.rim_phase, "rim-phase") * rim,
        own(look.rim_absorption, "rim-absorption") * rim,
    )


def smudges(dirt: Dirt, look: OpticsLook, draws: Draws) -> Tensor:
    """(N, 128, 128) relative brightness of dust far out of focus: spots with fading rings, rings, discs."""
    n = len(dirt.rings)
    picture = torch.zeros(n * SIZE * SIZE, device=dirt.rings.device)
    found = _patches(dirt.rings, Grid(1, 0), 24.0)
    radius, wave, power = found.value[:, 2], found.value[:, 3], found.value[:, 4] * look.dirt
    r = found.distance / radius
    # A good half of these are spots with rings, the others thin rings as of a bubble or a ghost cell.
    spot = torch.cos(r * r * (3.0 + 4.0 * wave)) * bell(1.26 * r)
    ring = bell((found.distance - radius) / 0.9) - 0.4 * bell((found.distance - radius) / 2.2)
    faint = 0.06 * power * torch.where(wave < 0.6, spot, 0.8 * ring)
    own = [
        draws.between(f"dirt.{part}", limits, dirt.rings.shape[1]).flatten()[found.item]
        for part, limits in (("disc", look.disc), ("edge", look.disc_edge), ("rings", look.disc_rings))
    ]
    disc = power.abs() * _disc(found.distance, radius, *own)
    spot_inside = power * (0.05 + 0.3 * (wave - 1)) * bell(found.distance / (0.9 + 0.08 * radius))
    seen = torch.where(wave < 1, faint, disc + spot_inside)
    picture.index_add_(0, found.where, seen)
    return picture.reshape(n, SIZE, SIZE)


def _disc(distance: Tensor, radius: Tensor, plate: Tensor, edge: Tensor, rings: Tensor) -> Tensor:
    """Relative brightness of a grain's defocused shadow: a disc, stronger outward, with an edge and rings.

    Args:
        distance, radius: (P,) px.
        plate, edge, rings: (P,) relative brightness of the disc, of its edge and of the rings within.
    """
    inside = torch.sigmoid(2 * (radius - distance))
    within = plate * (0.5 + 0.5 * (distance / radius) ** 2) + rings * torch.cos(2.0 * distance)
    return within * inside + edge * bell((distance - radius - 0.6) / 0.9)


class _Found:
    """The samples near some items: where (P,), item (P,), row and column (P,), distance (P,) px, values (P,
    K).
    """

    def __init__(
        self, where: Tensor, item: Tensor, row: Tensor, column: Tensor, distance: Tensor, value: Tensor
    ):
        self.where, self.item, self.row, self.column, self.distance, self.value = (
            where, item, row, column, distance, value
        )  # fmt: skip


def _patches(items: Tensor, grid: Grid, half: float) -> _Found:
    """Samples of square patches around the items (N, K, F) of non-zero strength (the last value)."""
    image, which = torch.nonzero(items[..., -1] != 0, as_tuple=True)
    value = items[image, which]
    width, side = int(2 * half * grid.scale), grid.side
    x, y = (value[:, 0] + grid.pad) * grid.scale, (value[:, 1] + grid.pad) * grid.scale
    steps = torch.arange(width, device=items.device)
    column = (x - width / 2).round().long()[:, None] + steps
    row = (y - width / 2).round().long()[:, None] + steps
    dx, dy = (column + 0.5 - x[:, None]) / grid.scale, (row + 0.5 - y[:, None]) / grid.scale
    distance = torch.hypot(dx[:, None, :], dy[:, :, None])
    inside = ((column >= 0) & (column < side))[:, None, :] & ((row >= 0) & (row < side))[:, :, None]
    k, r, c = torch.nonzero(inside & (distance < half), as_tuple=True)
    where = (image[k] * side + row[k, r]) * side + column[k, c]
    return _Found(where, (image * items.shape[1] + which)[k], r, c, distance[k, r, c], value[k])
