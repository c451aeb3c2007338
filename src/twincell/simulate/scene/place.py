"""Where cells lie: one after another, each tried at several places at once, for the whole batch together."""

import math

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.discs import into_disc, is_disc, within_disc
from twincell.simulate.scene.doors import through_doors
from twincell.simulate.scene.scene import SIZE, Chamber
from twincell.simulate.scene.settings import PlaceSettings

_FAR = 1e4
"""px, a distance that never touches."""


def place(
    settings: PlaceSettings,
    draws: Draws,
    chamber: Chamber,
    present: Tensor,
    radius: Tensor,
    fusing: Tensor | None = None,
    petal: Tensor | None = None,
    visitors: int = 0,
    within: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the cells of N chambers.

    A cell is tried at `tries` places: beside an earlier cell with probability `touching`, else in the open,
    near the crowd's centre where the chamber has one. The first place that keeps the overlap limit wins.
    Where none does, the roomiest is taken and the cell is drawn as much smaller as needed, down to `smallest`
    of its size: the count is never cut.

    Args:
        present: (N, S) bool; radius: (N, S) wanted radii, px.
        fusing: (N,) bool, chambers whose neighbours lie as near as `fused_squeeze` lets them; None = nowhere.
        petal: (N, S) bool, cells that gather round the first one; None = none.
        visitors: so many last cells do not count, and lie in doors.
        within: (N, S, 2) px by which the corners at the upper left and the lower right of where each cell's
            middle may lie are moved; None = not at all.

    Returns:
        x, y, radius, each (N, S), px.
    """
    n, slots = present.shape
    tries, counted = settings.tries, slots - visitors
    low, high = _bounds(settings, draws, chamber)
    free_x, free_y = _open_places(settings, draws, chamber, low, high, slots, counted)
    if within is not None:
        free_x, free_y = (
            _narrowed(free, low[:, i], high[:, i], within[0][..., i], within[1][..., i])
            for i, free in enumerate((free_x, free_y))
        )
    angle = draws.uniform("place.angle", slots, tries, high=2 * math.pi)
    squeeze = draws.between("place.squeeze", settings.squeeze, slots, 1)
    tightest = torch.full((n, 1), min(settings.squeeze), device=present.device)
    if fusing is not None:
        fused = draws.between("place.fused-squeeze", settings.fused_squeeze, slots, 1)
        squeeze = torch.where(fusing[:, None, None], fused, squeeze)
        tightest = torch.where(fusing[:, None], min(settings.fused_squeeze), tightest)
    which = draws.uniform("place.which", slots, tries)
    beside = draws.bernoulli("place.beside", settings.touching, slots, tries)
    if petal is not None:
        which = torch.where(petal[..., None], 0.0, which)
        beside = beside | petal[..., None]
    beside[:, counted:] = False

    disc = is_disc(chamber)
    x = torch.full((n, slots), -_FAR, device=present.device)
    y = x.clone()
    size = radius.clone()
    # Among good places, the first wins.
    earlier = torch.arange(tries, 0, -1, device=present.device, dtype=x.dtype)
    for slot in range(slots):
        try_x, try_y = free_x[:, slot], free_y[:, slot]
        keep = settings.keep_in * radius[:, slot, None]
        least = torch.maximum(low, chamber.box[:, :2] + keep)
        most = torch.minimum(high, chamber.box[:, 2:] - keep)
        if settings.keep_in > 0:
            indoors = _within(try_x, try_y, low, high)  # places in a door stay
            try_x = torch.where(indoors, try_x.clamp(least[:, :1], most[:, :1]), try_x)
            try_y = torch.where(indoors, try_y.clamp(least[:, 1:], most[:, 1:]), try_y)
        if slot and (settings.touching > 0 or petal is not None):
            other = (which[:, slot] * slot).long()
            reach = (radius[:, slot, None] + size.gather(1, other)) * squeeze[:, slot]
            near_x = x.gather(1, other) + reach * angle[:, slot].cos()
            near_y = y.gather(1, other) + reach * angle[:, slot].sin()
            use = beside[:, slot] & _within(near_x, near_y, least, most)
            if bool(disc.any()):
                use = use & (within_disc(near_x, near_y, low, high) | ~disc[:, None])
            try_x, try_y = torch.where(use, near_x, try_x), torch.where(use, near_y, try_y)
        if slot:
            own, others = radius[:, slot, None], size[:, :slot]
            nearest = (own + others) * tightest - settings.overlap
            room = _room(try_x, try_y, x[:, :slot], y[:, :slot], nearest)
        else:
            room = torch.zeros_like(try_x)
        best = torch.where(room >= -1e-3, earlier, room).argmax(1, keepdim=True)
        lack = (-room.gather(1, best)[:, 0]).clamp(min=0)
        # The limit is on (r1 + r2) * least squeeze - overlap, so a lack of distance is a larger lack of
        # radius.
        smallest = settings.smallest * radius[:, slot]
        size[:, slot] = torch.maximum(radius[:, slot] - lack / tightest[:, 0], smallest)
        x[:, slot] = torch.where(present[:, slot], try_x.gather(1, best)[:, 0], -_FAR)
        y[:, slot] = torch.where(present[:, slot], try_y.gather(1, best)[:, 0], -_FAR)
    return x, y, size


def _narrowed(places: Tensor, low: Tensor, high: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Places (N, S, tries) between low and high (N,), spread likewise between low + first and high + last."""
    share = (places - low[:, None, None]) / (high - low)[:, None, None]
    start = low[:, None] + first
    return start[..., None] + share * (high[:, None] + last - start)[..., None]


def _within(x: Tensor, y: Tensor, least: Tensor, most: Tensor) -> Tensor:
    """(N, tries) which places lie in the rectangles with the corners (N, 2)."""
    return (x >= least[:, :1]) & (x <= most[:, :1]) & (y >= least[:, 1:]) & (y <= most[:, 1:])


def _room(x: Tensor, y: Tensor, xs: Tensor, ys: Tensor, nearest: Tensor) -> Tensor:
    """(N, tries) px to spare beyond `nearest` (N, earlier), the least distance; negative = too near."""
    distance = torch.hypot(x[:, :, None] - xs[:, None], y[:, :, None] - ys[:, None])
    return (distance - nearest[:, None]).amin(2)


def _bounds(settings: PlaceSettings, draws: Draws, chamber: Chamber) -> tuple[Tensor, Tensor]:
    """Corners (N, 2) of the rectangle in which centres lie."""
    if settings.margins is not None:
        left, right, top, bottom = settings.margins
        corners = torch.tensor([left, top, SIZE - right, SIZE - bottom], device=draws.device)
        return corners[:2].expand(len(draws.ids), 2), corners[2:].expand(len(draws.ids), 2)
    inset = draws.between("place.inset", settings.inset)[:, None]
    return chamber.box[:, :2] + inset, chamber.box[:, 2:] - inset


def _open_places(
    s: PlaceSettings, draws: Draws, chamber: Chamber, low: Tensor, high: Tensor, slots: int, counted: int
) -> tuple[Tensor, Tensor]:
    """Places (N, S, tries) not tied to another cell: anywhere, near the crowd, or in a door of the
    chamber.
    """
    shape = (slots, s.tries)
    extent = (high - low)[:, None, None]
    low, high = low[:, None, None], high[:, None, None]
    x = low[..., 0] + draws.uniform("place.x", *shape) * extent[..., 0]
    y = low[..., 1] + draws.uniform("place.y", *shape) * extent[..., 1]
    if s.crowding > 0:
        centre = low + draws.uniform("place.crowd", 1, 1, 2) * extent
        width = draws.between("place.crowd-width", s.crowd_width, 1, 1)
        crowded = draws.bernoulli("place.crowded", s.crowding, 1, 1) & draws.bernoulli(
            "place.in-crowd", 0.8, *shape
        )
        near_x = centre[..., 0] + width * draws.normal("place.crowd-x", *shape)
        near_y = centre[..., 1] + width * draws.normal("place.crowd-y", *shape)
        # Outside the bounds, the crowd piles up at the wall, as real cells do.
        x = torch.where(crowded, near_x.clamp(low[..., 0], high[..., 0]), x)
        y = torch.where(crowded, near_y.clamp(low[..., 1], high[..., 1]), y)
    if bool(is_disc(chamber).any()):
        x, y = into_disc(chamber, x, y, low, high)
    return through_doors(s, draws, chamber, x, y, counted)
