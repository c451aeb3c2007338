"""What holds for every preset: truth, repeatability, backgrounds, figures near the real images'."""

import pytest
import torch

from twincell.errors import UserError
from twincell.simulate import Preset, Rendered, draw, load_preset, synthesise
from twincell.simulate.preset_files import preset_names
from twincell.simulate.render.texture import stock
from twincell.simulate.scene import sample
from twincell.simulate.scene.settings import MOST_VISITORS

PRESETS = ["ellipse-bf", "ellipse-pc", "optics-bf", "optics-pc"]
OPTICS = ["optics-bf", "optics-pc"]


def same(one: Rendered, other: Rendered) -> bool:
    return (
        torch.equal(one.images, other.images)
        and torch.equal(one.counts, other.counts)
        and torch.equal(one.centres.nan_to_num(-1), other.centres.nan_to_num(-1))
        and torch.equal(one.masks, other.masks)
    )


def test_looks_and_scenes_have_the_same_names() -> None:
    assert set(PRESETS) < set(preset_names())
    for name in preset_names():
        load_preset(name)


@pytest.mark.parametrize("preset", PRESETS)
def test_shapes_types_and_range(preset: str) -> None:
    made = synthesise(preset, 5, seed=0)
    assert made.images.shape == (5, 1, 128, 128)
    assert made.images.dtype == torch.float32
    assert 0 <= float(made.images.min()) < float(made.images.max()) <= 1
    assert made.counts.shape == (5,)
    visitors = 0 if preset.startswith("ellipse") else MOST_VISITORS
    assert made.centres.shape == (5, 30 + visitors, 2)
    assert made.masks.shape == (5, 1, 128, 128)


@pytest.mark.parametrize("preset", PRESETS)
def test_an_image_depends_on_seed_and_number_only(preset: str) -> None:
    many = synthesise(preset, 90, seed=3)
    for start, n in ((0, 1), (17, 3), (60, 20)):
        assert same(synthesise(preset, n, seed=3, start=start), many[start : start + n])
    assert not torch.equal(synthesise(preset, 1, seed=4).images, many.images[:1])
    assert len(torch.unique(many.images.flatten(1), dim=0)) == 90


@pytest.mark.parametrize("preset", PRESETS)
def test_drawing_the_sampled_scene_gives_the_same_truth(preset: str) -> None:
    made, scene = synthesise(preset, 6, seed=1, start=4), sample(preset, 6, seed=1, start=4)
    assert torch.equal(made.counts, scene.counts)
    assert torch.equal(made.centres.nan_to_num(), scene.centres.nan_to_num())
    assert torch.equal((~made.centres[..., 0].isnan()).sum(1), made.counts)
    again = draw(preset, scene, seed=1, start=4)
    assert torch.allclose(again.images, made.images, atol=1e-5)


@pytest.mark.parametrize("preset", OPTICS)
def test_every_cell_that_counts_has_its_place_in_the_mask(preset: str) -> None:
    made = synthesise(preset, 48, seed=2)
    found, hit, cells = 0, 0, 0
    for i in range(48):
        labels = set(torch.unique(made.masks[i]).tolist()) - {0}
        assert labels <= set(range(1, int(made.counts[i]) + 1))
        found += len(labels)
        x, y = made.centres[i, : int(made.counts[i])].long().clamp(0, 127).unbind(1)
        hit += int((made.masks[i, 0, y, x] == torch.arange(1, int(made.counts[i]) + 1)).sum())
        cells += int(made.counts[i])
    assert found == cells
    assert hit / cells > 0.95  # blebs may eat into a cell up to its centre


def test_one_scene_in_two_microscopes_has_one_truth() -> None:
    scene = sample("optics-bf", 6, seed=0)
    bright, phase = draw("optics-bf", scene, seed=0), draw("optics-pc", scene, seed=0)
    assert torch.equal(bright.counts, phase.counts)
    assert torch.equal(bright.centres.nan_to_num(), phase.centres.nan_to_num())
    assert torch.equal(bright.masks, phase.masks)
    assert float(bright.images.mean()) > 2 * float(phase.images.mean())


@pytest.mark.parametrize(
    ("preset", "mean", "std", "of_an_image"),
    [("optics-bf", 0.710, 0.075, 0.059), ("optics-pc", 0.234, 0.077, 0.071)],
)
def test_brightness_is_near_that_of_real_images(
    preset: str, mean: float, std: float, of_an_image: float
) -> None:
    images = synthesise(preset, 96, seed=0).images
    assert float(images.mean()) == pytest.approx(mean, abs=0.02)
    assert float(images.std()) == pytest.approx(std, abs=0.01)
    assert float(images.std((1, 2, 3)).median()) == pytest.approx(of_an_image, abs=0.008)


