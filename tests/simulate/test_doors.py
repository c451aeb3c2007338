"""Cells in the doors of a chamber: those on the threshold count, those beyond are drawn and do not."""

import pytest
import torch
from torch import Tensor

from twincell.simulate import synthesise
from twincell.simulate.presets import load_preset
from twincell.simulate.scene.doors import WIDEST
from twincell.simulate.scene.sample import sample
from twincell.simulate.scene.scene import Scene
from twincell.simulate.scene.settings import MOST_VISITORS, SceneSettings, load_scene_settings

OPTICS = ["optics-bf", "optics-pc"]


def full_of_visitors(preset: str, **more: float) -> SceneSettings:
    """The preset with a visitor in every slot there is for one."""
    changes = {f"place.{name}": value for name, value in more.items()}
    return load_scene_settings(preset, {"place.visitors": MOST_VISITORS, **changes})


def beyond(scene: Scene) -> Tensor:
    """(N, S) px from the chamber outwards, through its top or its bottom; negative inside."""
    return torch.maximum(scene.chamber.box[:, 1:2] - scene.y, scene.y - scene.chamber.box[:, 3:])


@pytest.mark.parametrize("preset", OPTICS)
def test_visitors_lie_beyond_the_threshold_and_cells_that_count_do_not(preset: str) -> None:
    settings = full_of_visitors(preset, doors=0.3)
    scene = sample(settings, 96, seed=1)
    out = beyond(scene)
    visiting = scene.present & ~scene.counted
    assert int(visiting.sum()) == 96 * MOST_VISITORS
    assert float(out[visiting].min()) >= settings.place.threshold - 1e-3
    assert float(out[scene.counted].max()) <= settings.place.threshold + 1e-3
    on_it = scene.counted & (out > 0)
    assert int(on_it.sum()) > 20, "some that count lie on the threshold"


def test_visitors_lie_between_the_pillars() -> None:
    scene = sample(full_of_visitors("optics-bf"), 96, seed=2)
    visiting = scene.present & ~scene.counted
    centre, half = scene.chamber.pillars[..., 0], scene.chamber.pillars[..., 1]
    clear = (scene.x[:, :, None] - centre[:, None]).abs() - half[:, None]
    assert float(clear.amin(2)[visiting].min()) > 0
    assert float(scene.radius[visiting].max()) <= WIDEST * 1.001
    gaps = (scene.x[:, :, None] > centre[:, None]).sum(2)[visiting]
    assert set(gaps.tolist()) == {0, 1, 2, 3}, "in all four gaps"


@pytest.mark.parametrize("preset", OPTICS)
def test_a_visitor_is_seen_and_has_neither_count_nor_centre_nor_mask(preset: str) -> None:
    many = {"scene.place.visitors": MOST_VISITORS, "scene.counts.most": 1, "scene.dirt.rings": 0}
    with_them = synthesise(load_preset(preset, many), 16, seed=3)
    without = synthesise(load_preset(preset, many | {"scene.place.visitors": 0}), 16, seed=3)
    assert with_them.counts.tolist() == [1] * 16
    assert (~with_them.centres[..., 0].isnan()).sum(1).tolist() == [1] * 16
    assert [len(mask.unique()) for mask in with_them.masks] == [2] * 16
    changed = (with_them.images - without.images).abs().amax((1, 3))  # (16, rows)
    assert float(changed.amax(1).min()) > 0.03, "every picture shows something more"
    middle = changed[:, 40:88]
    assert float(middle.amax(1).median()) < 0.02, "and the chamber's middle nothing"


def test_a_scene_without_doors_has_no_visitors() -> None:
    scene = sample(
        full_of_visitors("optics-pc").model_copy(
            update={"chamber": load_scene_settings("ellipse-pc", {"chamber.style": "none"}).chamber}
        ),
        8,
        seed=4,
    )
    assert torch.equal(scene.present, scene.counted)
