"""The empty chamber: walls as a microscope shows them, drawn from the distance of each pixel to the
outline.
"""

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.render.settings import WallLook
from twincell.simulate.render.surfaces import droplets, round_wall, ruled
from twincell.simulate.render.texture import bell, stock, window
from twincell.simulate.scene.scene import SIZE, Chamber

SHARP = 1.3
"""px^2, defocus beyond which walls fade and the gaps of the comb shine."""
MOTTLES = (6.0, 30.0)
"""px, sizes of the patches and clouds of an empty field."""


def drawn_background(look: WallLook, chamber: Chamber, draws: Draws, defocus: Tensor) -> Tensor:
    """(N, 128, 128) brightness of the empty chambers.

    Args:
        defocus: (N,) px^2; walls out of focus get wider and brighter rims.
    """
    level = draws.between("walls.level", look.level)[:, None, None]
    if look.mottle[1] > 0:
        patchy, cloudy = stock(MOTTLES, chamber.box.device)
        cloud = window(cloudy, draws, "walls.clouds", SIZE) + window(patchy, draws, "walls.patches", SIZE)
        level = level * (1 + draws.between("walls.mottle", look.mottle)[:, None, None] * cloud)
    x, y = _coordinates(chamber)
    if look.kind == "lines":
        return level * (1 + _lines(look, chamber, draws, defocus, x, y))
    if look.kind == "plain":
        return level.expand(-1, SIZE, SIZE)
    if look.kind == "ruled":
        return level * (1 + ruled(look, draws)).clamp(min=0.05)
    if look.kind == "round":
        edge = droplets(look, draws, chamber.box, x, y)
        return level * (1 + round_wall(look, draws, edge, chamber.rounding)).clamp(min=0.05)
    return level + _glow(look, draws, channel_distance(chamber, x, y))


def _coordinates(chamber: Chamber) -> tuple[Tensor, Tensor]:
    """(N, 128, 128) x and y of the pixels' centres in the chamber's own, untilted frame."""
    axis = torch.arange(SIZE, device=chamber.box.device) + 0.5 - SIZE / 2
    cos, sin = chamber.tilt.cos()[:, None, None], chamber.tilt.sin()[:, None, None]
    return cos * axis + sin * axis[:, None] + SIZE / 2, cos * axis[:, None] - sin * axis + SIZE / 2


