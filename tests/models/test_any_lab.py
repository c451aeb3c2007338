"""The model for any lab: it says how large cells are, and counts at any magnification, contrast and size."""

import numpy as np
import pytest
import torch
from torch import Tensor

from twincell.data.image_spec import ImageSpec
from twincell.models.base.file import LoadedModel, load_model
from twincell.models.density_network.scale import AS_IT_IS, FRAMED, RIM, scaled
from twincell.models.density_network.settings import SCALED_TO
from twincell.simulate import Rendered, synthesise


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("any")


@pytest.fixture(scope="module")
def field() -> Rendered:
    return synthesise("open-bf", 32, seed=11)


def as_bytes(images: Tensor) -> list[np.ndarray]:
    return list((images[:, 0] * 255).round().to(torch.uint8).numpy())


def error(model: LoadedModel, drawn: Rendered, images: Tensor, diameter: float | None = None) -> float:
    found = model.predict(images, spec=None if diameter is None else floats(diameter))
    return float((found.count - drawn.counts).abs().mean())


def floats(diameter: float) -> ImageSpec:
    return ImageSpec(dtype="float32", range=(0, 1), cell_diameter_px=diameter)


def test_images_with_nominal_cells_are_left_alone(model: LoadedModel) -> None:
    assert model.card.image.cell_diameter_px == SCALED_TO
    assert model.spec_for(None) is None
    assert model.spec_for(AS_IT_IS[0]) is None
    assert model.spec_for(AS_IT_IS[1]) is None
    assert model.spec_for(FRAMED[1]) is not None
    assert model.spec_for(FRAMED[1], model.card.view) is None
    large = model.spec_for(40.0, model.card.view)
    assert large is not None
    assert large.magnification_to(model.card.image) == SCALED_TO / 40


def test_scaling_keeps_what_is_there_and_pads_to_eight() -> None:
    images = torch.rand(2, 1, 100, 60, generator=torch.Generator().manual_seed(0))
    assert scaled(images, 1.0).shape == (2, 1, 104, 64)
    assert torch.equal(scaled(images, 1.0)[..., :100, :60], images)
    half = scaled(images, 0.5)
    assert half.shape == (2, 1, 56, 32)
    assert abs(float(half[..., :50, :30].mean() - images.mean())) < 0.01


@pytest.mark.parametrize("preset", ["open-bf", "open-pc", "ruled-bf", "drops-bf", "large-bf", "crowd-bf"])
def test_the_diameter_is_found(model: LoadedModel, preset: str) -> None:
    drawn = synthesise(preset, 12, seed=21)
    truth = float(RIM * 2 * drawn.radii.log().nanmean(1).exp().log().nanmean().exp())
    found = model.diameter(as_bytes(drawn.images))
    assert found is not None
    assert 0.7 < found / truth < 1.4


def test_images_twice_as_large_have_cells_twice_as_large(model: LoadedModel, field: Rendered) -> None:
    whole = model.diameter(as_bytes(field.images))
    double = model.diameter(as_bytes(scaled(field.images, 2.0)))
    assert whole is not None
    assert double is not None
    assert 1.6 < double / whole < 2.5


def test_counts_hold_at_three_times_the_size(model: LoadedModel, field: Rendered) -> None:
    plain = error(model, field, field.images)
    large = scaled(field.images, 3.0)
    assert error(model, field, large, model.diameter(as_bytes(large))) < plain + 0.5
    assert error(model, field, large, 30.0) < plain + 0.5


def test_contrast_brightness_and_polarity_matter_little(model: LoadedModel, field: Rendered) -> None:
    plain = error(model, field, field.images)
    for changed in ((field.images - 0.5) / 4 + 0.5, field.images * 0.5, 1 - field.images):
        assert error(model, field, changed) < plain + 1.2  # of 8 cells; the negative costs most


def test_nothing_is_found_in_an_empty_field(model: LoadedModel) -> None:
    noise = 0.5 + 0.01 * torch.randn(2, 1, 150, 230, generator=torch.Generator().manual_seed(1))
    assert model.predict(noise).count.max() < 0.5
    assert model.diameter([np.full((90, 130), 100, np.uint8)]) is None


def test_models_of_one_size_measure_nothing() -> None:
    known = load_model("cho-bf")
    assert not known.measures
    assert known.diameter([np.zeros((128, 128), np.uint8)]) is None
    assert known.spec_for(20.0) is None


def test_a_wide_field_is_seen_as_a_whole(model: LoadedModel, field: Rendered) -> None:
    own = field.images[:1]
    pair = torch.cat([own, own.flip(-1)], 3)
    block = torch.cat([pair, pair.flip(-2)], 2)
    wide = block.repeat(1, 1, 2, 2)
    assert wide.shape == (1, 1, 512, 512)
    alone = float(model.predict(own).count)
    found = model.predict(wide)
    assert abs(float(found.count) - 16 * alone) < 0.2 * 16 * alone
    assert found.density is not None
    assert found.density.shape == (1, 1, 128, 128)
    sparse = torch.full((1, 1, 512, 512), float(field.images[0].median()))
    sparse[..., :128, :128] = field.images[0]
    assert abs(float(model.predict(sparse).count) - float(model.predict(field.images[:1]).count)) < 1.5
