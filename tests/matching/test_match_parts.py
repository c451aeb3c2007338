"""Statistics, distances and weights, each against what they should say of images made for it."""

import numpy as np
import pytest
import torch

from twincell.matching.distance import distance, floor, units
from twincell.matching.images import cut
from twincell.matching.posterior import Posterior, weigh
from twincell.matching.priors import STARTS, broad, drawn_as, get
from twincell.matching.rings import REACH, rings
from twincell.matching.statistics import Statistics
from twincell.simulate.presets import load_preset
from twincell.simulate.synthesise import synthesise, synthesise_noted


def test_rings_follow_a_disc_out_from_where_the_network_sees_it() -> None:
    axis = torch.arange(64) + 0.5
    far = torch.hypot(axis - 30.0, axis[:, None] - 34.0)
    seen = (far < 5).float()[None, None]
    density = torch.zeros(1, 1, 16, 16)
    density[0, 0, 8, 7] = 1.0  # x 28 .. 32, y 32 .. 36
    found = rings(seen, density)[0]
    assert found[:4].min() > 0.95
    assert found[7:REACH].max() < 0.05
    assert rings(seen, 0 * density).abs().max() == 0


def test_the_distance_is_the_shift_in_units_of_the_spread() -> None:
    values = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    real = Statistics(values, ("a", "b"))
    moved = Statistics(values + torch.tensor([0.0, 3.0]), ("a", "b"))
    found = distance(real, moved, torch.tensor([1.0, 2.0]))
    assert found.groups == pytest.approx({"a": 0.0, "b": 1.5}, abs=1e-5)
    assert found.total == pytest.approx(0.75)
    assert floor(real, units(real)).total < 0.2


def test_the_forest_finds_the_setting_that_made_an_image() -> None:
    chance = np.random.default_rng(0)
    setting, other = chance.uniform(size=(2, 800, 1))
    seen = [setting**2, 1 - setting, other, chance.normal(size=(800, 1))]
    drawn = np.concatenate([column + 0.02 * chance.normal(size=(800, 1)) for column in seen], 1)
    real = np.array([[0.25, 0.5, 0.3, 0.0], [0.81, 0.1, 0.3, 0.0]])
    posterior = weigh(drawn, np.concatenate([setting, other], 1), real, seed=0, importance=np.array([2.0, 1]))
    assert posterior.weights.sum(1) == pytest.approx([1, 1])
    assert posterior.means(setting[:, 0]) == pytest.approx([0.5, 0.9], abs=0.1)
    assert posterior.means(other[:, 0]) == pytest.approx([0.3, 0.3], abs=0.15)


def test_quantiles_and_histogram_weigh_by_likeness() -> None:
    posterior = Posterior(np.array([[0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0]]))
    values = np.array([1.0, 3.0, 2.0, 9.0])
    assert posterior.quantiles(values, (0.1, 0.6, 1.0)) == [1.0, 2.0, 3.0]
    assert posterior.histogram(values, 4).tolist() == [0, 0.5, 0.25, 0.25, 0]
    assert posterior.mean(values) == 1.75


def test_noted_draws_are_the_images_own_settings() -> None:
    preset = load_preset("ruled-bf")
    made, noted = synthesise_noted(preset, seed=4, block=1)
    assert torch.equal(made.images, synthesise(preset, 16, 4, start=16).images)
    for key in ("scene.cells.radius", "look.defocus", "look.camera.gain", "look.walls.rules"):
        low, high = get(preset, key)
        values = noted[drawn_as(preset, key)]
        assert values.shape == (16,)
        assert low <= float(values.min()) <= float(values.max()) <= high
        assert float(values.std()) > 0.1 * (high - low)


@pytest.mark.parametrize("name", STARTS)
def test_every_setting_that_is_fitted_is_drawn(name: str) -> None:
    prior = broad(load_preset(name), (2.0, 5.0), 12, (0.3, 0.4), (0.001, 0.01))
    _, noted = synthesise_noted(prior.preset, seed=0, block=0)
    missing = {key for key in prior.own if drawn_as(prior.preset, key) not in noted}
    assert missing == set()


def test_windows_lie_side_by_side_in_the_middle() -> None:
    image = torch.arange(100.0 * 70).reshape(1, 100, 70)
    windows = cut(image, 32)
    assert windows.shape == (6, 1, 32, 32)
    assert torch.equal(windows[1, 0], image[0, 2:34, 35:67])
