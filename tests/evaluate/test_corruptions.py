"""What goes wrong with images: five strengths each, worse and worse, the same for the same seed."""

import numpy as np
import pytest

from twincell.evaluate.corruptions import CORRUPTIONS, OTHER, Corruption
from twincell.simulate import synthesise


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    drawn = synthesise("optics-bf", 4, seed=8).images[:, 0]
    return (drawn * 255).round().byte().numpy()


@pytest.mark.parametrize("corruption", [*CORRUPTIONS, OTHER], ids=lambda c: c.name)
def test_every_corruption_has_five_strengths_of_like_images(
    corruption: Corruption, images: np.ndarray
) -> None:
    assert len(set(corruption.strengths)) == 5
    before = images.copy()
    for strength in corruption.strengths:
        found = corruption(images, strength, seed=1)
        assert found.dtype == np.uint8
        assert len(found) == len(images)
        assert found.shape[1] == found.shape[2]
        assert (found.shape == images.shape) == ("times the size" not in corruption.unit)
        assert np.array_equal(found, corruption(images, strength, seed=1))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", ["blur", "defocus", "noise", "JPEG", "dirt", "less contrast"])
def test_stronger_is_worse(name: str, images: np.ndarray) -> None:
    corruption = next(one for one in CORRUPTIONS if one.name == name)
    away = [np.abs(corruption(images, s).astype(float) - images).mean() for s in corruption.strengths]
    assert np.all(np.diff(away) > 0)


def test_the_focus_is_lost_from_the_first_image_to_the_last(images: np.ndarray) -> None:
    drift = next(one for one in CORRUPTIONS if one.name == "focus drift")
    found = drift(np.repeat(images[:1], 5, 0), 3.0)
    sharp = np.abs(np.diff(found.astype(float), axis=2)).mean((1, 2))
    assert np.all(np.diff(sharp) < 0)
    assert np.array_equal(found[0], images[0])


def test_sizes_and_negatives_are_what_they_say(images: np.ndarray) -> None:
    by_name = {one.name: one for one in CORRUPTIONS}
    assert by_name["larger"](images, 1.5).shape == (4, 192, 192)
    assert by_name["smaller"](images, 0.5).shape == (4, 64, 64)
    assert np.array_equal(by_name["inverted"](images, 1.0), 255 - images)
    assert by_name["empty"].empty
    assert by_name["empty"](images, 0.0).std((1, 2)).max() == 0
