"""A smudge that a model takes for a cell in every frame is taken off the time-lapse, and said."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from twincell.counting import count
from twincell.models import METHODS
from twincell.models.base.file import LoadedModel, ModelCard
from twincell.models.base.method import Prediction

FRAMES = 210


class Spots:
    """Counts white pixels, with a map of where they are."""

    name = "spots"

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        density = torch.nn.functional.avg_pool2d((images > 0.9).float(), 4) * 16
        return Prediction(density.sum((1, 2, 3)), density=density)


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    card = ModelCard(name="spots", method="spots", modalities=["pc"], sha256="0")
    return LoadedModel(card, nn.Identity(), Spots(), tmp_path / "none")  # type: ignore[arg-type]


def record(folder: Path, dirt: bool) -> Path:
    """One time-lapse of three wandering cells, with or without a white speck in a corner."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for t in range(FRAMES):
        image = np.zeros((128, 128), np.uint8)
        y, x = rng.choice(np.arange(8, 120), (2, 3), replace=False)
        image[y, x] = 255
        image[124, 124] = 255 if dirt else 0
        Image.fromarray(image).save(folder / f"t{t:03d}.png")
    return folder


@pytest.mark.parametrize("dirt", [False, True])
def test_standing_dirt_is_taken_off_the_series_but_not_off_the_frame(
    tmp_path: Path, model: LoadedModel, dirt: bool
) -> None:
    assert "spots" not in METHODS
    table = count(record(tmp_path / "lapse", dirt), model, modality="pc", progress=False)
    assert set(table["count_frame"]) == {3.0 + dirt}
    assert table["count"].round().eq(3).all()
    assert any("stand still" in note for note in table.attrs["notes"]) == dirt
