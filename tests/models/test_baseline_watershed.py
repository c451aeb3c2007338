"""Watershed: drawn discs are counted exactly, the search finds their rule, the real command fits it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from helpers.baseline_toys import trained, twice_the_same
from twincell.models.watershed.network import Watershed
from twincell.models.watershed.search import anywhere, nearby, search
from twincell.models.watershed.segment import Rule, count, response, segment

RULE = Rule("bright", sigma=1.0, threshold=0.15, distance=4, area=30.0, margin=0)


def discs(places: list[tuple[float, float, float]], inside: float = 0.8) -> NDArray[np.float32]:
    """(128, 128) in [0, 1]: discs at (x, y) of a radius, all in pixels, on a field of 0.3."""
    y, x = np.mgrid[:128, :128] + 0.5
    image = np.full((128, 128), 0.3, np.float32)
    for cx, cy, radius in places:
        image[(x - cx) ** 2 + (y - cy) ** 2 <= radius**2] = inside
    return image


def scattered(cells: int, seed: int) -> NDArray[np.float32]:
    """`cells` discs of radius 5-8 on a jittered grid: none touches another."""
    rng = np.random.default_rng(seed)
    grid = [(x, y) for x in range(16, 128, 24) for y in range(16, 128, 24)]
    chosen = rng.permutation(len(grid))[:cells]
    return discs([(*(np.array(grid[i]) + rng.uniform(-3, 3, 2)), rng.uniform(5, 8)) for i in chosen])


@pytest.mark.parametrize("cells", [0, 1, 4, 9, 25])
def test_discs_are_counted_exactly(cells: int) -> None:
    assert count(scattered(cells, seed=cells), RULE) == cells


def test_touching_discs_are_cut_apart_and_dirt_is_left_out() -> None:
    image = discs([(40, 64, 9), (55, 64, 9), (70, 64, 9), (20, 20, 2)])
    assert count(image, RULE) == 3
    labels = segment(image, RULE)
    assert len({int(labels[64, x]) for x in (40, 55, 70)}) == 3
    assert count(image, Rule("bright", 1.0, 0.1, 4, 1.0, 0)) == 4


def test_dark_discs_and_the_margin() -> None:
    image = discs([(30, 30, 7), (90, 90, 7), (5, 64, 4)], inside=0.1)
    assert count(image, Rule("dark", 1.0, 0.06, 4, 30.0, 0)) == 3
    assert count(image, Rule("dark", 1.0, 0.06, 4, 30.0, 12)) == 2
    assert count(image, RULE) == 0


def test_grain_responds_to_texture_alone() -> None:
    rng = np.random.default_rng(0)
    image = np.full((128, 128), 0.5, np.float32)
    image[50:70, 50:70] += rng.normal(0, 0.1, (20, 20)).astype(np.float32)
    image[90:110, 90:110] = 0.7
    found = response(image, "grain", 1.5)
    assert found[60, 60] > 5 * found[100, 100]


def test_the_search_finds_a_rule_for_discs_and_repeats() -> None:
    images = [scattered(n, seed=100 + n) for n in range(1, 13)]
    counts = np.arange(1, 13, dtype=np.float64)
    found = search(images, counts, seed=0, tries=40)
    assert found.mae <= 0.25
    assert found == search(images, counts, seed=0, tries=40)
    errors = [abs(count(image, found.rule) - n) for image, n in zip(images, counts, strict=True)]
    assert found.mae == pytest.approx(np.mean(errors))


def test_candidates_stay_within_their_bounds() -> None:
    rng = np.random.default_rng(0)
    rules = [anywhere(rng) for _ in range(50)]
    for rule in rules + [nearby(rule, rng, reach=1.0) for rule in rules]:
        assert 2 <= rule.distance <= 10
        assert 0 <= rule.margin <= 20
        assert 0.004 <= rule.threshold <= 0.2


def test_the_rule_survives_the_network() -> None:
    network = Watershed()
    network.rule = Rule("grain", 1.2345678901234, 0.017, 7, 33.3, 5)
    other = Watershed()
    other.load_state_dict(network.state_dict())
    assert other.rule == network.rule
    network.rule = RULE
    images = torch.from_numpy(np.stack([scattered(n, n) for n in (3, 8)]))[:, None]
    assert network(images).tolist() == [3, 8]


def test_the_command_tunes_it_and_its_file_counts_the_same(toys: Path, tmp_path: Path) -> None:
    card = trained(toys, tmp_path, "watershed", "--steps", "12")
    assert card.steps == 12
    assert card.metrics["tuned"]["mae"] >= 0
    twice_the_same(toys, tmp_path)
