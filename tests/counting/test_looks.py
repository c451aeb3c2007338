"""How often each image is looked at is the user's to say."""

from dataclasses import replace

import pytest
import torch

from twincell.counting import CountOptions
from twincell.errors import UserError
from twincell.models.base.file import load_model
from twincell.simulate import synthesise


def test_several_looks_are_the_mean_of_turned_images() -> None:
    model, images = load_model("any"), synthesise("optics-bf", 2, seed=5).images
    one, two, four = (replace(model, looks=looks).predict(images).count for looks in (1, 2, 4))
    turned = [replace(model, looks=1).predict(images.flip(axes)).count for axes in [(-2, -1), (-1,), (-2,)]]
    torch.testing.assert_close(two, torch.stack([one, turned[0]]).mean(0))
    torch.testing.assert_close(four, torch.stack([one, *turned]).mean(0))
    torch.testing.assert_close(model.predict(images).count, four)  # as the model's card says
    assert float((one - two).abs().max()) > 0


def test_other_numbers_of_looks_are_refused() -> None:
    with pytest.raises(UserError, match="looks 3: give 1, 2 or 4"):
        CountOptions(looks=3)