@pytest.mark.parametrize(("preset", "near"), [("optics-bf", -0.10), ("optics-pc", -0.05)])
def test_fine_detail_is_as_strong_as_in_real_images(preset: str, near: float) -> None:
    # log10 of the mean power of frequencies 0.40-0.45 cycles / px under a Hann window; real images: bf -0.10
    # and -0.33 in this band and the next, pc -0.05 and -0.32.
    images = synthesise(preset, 96, seed=1).images[:, 0].double()
    hann = torch.hann_window(128, periodic=False, dtype=torch.float64)
    power = torch.fft.fft2((images - images.mean((1, 2), keepdim=True)) * hann * hann[:, None]).abs() ** 2
    f = torch.fft.fftfreq(128)
    band = (torch.hypot(f[:, None], f) * 20).long() == 8
    assert float(power.mean(0)[band].mean().log10()) == pytest.approx(near, abs=0.3)


def plain(preset: str, **more: object) -> Preset:
    return load_preset(
        preset,
        {
            "scene.counts.least": 0,
            "scene.counts.most": 0,
            "scene.place.visitors": 0,
            "look.dirt": 0,
            "look.camera": {},
            "look.background.shift": 0,
            "look.background.flip_x": False,
            "look.background.flip_y": False,
            **more,
        },
    )


@pytest.mark.parametrize("preset", OPTICS)
def test_a_natural_background_shows_through_where_nothing_is(preset: str) -> None:
    grounds = torch.rand(3, 1, 128, 128) * 0.5 + 0.2
    made = synthesise(plain(preset), 24, seed=0, backgrounds=grounds)
    error = (made.images[:, None] - grounds[None]).abs().amax((2, 3, 4))
    assert float(error.min(1).values.max()) < 1e-4
    assert len(torch.unique(error.argmin(1))) == 3, "each background is used"


def test_backgrounds_are_shifted_and_flipped() -> None:
    ground = torch.zeros(1, 1, 128, 128)
    ground[0, 0, 30, 50] = 1
    moving = plain("optics-pc", **{"look.background.shift": 3, "look.background.flip_x": True})
    made = synthesise(moving, 48, seed=0, backgrounds=ground).images
    spots = torch.nonzero(made[:, 0] > 0.5)
    rows, columns = spots[:, 1], spots[:, 2]
    assert len(spots) == 48
    assert set(rows.tolist()) == set(range(27, 34))
    assert set(columns.tolist()) <= {*range(47, 54), *range(74, 81)}
    assert min(columns.tolist()) < 60 < max(columns.tolist())


def test_cells_darken_and_brighten_a_background_each_in_their_way() -> None:
    grounds = torch.full((1, 1, 128, 128), 0.2)
    grounds[..., :64] = 0.5  # a wall as bright as a halo
    made = synthesise("optics-pc", 16, seed=0, backgrounds=grounds)
    assert float((made.images > 0.98).float().mean()) < 0.01, "halos over a bright wall do not glare"


@pytest.mark.parametrize("preset", OPTICS)
def test_an_empty_chamber_can_be_drawn(preset: str) -> None:
    made = synthesise(plain(preset), 3, seed=0)
    assert made.counts.tolist() == [0, 0, 0]
    assert int(made.masks.max()) == 0
    assert float(made.images.std()) > 0.01, "its walls are there"


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_made_on_another_device(preset: str) -> None:
    # Whatever forgets its device lands on `meta` here and cannot be computed with.
    stock.cache_clear()
    with torch.device("meta"):
        made = synthesise(preset, 2, seed=0, device="cpu")
    stock.cache_clear()
    assert same(made, synthesise(preset, 2, seed=0))


def test_own_looks_change_the_picture_and_not_the_truth() -> None:
    usual = synthesise("optics-bf", 4, seed=0)
    dark = synthesise(load_preset("optics-bf", {"look.walls.level": [0.3, 0.3]}), 4, seed=0)
    assert float(dark.images.mean()) < 0.4
    assert torch.equal(dark.masks, usual.masks)


def test_unknown_names_are_refused_together() -> None:
    with pytest.raises(UserError, match="'phase' is not known; choose one of: crowd-bf, drops-bf"):
        synthesise("phase", 1, seed=0)
    with pytest.raises(UserError) as error:
        load_preset("optics-bf", {"look.lens": 1, "scene.cells.radius": "big", "zoom": 2})
    assert len(error.value.problems) == 3
    with pytest.raises(ValueError, match="start >= 0"):
        synthesise("optics-bf", 1, seed=0, start=-1)
