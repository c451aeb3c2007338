"""Wear of light, lens, camera and file: against plain restatements, and off where nothing is asked."""

import numpy as np
import torch
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from twincell.batches.augment import augment, mirrored, only_seen
from twincell.batches.wear import STEEPNESS, blurred, coarsened, compressed, lit, worn
from twincell.config import AugmentSettings

ALL = AugmentSettings(contrast=3, light=0.4, invert=0.5, blur=2, binned=0.5, compressed=0.5)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_nothing_asked_nothing_drawn_and_nothing_changed() -> None:
    images, generator = torch.rand(3, 1, 32, 32), chance()
    before = generator.get_state()
    assert worn(images, generator, AugmentSettings()) is images
    assert torch.equal(generator.get_state(), before)


def test_same_generator_same_images_and_calm_ones_are_left_alone() -> None:
    images = torch.rand(6, 1, 64, 64, generator=chance())
    calm = torch.tensor([True, False] * 3)
    first, second = (worn(images, chance(3), ALL, calm) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(first[calm], images[calm])
    assert (first[~calm] - images[~calm]).abs().amax((1, 2, 3)).min() > 0.01
    assert first.min() >= 0
    assert first.max() <= 1


def test_blur_is_a_gaussian_filter() -> None:
    images = torch.rand(2, 1, 40, 40, generator=chance())
    seen = blurred(images, torch.tensor([1.5, 0.0]))
    wanted = gaussian_filter(images[0, 0].numpy(), 1.5, mode="nearest", radius=5)
    assert np.abs(seen[0, 0].numpy() - wanted).max() < 1e-4
    assert torch.allclose(seen[1], images[1], atol=1e-6)


def test_compression_rounds_the_cosine_coefficients_of_blocks() -> None:
    image = torch.rand(1, 1, 8, 16, generator=chance())
    seen = compressed(image, torch.tensor([0.1]))[0, 0].numpy()
    steps = 0.1 * (1 + STEEPNESS * np.add.outer(np.arange(8), np.arange(8)))
    for left in (0, 8):
        block = image[0, 0, :, left : left + 8].numpy()
        wanted = idctn(np.round(dctn(block, norm="ortho") / steps) * steps, norm="ortho")
        assert np.abs(seen[:, left : left + 8] - wanted).max() < 1e-5
    odd = torch.rand(1, 1, 13, 10, generator=chance())
    assert compressed(odd, torch.tensor([1e-4])).shape == odd.shape


def test_the_lamp_slants_and_keeps_its_mean() -> None:
    light = lit(torch.tensor([[1.0, 0.5, 0.5, 1.0]]), 0.3, 11, 11)[0, 0]
    assert torch.allclose(light[:, 0], torch.full((11,), 0.7))
    assert torch.allclose(light[:, -1], torch.full((11,), 1.3))
    assert torch.allclose(light.mean(), torch.tensor(1.0))


def test_binning_keeps_the_size() -> None:
    images = torch.rand(2, 1, 32, 32, generator=chance())
    assert coarsened(images).shape == images.shape
    assert coarsened(images).std() < images.std()


def test_cells_in_the_mirrored_margin_are_where_the_mirror_shows_them() -> None:
    places = torch.tensor([[[4.0, 60.0], [float("nan"), float("nan")]]])
    around = mirrored(places, 128)
    assert around.shape == (1, 18, 2)
    assert [-4.0, 60.0] in around[0].tolist()
    assert [252.0, 196.0] in around[0].tolist()
    kept = only_seen(around, 128)
    assert kept.tolist()[0][0] == [4.0, 60.0]
    assert kept.shape == (1, 1, 2)
    # Shrunken by a half, the image shows each of its borders' cells twice.
    image = torch.zeros(1, 1, 128, 128)
    image[..., 58:62, 2:6] = 1.0
    shrunk = AugmentSettings(scale=0.49, mirrored=True)
    varied = [augment(image, chance(seed), shrunk, places) for seed in range(20)]
    seen = [int((~v.points[..., 0].isnan()).sum()) for v in varied if v.points is not None]
    assert {1, 2} <= set(seen) <= {0, 1, 2}
    for one, n in zip(varied, seen, strict=True):
        if n == 2:
            # Both show, though the border may cut one of them.
            assert 1.2 < float(one.images.sum() * one.warp.area[0] / 16) < 4
