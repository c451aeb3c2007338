"""The paper's generator."""

import numpy as np
import pytest
import torch

from twincell.simulate import draw, load_preset, synthesise
from twincell.simulate.scene import sample

PLAIN = {"look.camera": {}, "look.filter": [0, 0], "look.blend": 0.0}


@pytest.mark.parametrize("preset", ["ellipse-bf", "ellipse-pc"])
def test_masks_hold_as_many_cells_as_the_count_says(preset: str) -> None:
    made = synthesise(preset, 64, seed=0)
    for mask, count in zip(made.masks, made.counts.tolist(), strict=True):
        assert torch.unique(mask).tolist() == list(range(count + 1))


@pytest.mark.parametrize(
    ("preset", "inside", "rim"),
    [("ellipse-bf", (180, 210), (80, 130)), ("ellipse-pc", (50, 60), (160, 210))],
)
def test_grey_levels_are_those_of_the_paper(
    preset: str, inside: tuple[int, int], rim: tuple[int, int]
) -> None:
    made = synthesise(load_preset(preset, PLAIN), 32, seed=1)
    x, y = made.centres[..., 0], made.centres[..., 1]
    there = ~x.isnan()
    image, slot = torch.nonzero(there, as_tuple=True)
    levels = made.images[image, 0, y[there].long(), x[there].long()] * 255
    big = torch.bincount(
        made.masks.flatten().long() + 31 * torch.arange(32).repeat_interleave(128 * 128), minlength=32 * 31
    )
    large = big.reshape(32, 31)[image, slot + 1] > 60  # px: the middle is clear of the rim
    assert inside[0] - 1 <= float(levels[large].min())
    assert float(levels[large].max()) <= inside[1] + 1
    if preset == "ellipse-bf":
        assert float((made.images * 255).min()) >= rim[0] - 1
    else:
        assert rim[0] < float((made.images * 255).max()) <= rim[1] + 1
    assert float(levels[large].std()) > 1, "luminance varies from cell to cell"


def test_an_unblurred_ellipse_matches_a_plain_drawing() -> None:
    preset = load_preset("ellipse-bf", {**PLAIN, "scene.counts.most": 3})
    ground = torch.full((1, 1, 128, 128), 0.7)
    made = synthesise(preset, 8, seed=2, backgrounds=ground)
    scene = sample(preset.scene, 8, seed=2)
    yy, xx = np.mgrid[:128, :128] + 0.5
    for i in range(8):
        inside = np.zeros((128, 128), bool)
        for k in range(int(scene.counts[i])):
            r, s, t = (float(v[i, k]) for v in (scene.radius, scene.stretch, scene.tilt))
            a, b = r * s**0.5, r / s**0.5
            dx, dy = xx - float(scene.x[i, k]), yy - float(scene.y[i, k])
            u, v = np.cos(t) * dx + np.sin(t) * dy, np.cos(t) * dy - np.sin(t) * dx
            inside |= (u / a) ** 2 + (v / b) ** 2 < 1
        assert np.abs((made.masks[i, 0] > 0).numpy() ^ inside).mean() < 1e-4
        outside = made.images[i, 0][torch.from_numpy(~inside)]
        assert float((outside == 0.7).float().mean()) > 0.98


def test_half_of_a_cell_is_its_blur() -> None:
    sharp, half, soft = (
        synthesise(load_preset("ellipse-pc", {**PLAIN, "look.blend": b}), 16, seed=0).images
        for b in (0.0, 0.5, 1.0)
    )
    assert torch.allclose(half, (sharp + soft) / 2, atol=0.02)
    assert float((sharp - soft).abs().max()) > 0.1


def test_the_filter_softens_by_a_random_strength() -> None:
    plain = synthesise(load_preset("ellipse-pc", PLAIN), 16, seed=0).images
    filtered = synthesise(load_preset("ellipse-pc", {**PLAIN, "look.filter": [0.2, 1.2]}), 16, seed=0).images
    kept = filtered.diff(dim=3).abs().sum((1, 2, 3)) / plain.diff(dim=3).abs().sum((1, 2, 3))
    assert float(kept.max()) < 0.99
    assert float(kept.max() - kept.min()) > 0.2
    assert torch.allclose(filtered.mean((1, 2, 3)), plain.mean((1, 2, 3)), atol=1e-3)


def test_the_background_is_the_given_mean_image() -> None:
    ground = torch.rand(1, 1, 128, 128)
    made = synthesise(
        load_preset("ellipse-bf", {**PLAIN, "scene.counts.most": 2}), 8, seed=0, backgrounds=ground
    )
    far = made.masks == 0
    far = torch.nn.functional.avg_pool2d(far.float(), 9, 1, 4) == 1
    assert torch.allclose(made.images[far], ground.expand_as(made.images)[far], atol=1e-6)


def test_a_drawn_background_is_the_same_for_all() -> None:
    empty = {**PLAIN, "scene.counts.least": 0, "scene.counts.most": 0}
    made = synthesise(load_preset("ellipse-bf", empty), 4, seed=0)
    assert bool((made.images == made.images[:1]).all())
    assert float(made.images.std()) > 0.02, "it shows a chamber"
    other = synthesise(load_preset("ellipse-bf", {**empty, "scene.chamber.left": [15, 30]}), 4, seed=0)
    assert not bool((other.images == other.images[:1]).all())


def test_overlapping_cells_stay_within_the_grey_levels() -> None:
    crowd = {**PLAIN, "scene.counts.least": 30, "scene.place.overlap": 6.0}
    made = synthesise(load_preset("ellipse-pc", crowd), 8, seed=0)
    assert float(made.images.max()) <= 210 / 255 + 1e-3


def test_a_scene_made_elsewhere_can_be_drawn_as_ellipses() -> None:
    scene = sample("optics-pc", 5, seed=0)
    made = draw("ellipse-pc", scene, seed=0)
    assert made.counts.tolist() == scene.counts.tolist()
    assert torch.equal(made.centres.nan_to_num(), scene.centres.nan_to_num())
