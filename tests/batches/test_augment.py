"""Augmentation: what moves, how far, and that cell positions and densities move alike."""

import pytest
import torch
from torch import Tensor

from twincell.batches.augment import augment, draw_warp, grey_levels
from twincell.batches.synthetic_source import density_of
from twincell.config import AugmentSettings

PAPER = AugmentSettings(flips=True, quarter_turns=True, rotation=5, crop=0.9, noise=(0.01, 0.01))
SIZE = 128


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spots(points: Tensor) -> Tensor:
    """(n, 1, 128, 128) with a smooth spot of sigma 2 px at each of (n, K, 2) places."""
    grid = torch.arange(SIZE) + 0.5
    x, y = points[..., 0, None], points[..., 1, None]
    across, down = torch.exp(-((grid - x) ** 2) / 8), torch.exp(-((grid - y) ** 2) / 8)
    return torch.einsum("nky,nkx->nyx", down, across)[:, None]


def test_nothing_asked_nothing_changed() -> None:
    images = torch.rand(3, 1, SIZE, SIZE)
    assert torch.allclose(augment(images, chance(), AugmentSettings()).images, images, atol=1e-5)


def test_same_generator_same_images_and_range_kept() -> None:
    images = torch.rand(4, 1, SIZE, SIZE)
    first, second = (augment(images, chance(3), PAPER).images for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augment(images, chance(4), PAPER).images)
    assert first.shape == images.shape
    assert 0 <= first.min() <= first.max() <= 1


def test_flips_and_quarter_turns_reach_all_eight_views_exactly() -> None:
    image = torch.rand(1, 1, SIZE, SIZE)
    views = [v for turn in range(4) for v in (image.rot90(turn, (2, 3)), image.rot90(turn, (2, 3)).flip(3))]
    settings = AugmentSettings(flips=True, quarter_turns=True)
    seen = augment(image.expand(100, 1, SIZE, SIZE), chance(), settings).images
    distance = torch.stack([(seen - view).abs().amax((1, 2, 3)) for view in views], 1)
    # A pixel whose mirrored place is rounded across the image's edge is the only one to differ by more.
    assert distance.min(1).values.max() < 1e-3
    assert len(set(distance.argmin(1).tolist())) == 8


def test_rotation_is_zero_to_five_degrees_both_ways() -> None:
    turn = draw_warp(2000, chance(), AugmentSettings(rotation=5), SIZE).matrix
    angle = torch.rad2deg(torch.atan2(turn[:, 1, 0], turn[:, 0, 0]))
    assert -5 <= angle.min() < -4.9
    assert 4.9 < angle.max() <= 5
    assert torch.allclose(torch.linalg.det(turn[:, :, :2]), torch.ones(2000), atol=1e-5)


def test_crop_is_115_pixels_anywhere_inside() -> None:
    warp = draw_warp(5000, chance(), AugmentSettings(crop=0.9), SIZE).matrix
    side = warp[:, 0, 0] * SIZE
    assert torch.allclose(side, torch.tensor(115.0))
    left = ((warp[:, 0, 2] + 1) * SIZE - side) / 2
    assert set(left.round().int().tolist()) == set(range(14))  # 128 - 115 = 13 px to move in
    assert torch.allclose(left, left.round(), atol=1e-3)


def test_crop_shows_the_window_enlarged() -> None:
    ramp = torch.linspace(0, 1, SIZE).expand(64, 1, SIZE, SIZE)
    result = augment(ramp, chance(), AugmentSettings(crop=0.5001)).images  # 64 px window
    slope = (result[:, 0, :, -2] - result[:, 0, :, 1]) / (SIZE - 3) * (SIZE - 1)
    assert torch.allclose(slope, torch.tensor(0.5), atol=0.01)


