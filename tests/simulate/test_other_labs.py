"""Scenes of other labs: what lies in them, what counts, and that they differ as labs do."""

import pytest
import torch

from twincell.simulate import synthesise
from twincell.simulate.draws import Draws
from twincell.simulate.presets import load_preset
from twincell.simulate.render.settings import WallLook
from twincell.simulate.render.surfaces import RULES, droplets, ruled
from twincell.simulate.scene import load_scene_settings, sample
from twincell.simulate.scene.ghosts import MOST_GHOSTS
from twincell.simulate.scene.sample import SHOWN, seen
from twincell.simulate.scene.scene import SIZE

OTHER_LABS = [
    "crowd-bf", "drops-bf", "large-bf", "large-pc", "open-bf", "open-pc", "rods", "ruled-bf", "traps-bf",
]  # fmt: skip


@pytest.mark.parametrize("preset", OTHER_LABS)
def test_an_image_depends_on_seed_and_number_only(preset: str) -> None:
    many, few = synthesise(preset, 20, seed=3), synthesise(preset, 2, seed=3, start=17)
    assert torch.equal(few.images, many.images[17:19])
    assert torch.equal(few.counts, many.counts[17:19])
    assert many.images.min() >= 0
    assert many.images.max() <= 1
    assert torch.equal(many.counts, (~many.centres[..., 0].isnan()).sum(1))
    assert torch.equal(many.radii.isnan(), many.centres[..., 0].isnan())


def test_together_they_hold_cells_from_2_to_25_px_and_from_0_to_over_100_cells() -> None:
    scenes = [sample(preset, 160, seed=0) for preset in OTHER_LABS]
    sizes = torch.cat([scene.radius[scene.counted] for scene in scenes])
    counts = torch.cat([scene.counts for scene in scenes])
    assert sizes.min() < 2
    assert sizes.max() > 25
    assert counts.min() == 0
    assert counts.max() > 100


def test_cells_cut_by_the_border_count_if_a_third_of_their_width_is_seen() -> None:
    x = torch.tensor([[-1.9, -2.1, 64.0, SIZE + 1.9, SIZE + 2.1]])
    y = torch.full_like(x, 64.0)
    assert seen(x, y, torch.full_like(x, 2 / SHOWN)).tolist() == [[True, False, True, True, False]]
    drawn = synthesise("open-bf", 160, seed=1)
    there = drawn.centres[~drawn.centres[..., 0].isnan()]
    assert there.min() >= 0
    assert there.max() < SIZE
    assert (there < 0.1).any()  # those just out of view are given the nearest place in view


def test_ghosts_are_faint_and_do_not_count() -> None:
    settings = load_scene_settings("open-bf", {"cells.ghosts": 6.0})
    scene = sample(settings, 64, seed=0)
    ghosts = scene.present[:, -MOST_GHOSTS:]
    assert ghosts.float().mean() > 0.5
    assert not scene.counted[:, -MOST_GHOSTS:].any()
    assert scene.depth[:, -MOST_GHOSTS:].max() <= settings.cells.ghost_depth[1]
    preset = load_preset("open-bf", {"look.camera.noise": [0, 0], "look.dirt": 0})
    only = sample(load_scene_settings("open-bf", {"cells.ghosts": 0, "counts.most": 0}), 16, seed=0)
    assert only.present.sum() == 0
    assert preset.scene.cells.ghosts > 0


def test_droplets_hold_their_cells() -> None:
    scene = sample("drops-bf", 160, seed=0)
    middle = (scene.chamber.box[:, :2] + scene.chamber.box[:, 2:]) / 2
    away = torch.hypot(scene.x - middle[:, :1], scene.y - middle[:, 1:])
    assert (away <= scene.chamber.rounding[:, None])[scene.counted].all()
    assert torch.allclose(2 * scene.chamber.rounding, scene.chamber.box[:, 2] - scene.chamber.box[:, 0])


def test_packed_droplets_touch_six_others() -> None:
    look = WallLook(kind="round", level=(0.5, 0.5), line=(0.5, 0.5), width=(1, 1), packed=1.0)
    axis = torch.arange(-128.0, 128.0)
    x, y = axis.expand(1, 256, 256), axis[:, None].expand(1, 256, 256)
    box = torch.tensor([[-20.0, -20.0, 20.0, 20.0]])
    inside = droplets(look, Draws(0, torch.tensor([0])), box, x, y) > 0
    assert abs(float(inside.sum()) - 7 * torch.pi * 400) < 0.02 * 7 * torch.pi * 400
    alone = droplets(look.model_copy(update={"packed": 0.0}), Draws(0, torch.tensor([0])), box, x, y) > 0
    assert abs(float(alone.sum()) - torch.pi * 400) < 30


def test_rules_are_straight_lines_and_none_where_none_are_asked() -> None:
    look = WallLook(kind="ruled", level=(0.5, 0.5), line=(0.5, 0.5), width=(1, 1), rules=(0, 0))
    draws = Draws(0, torch.arange(8))
    assert ruled(look, draws).abs().max() == 0
    lines = ruled(look.model_copy(update={"rules": (RULES, RULES)}), draws)
    assert lines.min() < -0.1
    assert (lines.abs() < 1e-3).float().mean() > 0.3


@pytest.mark.parametrize("preset", ["optics-bf", "optics-pc"])
def test_known_chambers_have_every_cell_in_view(preset: str) -> None:
    drawn = synthesise(preset, 48, seed=5)
    there = drawn.centres[~drawn.centres[..., 0].isnan()]
    assert there.min() > 1
    assert there.max() < SIZE - 1
