"""The density network: its map, its loss against a plain restatement, its sense of the unfamiliar."""

import math

import pytest
import torch
from torch.nn import functional as F

from twincell.batches.batches import Batch
from twincell.models import METHODS
from twincell.models.base.method import Finalizing, Method
from twincell.models.components.count_calibration import PRIOR, calibrated_gain
from twincell.models.components.density_loss import density_loss
from twincell.models.components.ood_score import MARGIN, QUANTILE, OODScore
from twincell.models.density_network.network import GREY_STD, DensityNetwork, soften
from twincell.models.density_network.settings import LossSettings


@pytest.fixture
def network() -> DensityNetwork:
    torch.manual_seed(0)
    return DensityNetwork(width=8, depth=1, twin=True).eval()


def batch_of(images: torch.Tensor, natural: torch.Tensor, counts: list[float]) -> Batch:
    torch.manual_seed(1)
    density = torch.rand(len(images), 1, 32, 32) * 0.02
    density[natural] = math.nan
    return Batch(images, torch.tensor(counts), natural, torch.tensor([1.0, 0.5, 1.0, 1.0]), density)


def test_the_count_is_the_sum_of_the_map(network: DensityNetwork) -> None:
    images = torch.rand(3, 1, 128, 128)
    with torch.inference_mode():
        prediction = METHODS["density_network"].predict(network, images)
    assert prediction.density is not None
    assert prediction.density.shape == (3, 1, 32, 32)
    assert bool((prediction.density >= 0).all())
    torch.testing.assert_close(prediction.count, prediction.density.sum((1, 2, 3)))


def test_brightness_alone_changes_no_count(network: DensityNetwork) -> None:
    images = torch.rand(2, 1, 128, 128) * 0.5
    with torch.inference_mode():
        torch.testing.assert_close(network(images), network(images + 0.3), rtol=1e-3, atol=1e-5)


def test_each_origin_has_its_own_stem(network: DensityNetwork) -> None:
    images = torch.rand(2, 1, 128, 128)
    both = network(images, torch.tensor([True, False]))
    torch.testing.assert_close(both[:1], network(images[:1], torch.tensor([True])))
    torch.testing.assert_close(both[1:], network(images[1:], torch.tensor([False])))
    assert not torch.allclose(both[1:], network(images[1:], torch.tensor([True])))


def test_untouched_images_are_softened_by_1_2_1(network: DensityNetwork) -> None:
    point = torch.zeros(1, 1, 9, 9)
    point[0, 0, 4, 4] = 16.0
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    torch.testing.assert_close(soften(point)[0, 0, 3:6, 3:6], expected)
    images = torch.rand(1, 1, 16, 16)
    centred = (images - images.mean()) / GREY_STD
    torch.testing.assert_close(network.normalise(images), soften(centred))
    torch.testing.assert_close(network.train().normalise(images), centred)


def test_the_loss_is_the_sum_of_its_terms() -> None:
    natural = torch.tensor([True, True, False, False])
    batch = batch_of(torch.rand(4, 1, 128, 128), natural, [3.0, 7.0, 2.0, 12.0])
    density = torch.rand(4, 1, 32, 32) * 0.03
    settings = LossSettings(count=1.5, drawn_count=0.5, density=2.0, relative=0.1)
    loss = density_loss(density, batch, settings)

    def error(i: int) -> float:
        return float(F.smooth_l1_loss(density[i].sum(), batch.counts[i])) / (1 + 0.1 * float(batch.counts[i]))

    assert batch.density is not None
    count = 1.5 * (error(0) * 1.0 + error(1) * 0.5) / 2
    drawn = 0.5 * (error(2) + error(3)) / 2
    place = 2.0 * sum(float(((density[i] - batch.density[i]) ** 2).sum()) for i in (2, 3)) / 2
    assert float(loss.count) == pytest.approx(count, rel=1e-5)
    assert float(loss.drawn_count) == pytest.approx(drawn, rel=1e-5)
    assert float(loss.density) == pytest.approx(place, rel=1e-5)
    assert float(loss.total) == pytest.approx(count + drawn + place, rel=1e-5)


def test_unlabelled_images_carry_no_count_term() -> None:
    natural = torch.tensor([True, True, False, False])
    counts = [math.nan, math.nan, 2.0, 12.0]
    loss = density_loss(
        torch.rand(4, 1, 32, 32), batch_of(torch.rand(4, 1, 128, 128), natural, counts), LossSettings()
    )
    assert float(loss.count) == 0
    assert math.isfinite(float(loss.total))


def test_training_images_are_familiar_and_others_are_not() -> None:
    torch.manual_seed(0)
    familiarity = OODScore(4)
    known = torch.randn(500, 8) * torch.tensor([1, 2, 3, 4, 5, 6, 7, 8.0])
    familiarity.learn(known)
    distance = ((known - familiarity.centre) @ familiarity.whitening).norm(dim=1)
    assert float(torch.quantile(distance, QUANTILE)) == pytest.approx(1 / MARGIN, rel=1e-3)
    maps = torch.zeros(1, 4, 5, 5) + 50
    assert float(familiarity(maps)) > 1


def test_the_method_fulfils_its_protocols() -> None:
    assert isinstance(METHODS["density_network"], Method)
    assert isinstance(METHODS["density_network"], Finalizing)
    network = METHODS["density_network"].build(METHODS["density_network"].settings_class())
    released = [name for group in METHODS["density_network"].parts.unfreezing for name in group]
    for name in released:
        assert next(network.get_submodule(name).parameters(), None) is not None


def test_the_gain_is_that_of_a_plain_weighted_fit_drawn_towards_one() -> None:
    counts = torch.tensor([1.0, 4.0, 9.0, 20.0])
    low = counts * 0.95
    assert calibrated_gain(low.repeat(500), counts.repeat(500)) == pytest.approx(1 / 0.95, abs=2e-3)
    few = calibrated_gain(low, counts)
    assert 1.01 < few < 1 / 0.95 - 0.01, "four labels move it part of the way"
    trust = 1 / (counts + 1)
    by_hand = ((trust * low * counts).sum() + PRIOR) / ((trust * low**2).sum() + PRIOR)
    assert few == pytest.approx(float(by_hand))
    assert calibrated_gain(torch.zeros(0), torch.zeros(0)) == 1.0


def test_settling_takes_off_what_counted_images_show_as_a_whole(network: DensityNetwork) -> None:
    images = torch.rand(40, 1, 128, 128)
    method = METHODS["density_network"]
    assert isinstance(method, Finalizing)
    with torch.inference_mode():
        before = method.predict(network, images).count
        method.finalize(network, images, images[:0], torch.zeros(0))
        torch.testing.assert_close(method.predict(network, images).count, before)
        method.finalize(network, images, images, before * 1.2)
        after = method.predict(network, images)
    assert after.density is not None
    torch.testing.assert_close(after.density.sum((1, 2, 3)), after.count)
    ratio = after.count / before
    torch.testing.assert_close(ratio, ratio[:1].expand(40))
    assert 1.0 < float(ratio[0]) < 1.2
    with torch.inference_mode():
        method.finalize(network, images, images, before * 1.2)
    assert float(network.gain) > float(ratio[0]), "settled again, it starts from where it stands"
