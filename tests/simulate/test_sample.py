from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from twincell.errors import UserError
from twincell.simulate.draws import Draws
from twincell.simulate.preset_files import preset_names
from twincell.simulate.scene import Scene, load_scene_settings, sample
from twincell.simulate.scene.sample import draw_counts

PRESETS = ["ellipse-bf", "ellipse-pc", "optics-bf", "optics-pc"]


def distances(scene: Scene) -> torch.Tensor:
    """(N, S, S) px between the centres; infinite for a cell and itself, and for empty slots."""
    places = torch.stack([scene.x, scene.y], -1).double()
    apart = torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist")
    both = scene.present[:, :, None] & scene.present[:, None]
    both &= ~torch.eye(scene.present.shape[1], dtype=torch.bool)
    return torch.where(both, apart, torch.inf)


def test_the_published_chambers_are_among_the_presets() -> None:
    assert set(PRESETS) < set(preset_names())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_scene_does_not_depend_on_its_neighbours(preset: str) -> None:
    many = sample(preset, 40, seed=5)
    few = sample(preset, 7, seed=5, start=21)
    for name in ("present", "x", "y", "radius", "stretch", "lobes", "grain"):
        assert torch.equal(getattr(few, name), getattr(many, name)[21:28]), name
    assert torch.equal(few.chamber.box, many.chamber.box[21:28])
    assert torch.equal(few.dirt.specks, many.dirt.specks[21:28])
    assert not torch.equal(sample(preset, 7, seed=6, start=21).x, few.x)


def test_counts_follow_36_minus_k() -> None:
    settings = load_scene_settings("ellipse-bf").counts
    counts = draw_counts(settings, Draws(0, torch.arange(30_000))).numpy()
    assert counts.min() == 1
    assert counts.max() == 30
    k = np.arange(1, 31)
    expected = (36 - k) / (36 - k).sum() * len(counts)
    seen = np.bincount(counts, minlength=31)[1:]
    assert stats.chisquare(seen, expected).pvalue > 0.001


def test_other_weights_of_counts_are_followed() -> None:
    settings = load_scene_settings(
        "optics-bf", {"counts": {"least": 0, "most": 2, "weights": [1, 0, 3]}}
    ).counts
    counts = draw_counts(settings, Draws(0, torch.arange(4000)))
    assert set(counts.tolist()) == {0, 2}
    assert abs(float((counts == 2).float().mean()) - 0.75) < 0.03


def test_chambers_may_be_empty_by_setting_only() -> None:
    empty = sample(load_scene_settings("optics-pc", {"counts.least": 0, "counts.most": 0}), 4, seed=0)
    assert empty.counts.tolist() == [0, 0, 0, 0]
    assert bool(empty.centres.isnan().all())
    assert int(sample("optics-pc", 64, seed=0).counts.min()) >= 1


def edges(scene: Scene) -> torch.Tensor:
    """(K, 4) left, upper, right and lower edge, px, of the K cells of upright ellipses."""
    long, short = scene.radius * scene.stretch.sqrt(), scene.radius / scene.stretch.sqrt()
    level = scene.tilt == 0
    wide, high = torch.where(level, long, short), torch.where(level, short, long)
    sides = [scene.x - wide, scene.y - high, scene.x + wide, scene.y + high]
    return torch.stack(sides, -1)[scene.present]


TARGETS = {
    # What the authors' public generator draws, measured by others on its images: margins kept from the left,
    # right, upper and lower border, mean area of a cell in px^2, percent of cells that cross a margin.
    "ellipse-bf": ((26, 20, 12, 6), 109.1, 2.7),
    "ellipse-pc": ((12, 11, 11, 10), 156.3, 2.1),
}


@pytest.mark.parametrize("preset", TARGETS)
def test_ellipses_keep_the_margins_of_the_authors_generator(preset: str) -> None:
    (left, right, top, bottom), _, crossing = TARGETS[preset]
    found = edges(sample(preset, 448, seed=1)).double()
    inside = torch.tensor([left, top, 128 - right, 128 - bottom]).double()
    beyond = torch.cat([inside[:2] - found[:, :2], found[:, 2:] - inside[2:]], 1)
    assert float(beyond[:, :2].max()) <= 2.001, "a side moves outwards by 2 px at most"
    assert float(beyond[:, :2].max()) > 1.8, "the bounds are used to their end"
    assert float(beyond[:, 2:].max()) <= 0.001, "the right and the lower side never move"
    assert float(beyond[:, 2:].max()) > -0.2
    share = 100 * float((beyond > 1e-3).any(1).double().mean())
    assert abs(share - crossing) < 0.8, f"{share:.2f} % cross a margin"


