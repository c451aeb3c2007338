"""Backgrounds hold no cells: seen over time where cells move, filled in where they rest, else none."""

import pytest
import torch
from torch import Tensor

from helpers.adaptation_toys import SIDE, spots
from twincell.simulate.clean_backgrounds import background, clean_backgrounds, fill


def seen(images: Tensor) -> Tensor:
    """What the toy counter finds in images as they are."""
    with torch.no_grad():
        return ((images - 0.5) * 3).clamp(0, 1).unfold(2, 4, 4).unfold(3, 4, 4).sum((4, 5)) / SIDE**2


def blind(images: Tensor) -> Tensor:
    return seen(images) * 0


def moving(frames: int) -> Tensor:
    return torch.stack([spots(3, seed)[0] for seed in range(frames)])


def resting(frames: int) -> Tensor:
    return torch.stack([spots(3, 1)[0]] * frames)


def bright(image: Tensor) -> float:
    """Share of the pixels that look like a cell."""
    return float((image > 0.4).float().mean())


def test_cells_that_move_leave_their_background_to_time():
    made = background(moving(30), seen)
    assert made is not None
    assert made.how == "time"
    assert bright(made.image) == 0


@pytest.mark.parametrize("frames", [1, 30])
def test_single_images_and_resting_cells_are_filled_in(frames: int):
    images = resting(frames)
    assert bright(images.median(0).values) > 0.04  # the median keeps them
    made = background(images, seen)
    assert made is not None
    assert made.how == "filled"
    assert bright(made.image) == 0
    assert (made.image - 0.1).abs().max() < 0.05


def test_few_frames_of_moving_cells_are_not_trusted():
    made = background(moving(6), seen)
    assert made is not None
    assert made.how == "filled"


def test_a_full_chamber_shows_no_background():
    full = spots(45, 2)[0][None]
    assert background(full, seen) is None
    assert background(full.expand(30, -1, -1, -1), seen) is None


def test_a_network_that_misses_what_a_person_counted_is_not_asked_where_cells_are():
    images = resting(30)
    assert background(images, blind, torch.full((30,), 3.0)) is None
    marked = background(images, blind, torch.full((30,), 3.0), [spots(3, 1)[1]] + [None] * 29)
    assert marked is not None
    assert bright(marked.image) == 0


def test_every_chamber_gets_its_own_or_none():
    images = torch.cat([moving(25), spots(45, 2)[0][None]])
    made = clean_backgrounds(images, ["a"] * 25 + ["full"], seen)
    assert set(made) == {"a"}


def test_filling_keeps_what_is_seen_and_follows_the_lamp():
    slope = torch.linspace(0.2, 0.6, 64).expand(64, 64)[None]
    hidden = torch.zeros(64, 64, dtype=torch.bool)
    hidden[20 : 20 + 2 * SIDE, 30 : 30 + 2 * SIDE] = True
    damaged = slope.clone()
    damaged[:, hidden] = 1.0
    filled = fill(damaged, hidden)
    assert torch.equal(filled[:, ~hidden], damaged[:, ~hidden])
    assert (filled - slope)[:, hidden].abs().max() < 0.06