def test_scale_and_shift_stay_in_their_ranges() -> None:
    zoom = draw_warp(2000, chance(), AugmentSettings(scale=0.05), SIZE).matrix[:, 0, 0]
    assert 1 / 1.05 <= zoom.min() < 0.955
    assert 1.05 < zoom.max() <= 1 / 0.95
    shift = draw_warp(2000, chance(), AugmentSettings(shift=0.05), SIZE).matrix[:, :, 2] / 2
    assert 0.049 < shift.abs().max() <= 0.05


def test_noise_is_zero_centred_with_the_strength_asked() -> None:
    grey = torch.full((8, 1, SIZE, SIZE), 0.5)
    noise = grey_levels(grey, chance(), AugmentSettings(noise=(0.02, 0.02))) - 0.5
    assert abs(float(noise.mean())) < 2e-4
    assert float(noise.std()) == pytest.approx(0.02, rel=0.02)
    varied = grey_levels(grey.expand(8, 1, SIZE, SIZE), chance(), AugmentSettings(noise=(0.0, 0.1))).std(
        (1, 2, 3)
    )
    assert varied.max() > 3 * varied.min()


def test_gain_changes_contrast_about_the_mean_and_offset_the_level() -> None:
    image = 0.5 + 0.1 * torch.randn(500, 1, 16, 16, generator=chance(1)).clamp(-2, 2)
    gained = grey_levels(image, chance(), AugmentSettings(gain=0.2))
    ratio = gained.std((1, 2, 3)) / image.std((1, 2, 3))
    assert 0.8 <= ratio.min() < 0.82
    assert 1.18 < ratio.max() <= 1.2001
    assert torch.allclose(gained.mean((1, 2, 3)), image.mean((1, 2, 3)), atol=1e-5)
    moved = grey_levels(image, chance(), AugmentSettings(offset=0.1)).mean((1, 2, 3)) - image.mean((1, 2, 3))
    assert 0.09 < moved.abs().max() <= 0.1001


def test_points_go_where_the_picture_of_them_goes() -> None:
    points = torch.rand(16, 1, 2, generator=chance(1)) * 60 + 34
    settings = PAPER.model_copy(update={"noise": (0.0, 0.0), "scale": 0.05, "shift": 0.05})
    result = augment(spots(points), chance(2), settings, points)
    assert result.points is not None
    brightest = result.images.flatten(1).argmax(1)
    seen = torch.stack([brightest % SIZE, brightest // SIZE], 1) + 0.5
    assert (result.points[:, 0] - seen).abs().max() <= 1.0


def test_unused_places_stay_unused() -> None:
    points = torch.tensor([[[20.0, 30.0], [torch.nan, torch.nan]]])
    moved = augment(torch.rand(1, 1, SIZE, SIZE), chance(), PAPER, points).points
    assert moved is not None
    assert moved[0, 0].isfinite().all()
    assert moved[0, 1].isnan().all()


def test_warped_density_is_the_density_of_the_warped_points() -> None:
    points = torch.rand(8, 5, 2, generator=chance(1)) * 50 + 39
    warp = draw_warp(8, chance(2), PAPER.model_copy(update={"noise": (0.0, 0.0)}), SIZE)
    warped = warp.density(density_of(points, SIZE, 4.0, SIZE))
    assert torch.allclose(warped.sum((1, 2, 3)), torch.full((8,), 5.0), rtol=0.02)
    expected = density_of(warp.points(points, SIZE), SIZE, 4.0 / 0.9, SIZE)
    assert (warped - expected).abs().max() < 0.02 * expected.max()


def test_density_counts_cells_in_view_and_nothing_else() -> None:
    centres = torch.tensor([[[10.0, 20.0], [127.9, 0.0], [128.1, 5.0], [-0.1, 5.0], [torch.nan, torch.nan]]])
    for sigma in (0.0, 4.0):
        density = density_of(centres, 32, sigma, SIZE)
        assert density.shape == (1, 1, 32, 32)
        assert float(density.sum()) == pytest.approx(2.0, abs=1e-5)
    exact = density_of(centres, 32, 0.0, SIZE)[0, 0]
    assert exact[5, 2] == 1  # y 20, x 10, elements of 4 px
    assert exact[0, 31] == 1