@pytest.mark.parametrize("preset", TARGETS)
def test_ellipses_are_as_large_as_the_authors(preset: str) -> None:
    scene = sample(preset, 448, seed=1)
    area = float((torch.pi * scene.radius.double() ** 2)[scene.present].mean())
    assert area == pytest.approx(TARGETS[preset][1], rel=0.03)


@pytest.mark.parametrize("preset", TARGETS)
def test_only_the_left_and_the_upper_side_move_and_mostly_outwards(preset: str) -> None:
    scene = sample(load_scene_settings(preset, {"counts.most": 2}), 1024, seed=4)  # there is room for all
    left, top, right, bottom = edges(scene).double().T
    for width in (right - left, bottom - top):
        whole = width.round(decimals=3)
        radius = range(3, 10 if preset == "ellipse-pc" else 8)
        # 2 r + 1 px, less a move of -2, -1, 0 or 1 px (half of it at r = 3).
        possible = {2 * r + 1 - move * (0.5 if r == 3 else 1) for r in radius for move in (-2, -1, 0, 1)}
        assert set(whole.tolist()) == possible
        mean = sum(2 * r + 1 + 0.5 * (0.5 if r == 3 else 1) for r in radius) / len(radius)
        assert float(width.mean()) == pytest.approx(mean, abs=0.25), "a side moves by half a px on average"


@pytest.mark.parametrize(("preset", "overlap"), [("ellipse-bf", 0.0), ("ellipse-pc", 1.0)])
def test_ellipses_overlap_no_more_than_allowed(preset: str, overlap: float) -> None:
    scene = sample(preset, 128, seed=2)
    longest = (scene.radius * scene.stretch.sqrt()).double()
    into = longest[:, :, None] + longest[:, None] - distances(scene)
    assert float(into.max()) <= overlap + 0.01
    if overlap:
        assert float(into.max()) > 0.5 * overlap, "the allowance is used"


@pytest.mark.parametrize("preset", ["optics-bf", "optics-pc"])
def test_cells_press_on_each_other_but_stay_apart(preset: str) -> None:
    settings = load_scene_settings(preset)
    scene = sample(settings, 96, seed=4)
    sums = scene.radius[:, :, None] + scene.radius[:, None]
    share = distances(scene) / sums
    assert float(share.min()) > 0.6  # a cell without room may be squeezed further than its neighbours
    crowded = (scene.counts > 5)[:, None] & scene.present
    touching = (share < 1.1).any(2)[crowded].float().mean()
    assert 0.45 < float(touching) < 0.95
    assert float(scene.radius[scene.present].max() / scene.radius[scene.present].min()) > 3


@pytest.mark.parametrize("preset", ["optics-bf", "optics-pc"])
def test_cells_lie_in_the_chamber_or_its_doors(preset: str) -> None:
    scene = sample(preset, 64, seed=5)
    box = scene.chamber.box
    inside = (
        (scene.x > box[:, :1]) & (scene.x < box[:, 2:3]) & (scene.y > box[:, 1:2]) & (scene.y < box[:, 3:])
    )
    share = float(inside[scene.counted].float().mean())
    assert 0.9 < share < 1.0
    seen = scene.counted & (scene.x >= 0) & (scene.x < 128) & (scene.y >= 0) & (scene.y < 128)
    assert torch.equal(seen, scene.counted), "every cell that counts can be seen"


