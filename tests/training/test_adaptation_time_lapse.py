"""Adaptation to time-lapses: chambers whose cells rest, and full ones, make nothing worse."""

from pathlib import Path

import numpy as np
import pytest
import torch

from twincell.data.manifest import Manifest
from twincell.models.base.file import load_card, load_model
from twincell.simulate.clean_backgrounds import background
from twincell.simulate.presets import load_preset
from twincell.simulate.recordings import recording, write_chambers
from twincell.simulate.scene.growth import GrowthSettings
from twincell.training.adaptation.run import adapt

RESTING = GrowthSettings(resting_chambers=1.0, step=0.05, start_cells=(5, 9), washout_per_h=0, death_per_h=0)
FULL = GrowthSettings(resting_chambers=1.0, start_cells=(28, 30))


def seen(images: torch.Tensor) -> torch.Tensor:
    """Cells per element that the shipped model finds."""
    with torch.no_grad():
        return load_model("any").network(images)


@pytest.mark.parametrize("frames", [1, 24])
def test_cells_that_rest_are_not_left_in_the_background(frames: int) -> None:
    made = recording("optics-bf", frames, seed=3, growth=RESTING)
    images = torch.from_numpy(made.images)[:, None].float() / 255
    usual, median = float(seen(images).sum()) / frames, images.median(0).values
    assert usual > 3
    assert float(seen(median[None]).sum()) > 0.5 * usual  # the median over time keeps them
    clean = background(images, seen)
    assert clean is None or float(seen(clean.image[None]).sum()) < 0.25 * usual


def test_a_full_chamber_keeps_few_cells_in_its_background() -> None:
    made = recording("optics-bf", 6, seed=4, growth=FULL)
    images = torch.from_numpy(made.images)[:, None].float() / 255
    clean = background(images, seen)
    assert clean is None or float(seen(clean.image[None]).sum()) < 0.1 * made.counts.mean()


@pytest.mark.slow
@pytest.mark.parametrize("growth", [RESTING, FULL])
def test_frames_of_resting_and_of_full_chambers_do_no_harm(tmp_path: Path, growth: GrowthSettings) -> None:
    look = load_preset("optics-bf", {"look.defocus": [1.2, 2.0], "look.phase": [0.8, 1.2]})
    lab = write_chambers(tmp_path / "lab", look, 6, 6, 1, 2, 2, growth, progress=False)
    out = adapt("any", lab, tmp_path / "run", progress=False)
    assert load_card(out).data.labelled == 12
    others = lab.select("test")
    images = np.stack([image[0] for image in _images(others)])
    missed = [
        np.abs(load_model(model).predict(images).count.numpy() - others.table["count"]).mean()
        for model in ("any", out)
    ]
    assert missed[1] <= missed[0] + 0.1


def _images(manifest: Manifest) -> list[np.ndarray]:
    from twincell.data.store import ImageStore

    return [
        np.asarray(image).reshape(1, 128, 128) for image in ImageStore.load(manifest, progress=False).whole()
    ]