def _lines(look: WallLook, chamber: Chamber, draws: Draws, defocus: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Relative brightness of thin walls in bright field: a dark line between two lighter ones."""
    blur = defocus.abs()[:, None, None]
    beyond = (blur - SHARP).clamp(min=0)
    edge = pillar_distance(chamber, x, y)
    teeth = comb_distance(chamber, x, y)
    dark = draws.between("walls.line", look.line)[:, None, None] / (1 + 0.8 * beyond)
    width = draws.between("walls.width", look.width)[:, None, None] * (1 + 0.2 * blur + 0.5 * beyond)
    side = draws.between("walls.side", look.side)[:, None, None] * (0.5 + blur)

    def line(distance: Tensor) -> Tensor:
        beside = (distance.abs() - 1.8 - 0.3 * blur) / (0.8 + 0.2 * blur)
        return side * bell(beside) - dark * bell(distance / width)

    gaps = draws.between("walls.comb", look.comb)[:, None, None] * beyond * torch.sigmoid(2 * (teeth - 1))
    comb = 0.7 * line(teeth) + gaps
    return torch.where(y < chamber.box[:, 3, None, None] + 1.2, line(edge), comb)


def _glow(look: WallLook, draws: Draws, edge: Tensor) -> Tensor:
    """Brightness of deep walls in phase contrast: two bright lines and the halo that fades into the
    chamber.
    """
    bright = draws.between("walls.line", look.line)[:, None, None]
    width = draws.between("walls.width", look.width)[:, None, None]
    halo = draws.between("walls.halo", look.halo)[:, None, None]
    reach = draws.between("walls.reach", look.reach)[:, None, None]
    apart = draws.between("walls.apart", look.apart)[:, None, None]
    inner = bell(edge / width)
    outer = bell((edge + apart) / width)
    bump = bell((edge + apart + 2.6) / (1.3 * width))
    dip = bell((edge + apart / 2) / 0.7)
    fade = torch.where(edge > 0, torch.exp(-edge.clamp(min=0) / reach), bell(edge / 1.5))
    return halo * fade + bright * (0.7 * inner + 0.75 * outer + 0.15 * bump) - 0.3 * bright * dip


def pillar_distance(chamber: Chamber, x: Tensor, y: Tensor) -> Tensor:
    """(N, H, W) px to the walls of a chamber with pillars, positive inside."""
    left, top, right, bottom = (chamber.box[:, k, None, None] for k in range(4))
    foot, depth = chamber.foot[:, 0, None, None], chamber.foot[:, 1, None, None]
    main = _box(x, y, left, depth, right, bottom, chamber.rounding)
    upper = _box(x, y, left + foot, torch.full_like(top, -99.0), right - foot, depth + 9.0, chamber.rounding)
    inside = torch.maximum(main, upper)
    for k in range(chamber.pillars.shape[1]):
        centre, half, length = (chamber.pillars[:, k, i, None, None] for i in range(3))
        pillar = _box(
            x, y, centre - half, torch.full_like(half, -99.0), centre + half, length, chamber.rounding
        )
        inside = torch.where(half > 0, torch.minimum(inside, -pillar), inside)
    return inside


def comb_distance(chamber: Chamber, x: Tensor, y: Tensor) -> Tensor:
    """(N, H, W) px to the sides of the comb's teeth below the chamber, positive between them; else -99."""
    pitch, phase, length = (chamber.comb[:, k, None, None] for k in range(3))
    left, right, bottom = (chamber.box[:, k, None, None] for k in (0, 2, 3))
    along = (x - left + phase) / pitch.clamp(min=0.1)
    along = (along - along.floor()) * pitch
    tooth = 0.34 * pitch
    between = torch.minimum(along - tooth, pitch - along)
    distance = torch.where(along < tooth, -torch.minimum(along, tooth - along), between)
    there = (x > left) & (x < right) & (y > bottom) & (y < bottom + length) & (pitch > 0)
    return torch.where(there, distance, torch.full_like(distance, -99.0))


def channel_distance(chamber: Chamber, x: Tensor, y: Tensor) -> Tensor:
    """(N, H, W) px to the walls of a chamber with channels, positive inside."""
    left, top, right, bottom = (chamber.box[:, k, None, None] for k in range(4))
    inside = _box(x, y, left, top, right, bottom, chamber.rounding)
    upper, lower = chamber.channel[:, :2, None, None], chamber.channel[:, 2:, None, None]
    half = torch.where(y < (top + bottom) / 2, upper[:, 1], lower[:, 1])
    centre = torch.where(y < (top + bottom) / 2, upper[:, 0], lower[:, 0])
    channel = torch.where(half > 0, half - (x - centre).abs(), torch.full_like(x, -99.0))
    # A smooth maximum rounds the corners where the channel meets the chamber.
    round_ = 1.0 + chamber.rounding[:, None, None]
    share = (0.5 + 0.5 * (channel - inside) / round_).clamp(0, 1)
    return inside + share * (channel - inside) + round_ * share * (1 - share)


def _box(
    x: Tensor, y: Tensor, left: Tensor, top: Tensor, right: Tensor, bottom: Tensor, rounding: Tensor
) -> Tensor:
    """Px to the border of a box with rounded corners, positive inside."""
    r = rounding[:, None, None]
    qx = (x - (left + right) / 2).abs() - (right - left) / 2 + r
    qy = (y - (top + bottom) / 2).abs() - (bottom - top) / 2 + r
    outside = torch.hypot(qx.clamp(min=0), qy.clamp(min=0))
    return r - outside - torch.maximum(qx, qy).clamp(max=0)