def test_a_cell_without_room_is_drawn_smaller_not_dropped() -> None:
    settings = load_scene_settings("ellipse-bf", {"counts.least": 30, "place.tries": 1})
    scene = sample(settings, 16, seed=0)
    assert scene.counts.tolist() == [30] * 16
    assert float(scene.radius[scene.present].min()) < 2


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"counts.most": 0}, "counts.most = 0 is below counts.least = 1"),
        ({"counts.offset": 20}, "must exceed counts.most = 30"),
        ({"counts.weights": [1, 2]}, "needs 30 values"),
        ({"cells.colour": 1}, "scene.cells.colour = 1"),
        ({"place.touching": 2}, "less than or equal to 1"),
        ({"counts.most.k": 2}, "'most' is one value"),
    ],
)
def test_impossible_settings_are_named(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as error:
        load_scene_settings("optics-bf", overrides)
    assert words in str(error.value)


def test_an_unknown_preset_is_refused_with_the_known_names() -> None:
    with pytest.raises(UserError, match="'optics' is not known; choose one of: crowd-bf, drops-bf"):
        sample("optics", 1, seed=0)


def test_scenes_can_be_cut_and_joined() -> None:
    scene = sample("optics-bf", 6, seed=0)
    again = Scene.cat([scene[:2], scene[2:]]).to("cpu")
    assert len(again) == 6
    assert torch.equal(again.dirt.rings, scene.dirt.rings)
    assert torch.equal(again.centres.nan_to_num(), scene.centres.nan_to_num())
    with pytest.raises(ValueError, match="n must be >= 1"):
        sample("optics-bf", 0, seed=0)


def test_bubbles_sit_on_cells_and_do_not_count() -> None:
    scene = sample("optics-pc", 64, seed=6)
    bubbles = scene.dirt.bubbles
    there = bubbles[..., 3] > 0
    assert 0.5 < float(there.sum(1).float().mean()) < 3
    apart = torch.cdist(bubbles[..., :2], torch.stack([scene.x, scene.y], -1))
    to_outline = torch.where(scene.present[:, None], apart - scene.radius[:, None], torch.inf).amin(2)[there]
    assert float(to_outline.max()) < float(bubbles[..., 2].max())
    none = sample(load_scene_settings("optics-pc", {"dirt.bubbles": 0}), 64, seed=6)
    assert torch.equal(none.counts, scene.counts)
    assert float(none.dirt.bubbles.abs().max()) == 0


@pytest.mark.parametrize("preset", ["optics-bf", "optics-pc"])
def test_large_cells_keep_from_the_wall(preset: str) -> None:
    settings = load_scene_settings(
        preset, {"place.doors": 0, "place.keep_in": 0.9, "cells.swollen_images": 1}
    )
    scene = sample(settings, 48, seed=7)
    box = scene.chamber.box[:, None]
    gap = torch.stack(
        [scene.x - box[..., 0], box[..., 2] - scene.x, scene.y - box[..., 1], box[..., 3] - scene.y]
    )
    assert float((gap.amin(0) - 0.9 * scene.radius)[scene.counted].min()) > -1e-3


def test_clumps_that_grew_together_lie_nearer_and_keep_their_count() -> None:
    def nearness(share: float) -> tuple[torch.Tensor, Scene]:
        settings = load_scene_settings("optics-bf", {"cells.fused_images": share, "cells.rosette_images": 0})
        scene = sample(settings, 64, seed=8)
        sums = scene.radius[:, :, None] + scene.radius[:, None]
        return (distances(scene) / sums).flatten(1).amin(1), scene

    near, fused = nearness(1.0)
    apart, usual = nearness(0.0)
    assert float(near[fused.counts > 5].mean()) < 0.8 < float(apart[usual.counts > 5].mean())
    assert torch.equal(fused.counts, usual.counts)
    assert float(fused.fused.min()) >= 0.4
    assert float(usual.fused.max()) == 0


def test_in_a_rosette_large_cells_gather_round_the_first() -> None:
    def scene_of(share: float) -> Scene:
        changes = {"cells.rosette_images": share, "counts.least": 10, "cells.swollen_images": 0}
        return sample(load_scene_settings("optics-bf", changes), 64, seed=5)

    def near_the_first(scene: Scene) -> torch.Tensor:
        apart = torch.hypot(scene.x - scene.x[:, :1], scene.y - scene.y[:, :1])
        return (apart < 1.1 * (scene.radius + scene.radius[:, :1])) & scene.counted

    blooming, plain = scene_of(1.0), scene_of(0.0)
    assert torch.equal(blooming.counts, plain.counts)
    first = slice(1, 5)  # four at least sit round the first
    # Some first cells lie against a wall or in a door, where there is less room round them.
    assert float(near_the_first(blooming)[:, first].float().mean()) > 0.7
    assert float(near_the_first(plain)[:, first].float().mean()) < 0.5
    assert float(blooming.radius[:, first].mean()) > 1.1 * float(plain.radius[:, first].mean())
    assert float(blooming.fused[:, first].min()) >= 0.8
