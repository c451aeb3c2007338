"""The ways out of a chamber: gaps between pillars, channels.

People count what is in the chamber. A cell on the threshold counts; one that floats further out does not.
"""

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.scene import SIZE, Chamber
from twincell.simulate.scene.settings import MOST_VISITORS, PlaceSettings

INSIDE = 1.0
"""px a place in a door may lie inside of the chamber."""
CLEAR = 3.0
"""px between a centre and a pillar."""
WIDEST = 6.5
"""px, the radius of a cell that fits through a door."""
BEYOND = 3.0
"""px a visitor may lie out of view: its rim is still seen."""


def visitor_slots(settings: PlaceSettings) -> int:
    """How many slots of a scene are kept for cells that do not count."""
    return MOST_VISITORS if settings.visitors > 0 else 0


def visitors(settings: PlaceSettings, draws: Draws, chamber: Chamber) -> Tensor:
    """(N, `visitor_slots`) bool: cells deep in a door; none where a chamber has no door."""
    slots = visitor_slots(settings)
    has_door = (chamber.pillars[:, 0, 1] > 0) | (chamber.channel[:, 1] > 0)
    # Two chances of half the mean number each: seldom two at once, as in the recordings.
    return draws.bernoulli("doors.visitors", settings.visitors / MOST_VISITORS, slots) & has_door[:, None]


def through_doors(
    settings: PlaceSettings, draws: Draws, chamber: Chamber, x: Tensor, y: Tensor, counted: int
) -> tuple[Tensor, Tensor]:
    """Moves some places (N, S, tries) into the gaps between the pillars or into the channels.

    Args:
        counted: of the S cells, so many first ones count: a share of their places, `doors`, moves to a
            threshold. Those after them are visitors, all of whose places lie beyond.
    """
    shape = x.shape[1:]
    if settings.doors == 0 and counted == shape[0]:
        return x, y
    visiting = (torch.arange(shape[0], device=x.device) >= counted)[:, None]
    use = draws.bernoulli("place.door", settings.doors, *shape) | visiting
    across, along = draws.uniform("place.door-x", *shape), draws.uniform("place.door-y", *shape)
    box = chamber.box[:, :, None, None]

    def out(depth: Tensor, along: Tensor) -> Tensor:
        """How far from the chamber, px, in a door of `depth`: `along` from 0 to 1."""
        inner = torch.where(visiting, settings.threshold, -INSIDE)
        outer = torch.where(visiting, depth + BEYOND, settings.threshold)
        return inner + along * (outer - inner)

    has_pillars = (chamber.pillars[:, 0, 1] > 0)[:, None, None]
    gap_y = box[:, 1] - out(box[:, 1], along)
    between = use & has_pillars
    x, y = torch.where(between, _gaps(chamber, across), x), torch.where(between, gap_y, y)

    channel = chamber.channel[:, :, None, None]
    at_top = along < 0.5
    half = torch.where(at_top, channel[:, 1], channel[:, 3])
    door_x = torch.where(at_top, channel[:, 0], channel[:, 2]) + (2 * across - 1) * (half - CLEAR).clamp(
        min=0
    )
    reach = (2 * along) % 1.0
    door_y = torch.where(at_top, box[:, 1] - out(box[:, 1], reach), box[:, 3] + out(SIZE - box[:, 3], reach))
    inside = use & (half > 0)
    return torch.where(inside, door_x, x), torch.where(inside, door_y, y)


def _gaps(chamber: Chamber, across: Tensor) -> Tensor:
    """x (N, S, tries) in one of the gaps beside and between the pillars; across: from 0 to 1."""
    left, right = chamber.pillars[..., 0] - chamber.pillars[..., 1], chamber.pillars[..., :2].sum(-1)
    starts = torch.cat([chamber.box[:, :1], right], 1) + CLEAR
    ends = torch.cat([left, chamber.box[:, 2:3]], 1) - CLEAR
    gaps = starts.shape[1]
    chosen = (across * gaps).long().flatten(1)
    start, end = starts.gather(1, chosen).reshape(across.shape), ends.gather(1, chosen).reshape(across.shape)
    return start + (across * gaps % 1) * (end - start).clamp(min=0)
