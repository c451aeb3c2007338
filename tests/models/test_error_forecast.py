"""What a network doubts: errors forecast from features, learned from its own images spoiled on purpose."""

import pytest
import torch

from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.models.components.error_forecast import LIMIT, MEASURES, ErrorForecast, measured
from twincell.models.density_network.network import DensityNetwork
from twincell.models.density_network.spoil import FEWEST, learn_forecast, spoiled
from twincell.simulate import synthesise


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    return synthesise("optics-bf", 20, seed=5).images


def test_it_forecasts_what_is_rarely_exceeded_where_errors_differ() -> None:
    chance = torch.Generator().manual_seed(0)
    features = torch.randn(3000, 6, generator=chance)
    usual = 0.1 + features[:, 0].clamp(min=0) ** 2  # the first feature tells, beyond a point
    errors = usual * torch.rand(3000, generator=chance) * 2
    forecast = ErrorForecast(6)
    assert (forecast(features) == 0).all()
    forecast.learn(features[:2000], errors[:2000])
    expected = forecast(features[2000:]) * LIMIT
    assert 0.74 <= float((errors[2000:] <= expected).float().mean()) <= 0.86
    assert float(torch.corrcoef(torch.stack([expected, usual[2000:]]))[0, 1]) > 0.85


def test_the_same_images_teach_the_same_and_leave_chance_alone() -> None:
    features, errors = torch.rand(64, 4), torch.rand(64)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = ErrorForecast(4), ErrorForecast(4)
    one.learn(features, errors)
    with torch.inference_mode():  # as training's end has it
        two.learn(features.clone(), errors.clone())
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    torch.manual_seed(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert not list(one.parameters())  # a counter's training must not move it


def test_measures_follow_blur_noise_and_brightness(drawn: torch.Tensor) -> None:
    plain = measured(drawn)
    assert plain.shape == (20, MEASURES)
    soft = measured(torch.nn.functional.avg_pool2d(drawn, 3, 1, 1, count_include_pad=False))
    assert (soft[:, 2] < plain[:, 2]).all()  # the finest octave
    rough = measured((drawn + 0.1 * torch.randn(drawn.shape)).clamp(0, 1))
    assert (rough[:, 2] > plain[:, 2]).all()
    assert (measured(drawn * 3).clamp(max=9)[:, 1] > plain[:, 1]).any()  # cut off at white


def test_spoiled_images_are_images(drawn: torch.Tensor) -> None:
    found = spoiled(drawn, torch.Generator().manual_seed(1))
    assert found.shape == drawn.shape
    assert found.isfinite().all()
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert torch.equal(found, spoiled(drawn, torch.Generator().manual_seed(1)))
    assert not torch.equal(found, spoiled(drawn, torch.Generator().manual_seed(2)))


def test_too_few_images_and_networks_without_doubts_learn_nothing(drawn: torch.Tensor) -> None:
    sure, unsure = (DensityNetwork(8, 1, doubts=doubts).eval() for doubts in (False, True))
    learn_forecast(sure, drawn)
    assert sure.forecast is None
    assert unsure.forecast is not None
    learn_forecast(unsure, drawn[: FEWEST - 1])
    assert float(unsure.forecast(unsure.look(drawn[:2]).features).detach().abs().max()) == 0
    assert not [name for name in sure.state_dict() if name.startswith("forecast.")]


def test_models_of_the_first_release_load_without_doubts() -> None:
    method = METHODS["density_network"]
    settings = method.settings_class.model_validate({"network": {"width": 8}})
    assert method.build(settings).forecast is None
    assert load_model("chambers").network.forecast is None
