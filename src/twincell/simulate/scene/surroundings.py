"""Walls and dirt of a chamber."""

import math

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.scene import SIZE, Chamber, Dirt, Scene
from twincell.simulate.scene.settings import ChamberSettings, DirtSettings

ITEMS = 8
"""Most specks, rings and debris of each kind in a chamber."""


def chamber(settings: ChamberSettings, draws: Draws) -> Chamber:
    """The walls of N chambers."""
    s, n, device = settings, len(draws.ids), draws.device
    zero = torch.zeros(n, device=device)
    channel = torch.zeros(n, 4, device=device)
    pillars = torch.zeros(n, 3, 3, device=device)
    comb = torch.zeros(n, 3, device=device)
    foot = torch.zeros(n, 2, device=device)
    left, top = draws.between("chamber.left", s.left), draws.between("chamber.top", s.top)
    right = left + draws.between("chamber.width", s.width)
    bottom = top + draws.between("chamber.height", s.height)
    if s.style == "pillars":
        # Three pillars at a quarter, half and three quarters of the upper side.
        half = draws.between("chamber.pillar-width", s.pillar_width) / 2
        depth = draws.between("chamber.pillar-depth", s.pillar_depth)
        centres = [left + (right - left) * q for q in (0.235, 0.495, 0.765)]
        pillars = torch.stack([torch.stack([c, half, depth], -1) for c in centres], 1)
        foot = torch.stack([zero + s.foot[0], depth + s.foot[1]], -1)
        teeth = (("pitch", s.comb_pitch), ("phase", s.comb_phase), ("length", s.comb_length))
        comb = torch.stack([draws.between(f"chamber.comb-{name}", limits) for name, limits in teeth], -1)
    if s.style == "channels":
        middle, half = (left + right) / 2, draws.between("chamber.channel", s.channel_width) / 2
        channel = torch.stack([middle, half, middle, half], -1)
    rounding = draws.between("chamber.rounding", s.rounding)
    if s.style == "round":
        bottom = top + (right - left)
        rounding = (right - left) / 2
    return Chamber(
        box=torch.stack([left, top, right, bottom], -1),
        tilt=draws.uniform("chamber.tilt", low=-1) * s.tilt,
        pillars=pillars,
        foot=foot,
        comb=comb,
        channel=channel,
        rounding=rounding,
    )


def dirt(settings: DirtSettings, draws: Draws) -> Dirt:
    """Specks, rings and debris of N chambers, anywhere in the image."""
    s = settings
    if s.specks + s.rings + s.debris == 0:
        return Dirt(*(torch.zeros(len(draws.ids), ITEMS, k, device=draws.device) for k in (4, 5, 4, 4)))
    bright = draws.bernoulli("dirt.bright", s.speck_bright, ITEMS)
    speck_size = draws.between("dirt.speck-radius", s.speck_radius, ITEMS)
    speck_power = draws.between("dirt.speck-strength", (0.2, 1.0), ITEMS) * torch.where(bright, 1.0, -1.0)
    ring_size = draws.between("dirt.ring-radius", s.ring_radius, ITEMS)
    ring_wave, ring_power = draws.uniform("dirt.ring-wave", ITEMS), draws.normal("dirt.ring-strength", ITEMS)
    ring_wave = ring_wave + draws.bernoulli("dirt.disc", s.discs, ITEMS)  # from 1 on: discs
    debris_size = draws.between("dirt.debris-radius", s.debris_radius, ITEMS)
    debris_power = draws.between("dirt.debris-strength", (0.3, 1.0), ITEMS)
    return Dirt(
        specks=_items(draws, "specks", s.specks, speck_size, speck_power),
        rings=_items(draws, "rings", s.rings, ring_size, ring_wave, ring_power),
        debris=_items(draws, "debris", s.debris, debris_size, debris_power),
        bubbles=torch.zeros(len(draws.ids), ITEMS, 4, device=draws.device),
    )


def bubbles(settings: DirtSettings, draws: Draws, scene: Scene) -> Tensor:
    """(N, ITEMS, 4) small blebs that sit on the outlines of some cells; those on no cell have strength 0."""
    if settings.bubbles == 0:
        return scene.dirt.bubbles
    size = draws.between("dirt.bubble-radius", settings.bubble_radius, ITEMS)
    power = draws.between("dirt.bubble-strength", (0.4, 1.0), ITEMS)
    items = _items(draws, "bubbles", settings.bubbles, size, power)
    cell = (draws.uniform("dirt.bubble-cell", ITEMS) * scene.counts[:, None]).long()
    angle = draws.uniform("dirt.bubble-angle", ITEMS, high=2 * math.pi)
    away = scene.radius.gather(1, cell) + 0.7 * size
    items[..., 0] = scene.x.gather(1, cell) + away * angle.cos()
    items[..., 1] = scene.y.gather(1, cell) + away * angle.sin()
    items[..., 3] = items[..., 3] * scene.present.gather(1, cell)
    return items


def _items(draws: Draws, kind: str, mean: float, *values: Tensor) -> Tensor:
    """(N, ITEMS, 2 + K) place and values; the last value, the strength, is 0 for items that are not there.
    Their number is binomial about the chamber's own rate, which is drawn around the given mean.
    """
    rate = draws.uniform(f"dirt.{kind}-rate", 1, high=2 * mean / ITEMS)
    there = draws.bernoulli(f"dirt.{kind}-there", rate, ITEMS)
    x = draws.uniform(f"dirt.{kind}-x", ITEMS, high=float(SIZE))
    y = draws.uniform(f"dirt.{kind}-y", ITEMS, high=float(SIZE))
    return torch.stack([x, y, *values[:-1], values[-1] * there], -1)
