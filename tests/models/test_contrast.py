"""An image's own contrast: the same picture in another light gives the network the same numbers."""

import torch
from torch import Tensor

from twincell.models.density_network.contrast import FAINTEST, field, own_contrast
from twincell.models.density_network.network import DensityNetwork, soften
from twincell.simulate import synthesise


def seen(images: Tensor) -> Tensor:
    """What a network that goes by the image's own contrast makes of the grey levels."""
    return DensityNetwork(contrast="own").eval().normalise(images)


def chambers() -> Tensor:
    return 0.25 + 0.5 * synthesise("optics-bf", 4, seed=2).images


def test_contrast_and_brightness_are_divided_out() -> None:
    images = chambers()
    flat = (images - 0.5) / 3 + 0.3
    assert (seen(images) - seen(flat)).abs().max() < 0.02


def test_a_slanting_lamp_is_taken_away() -> None:
    images = chambers()
    slanting = images + torch.linspace(-0.2, 0.2, 128)
    inner = (..., slice(32, -32), slice(32, -32))
    assert (seen(images)[inner] - seen(slanting)[inner]).abs().mean() < 0.1


def test_what_stands_out_is_brought_to_one_height_and_faint_noise_stays_below_it() -> None:
    noise = torch.randn(4, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    heights = [
        seen(images).abs().flatten(1).quantile(0.998, dim=1)
        for images in (chambers(), 0.5 + 0.02 * noise, 0.5 + 0.002 * noise)
    ]
    assert heights[0].min() > 2.5
    assert heights[1].max() < 3.1
    assert heights[2].max() < 1
    blank = torch.full((1, 1, 64, 72), 0.4)
    assert seen(blank).abs().max() < 1e-4
    assert float(own_contrast(blank - field(blank), soften(blank - field(blank)))) == torch.tensor(FAINTEST)


def test_any_size_goes_through() -> None:
    network = DensityNetwork(contrast="own", sizes=True).eval()
    images = torch.rand(2, 1, 72, 200, generator=torch.Generator().manual_seed(0))
    maps = network.features(images)
    density = network.density(maps)
    assert density.shape == (2, 1, 18, 50)
    assert network.log_diameter(maps, density).shape == (2,)
