"""Surroundings of other labs: the ruled lines of a counting chamber, the rim of a droplet or well."""

import math

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.render.settings import WallLook
from twincell.simulate.render.texture import bell
from twincell.simulate.scene.scene import SIZE

RULES = 6
"""Most lines of an image."""
TURNED = 0.3
"""Share of images whose lines run at any angle; those of the others are nearly upright."""
PAIRED = 0.5
"""Share of images whose lines come in pairs."""
ENDING = 0.4
"""Share of lines that end or begin inside of the image."""


def ruled(look: WallLook, draws: Draws) -> Tensor:
    """(N, 128, 128) relative brightness of straight lines, each dark or light with seams of the other kind.

    `line`, `width` and `side` are those of a line; `rules` limits their number; `streaks` is the share of
    images with a wide, blurred dark band across (a hair far out of focus).
    """
    slant = draws.uniform("rules.slant", low=-0.04, high=0.04)
    turned = draws.bernoulli("rules.turned", TURNED)
    slant = torch.where(turned, draws.uniform("rules.turn", low=-0.8, high=0.8), slant)
    axis = torch.arange(SIZE, device=draws.device) + 0.5 - SIZE / 2
    cos, sin = slant.cos()[:, None, None], slant.sin()[:, None, None]
    x, y = cos * axis + sin * axis[:, None], cos * axis[:, None] - sin * axis

    number = draws.between("rules.number", look.rules, 1)
    there = torch.arange(RULES, device=draws.device) < number
    upright = draws.bernoulli("rules.upright", 0.5, RULES)
    place = draws.uniform("rules.place", RULES, low=-0.6 * SIZE, high=0.6 * SIZE)
    start = draws.uniform("rules.start", RULES, low=-0.5 * SIZE, high=0.5 * SIZE)
    ends = draws.bernoulli("rules.ends", ENDING, RULES)
    ahead = draws.bernoulli("rules.ahead", 0.5, RULES)
    paired = draws.bernoulli("rules.paired", PAIRED, 1)
    gap = draws.uniform("rules.gap", 1, low=2.5, high=9.0)
    for values, beside in ((upright, 0.0), (place, gap), (start, 0.0), (ends, 0.0), (ahead, 0.0)):
        first = values[:, 0::2]
        values[:, 1::2] = torch.where(paired, first + beside, values[:, 1::2]).to(values.dtype)
    dark = draws.between("rules.dark", look.line, 1).expand(-1, RULES)
    fades = draws.uniform("rules.fades", RULES, low=0.3, high=1.0)
    width = draws.between("rules.width", look.width, 1) * draws.uniform(
        "rules.widths", RULES, low=0.7, high=1.4
    )
    sides = draws.between("rules.sides", look.side, RULES, 2) * dark.sign()[..., None]

    seen = torch.zeros(len(draws.ids), SIZE, SIZE, device=draws.device)
    for k in range(RULES):
        own = [v[:, k, None, None] for v in (upright, place, start, ends, ahead, there, width)]
        up, at, begin, ending, forward, shown, w = own
        across = torch.where(up, x, y) - at
        along = (torch.where(up, y, x) - begin) * torch.where(forward, 1.0, -1.0)
        reach = torch.where(ending, torch.sigmoid(2 * along), torch.ones_like(along)) * shown
        left, right = sides[:, k, 0, None, None], sides[:, k, 1, None, None]
        seams = left * bell((across + 1.9 * w) / (0.8 * w)) + right * bell((across - 1.9 * w) / (0.8 * w))
        core = dark[:, k, None, None] * bell(across / w)
        seen = seen + reach * fades[:, k, None, None] * (seams - core)
    return seen - _streak(look, draws, x, y)


def _streak(look: WallLook, draws: Draws, x: Tensor, y: Tensor) -> Tensor:
    """(N, 128, 128) share of the light that a wide, bent, blurred band takes; 0 in most images."""
    there = draws.bernoulli("streak.there", look.streaks)[:, None, None]
    turn = draws.uniform("streak.turn", low=-1.5, high=1.5)[:, None, None]
    bend = draws.uniform("streak.bend", low=-0.004, high=0.004)[:, None, None]
    u, v = turn.cos() * x + turn.sin() * y, turn.cos() * y - turn.sin() * x
    at = draws.uniform("streak.at", low=-0.5 * SIZE, high=0.5 * SIZE)[:, None, None]
    width = draws.uniform("streak.width", low=4.0, high=12.0)[:, None, None]
    end = torch.sigmoid((v - draws.uniform("streak.end", low=-SIZE, high=0.3 * SIZE)[:, None, None]) / 3)
    power = draws.uniform("streak.power", low=0.1, high=0.5)[:, None, None]
    return there * power * end * bell((u - at - bend * v * v) / width)


def droplets(look: WallLook, draws: Draws, box: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(N, H, W) px to the nearest rim of the droplet in `box` and, where packed, of its neighbours.

    Args:
        box: (N, 4) left, top, right, bottom of a square round the droplet, px.
        x, y: (N, H, W) px.
    """
    middle, radius = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2] - box[:, 0])[:, None, None] / 2
    packed = draws.bernoulli("drop.packed", look.packed)[:, None, None]
    apart = 2 * radius + draws.uniform("drop.gap", low=0.0, high=10.0)[:, None, None]
    turn = draws.uniform("drop.turn", high=math.pi / 3)[:, None, None]
    dx, dy = x - middle[:, 0, None, None], y - middle[:, 1, None, None]
    edge = radius - torch.hypot(dx, dy)
    for k in range(6):
        angle = turn + k * math.pi / 3
        beside = radius - torch.hypot(dx - apart * angle.cos(), dy - apart * angle.sin())
        edge = torch.where(packed, torch.maximum(edge, beside), edge)
    return edge


def round_wall(look: WallLook, draws: Draws, edge: Tensor, radius: Tensor) -> Tensor:
    """(N, 128, 128) relative brightness of a droplet or well: rim, seams, lens within, other level without.

    Args:
        edge: (N, 128, 128) px to the rim, positive inside.
        radius: (N,) px, of the droplet.
    """

    def own(use: str, limits: tuple[float, float]) -> Tensor:
        return draws.between(f"drop.{use}", limits)[:, None, None]

    width = own("width", look.width)
    rim = own("line", look.line) * bell(edge / torch.where(edge > 0, width, 0.7 * width))
    seam = own("side", look.side) * bell((edge - 2.0 * width) / width)
    outer = own("outer", look.side) * bell((edge + 1.8 * width) / width)
    depth = (1 - edge / radius[:, None, None]).clamp(0, 1)
    lens = own("lens", look.lens) * (depth**2 - 0.5)
    without = own("outside", look.outside) * torch.sigmoid(-edge / 0.7)
    return (
        seam
        + outer
        - rim
        + torch.where(edge > 0, lens, 0.5 * own("lens", look.lens) * bell(edge / 4))
        + without
    )
