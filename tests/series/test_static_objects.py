"""Dirt that stands still is taken off; cells that move are not."""

import numpy as np
import pytest

from twincell.series.smoothing.static_objects import LEAST_FRAMES, static_density, without_static


def recording(frames: int, dirt: float, seed: int = 0) -> np.ndarray:
    """Maps with one moving cell, and `dirt` cells in one place throughout."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((frames, 16, 16))
    for picture in maps:
        y, x = rng.integers(0, 16, 2)
        picture[y, x] += 1.0
        picture[3, 5] += dirt
    return maps


@pytest.mark.parametrize("dirt", [0.0, 0.8])
def test_only_what_stands_still_is_taken_off(dirt: float) -> None:
    maps = recording(300, dirt)
    counts = maps.sum((1, 2))
    np.testing.assert_allclose(without_static(counts, maps), counts - dirt, atol=1e-9)
    assert static_density(maps).sum() == pytest.approx(dirt)


def test_a_short_recording_is_left_alone() -> None:
    maps = recording(LEAST_FRAMES - 1, 0.8)
    np.testing.assert_array_equal(without_static(maps.sum((1, 2)), maps), maps.sum((1, 2)))


def test_a_few_bad_frames_do_not_hide_dirt_and_counts_stay_positive() -> None:
    maps = recording(400, 0.8)
    maps[:3] = 0
    counts = maps.sum((1, 2))
    corrected = without_static(counts, maps)
    assert corrected.min() == 0
    np.testing.assert_allclose(corrected[3:], counts[3:] - 0.8, atol=1e-9)
