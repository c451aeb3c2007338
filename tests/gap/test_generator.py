"""Each difference is closed with all else as it was."""

from pathlib import Path

import pytest
import torch

from twincell.errors import UserError
from twincell.gap.generator import Redrawn, given_preset, in_the_light_of, preset_text
from twincell.gap.shapley import DISTRIBUTION, LABEL, NOTHING, PHOTOREALISM
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.synthesise import synthesise
from twincell.simulate.write import write_images

BOTH = frozenset({DISTRIBUTION, PHOTOREALISM})


def pair() -> Redrawn:
    return Redrawn(load_preset("ellipse-bf"), load_preset("optics-bf"))


def test_nothing_closed_is_the_generator_and_all_closed_the_fit() -> None:
    made = pair()
    given, fitted = made.preset(NOTHING), made.preset(BOTH)
    assert (given.scene, given.look) == (made.given.scene, made.given.look)
    assert (fitted.scene, fitted.look) == (made.fitted.scene, made.fitted.look)
    assert made.key(frozenset({LABEL})) == made.key(NOTHING)  # labels change nothing of what is drawn


def test_photorealism_alone_leaves_every_cell_where_it_was() -> None:
    scene = load_preset("ellipse-bf").scene.model_copy(update={"block": 16})
    made = Redrawn(Preset("few", scene, load_preset("ellipse-bf").look), load_preset("optics-bf"))
    plain, real = (synthesise(made.preset(closed), 16, 3) for closed in (NOTHING, frozenset({PHOTOREALISM})))
    assert torch.equal(plain.counts, real.counts)
    assert torch.equal(plain.centres.nan_to_num(), real.centres.nan_to_num())
    assert not torch.equal(plain.images, real.images)


def test_distribution_alone_leaves_the_renderer() -> None:
    found = pair().preset(frozenset({DISTRIBUTION}))
    assert found.scene == load_preset("optics-bf").scene
    assert found.look.renderer == "ellipse"


def test_light_is_moved_with_the_distribution() -> None:
    """Images are about as bright as those of the lamp, and cells keep their contrast to the field."""
    given, fitted = load_preset("ellipse-bf"), load_preset("open-bf")
    dark = fitted.look.model_copy(
        update={"walls": fitted.look.walls.model_copy(update={"level": (0.3, 0.4)})}
    )
    lit = in_the_light_of(given.look, dark)
    before, after = (
        synthesise(Preset("lit", given.scene, look), 16, 0).images.mean() for look in (given.look, lit)
    )
    assert float(before - after) == pytest.approx(sum(given.look.walls.level) / 2 - 0.35, abs=0.04)
    assert in_the_light_of(given.look, given.look) is given.look


def test_a_folder_of_synth_tells_what_it_was_drawn_from(tmp_path: Path) -> None:
    write_images(tmp_path / "drawn", "ellipse-bf", 2, 0, progress=False)
    found, named = given_preset(str(tmp_path / "drawn")), load_preset("ellipse-bf")
    assert (found.name, found.scene, found.look) == (named.name, named.scene, named.look)


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no settings\.json"):
        given_preset(str(tmp_path))
    (tmp_path / "settings.json").write_text('{"preset": "mine"}')
    with pytest.raises(UserError, match="no scene and look"):
        given_preset(str(tmp_path))


@pytest.mark.parametrize("name", ["optics-bf", "ellipse-pc", "drops-bf"])
def test_a_preset_survives_its_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(preset_text(load_preset(name), "mine"))
    found = given_preset(str(tmp_path / "mine.yaml"))
    assert (found.scene, found.look) == (load_preset(name).scene, load_preset(name).look)
