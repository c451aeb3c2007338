"""Models whose network gives no number are refused in a sentence; single frames without one are flagged."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from helpers.fake_method import write_chamber
from twincell.counting import count
from twincell.errors import UserError
from twincell.models.base.file import LoadedModel, ModelCard
from twincell.models.base.method import Prediction


class Lost:
    """Counts nothing but images with more than `least` white pixels; the others have no number."""

    name = "lost"

    def __init__(self, least: float) -> None:
        self.least = least

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        white = (images > 0.9).float().sum((1, 2, 3))
        found = torch.where(white > self.least, white, torch.nan)
        return Prediction(found, density=torch.nn.functional.avg_pool2d(images, 8))


def model(folder: Path, least: float) -> LoadedModel:
    card = ModelCard(name="lost", method="lost", modalities=["pc"], sha256="0")
    return LoadedModel(card, nn.Identity(), Lost(least), folder / "none")  # type: ignore[arg-type]


def test_a_model_that_gives_no_number_at_all_is_refused(tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [1, 2, 3])
    with pytest.raises(UserError, match="model lost gives no number for any of these images"):
        count(tmp_path / "night", model(tmp_path, 99), tmp_path / "out.csv", modality="pc", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["night"]


def test_a_frame_without_a_number_is_flagged_and_the_others_are_counted(tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [3, 1, 3, 3])
    table = count(
        tmp_path / "night", model(tmp_path, 2), tmp_path / "out.csv", modality="pc", progress=False
    ).table
    assert table["count_frame"].isna().tolist() == [False, True, False, False]
    assert table["flag"][1].startswith("unreadable: the model gives no number for it")
