"""Pictures of any size: what cells measure is found once a job, or said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from twincell.counting.count import _shown_as, count
from twincell.errors import UserError
from twincell.models.base.file import LoadedModel, load_model
from twincell.models.base.sizes import predict_each
from twincell.simulate import synthesise


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("any")


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, list[int]]:
    """Six pictures of 128 px and two of their halves, none of them a time-lapse."""
    drawn = synthesise("open-bf", 6, seed=31)
    levels = (drawn.images[:, 0] * 255).round().to(torch.uint8).numpy()
    for name, image in zip("abcdef", levels, strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    Image.fromarray(levels[0][:, :64]).save(tmp_path / "g.png")
    Image.fromarray(levels[1][:72]).save(tmp_path / "h.png")
    return tmp_path, drawn.counts.tolist()


def test_pictures_that_are_not_square_are_counted(
    model: LoadedModel, pictures: tuple[Path, list[int]]
) -> None:
    folder, truth = pictures
    found = count(folder, model, progress=False)
    assert found.table["count_frame"].notna().all()
    assert np.abs(found.table["count_frame"].to_numpy()[:6] - truth).mean() < 1.5
    assert "px across, as found in the images" in " ".join(found.notes)


def test_a_diameter_that_is_said_is_taken(model: LoadedModel, pictures: tuple[Path, list[int]]) -> None:
    said = count(pictures[0], model, diameter=30, progress=False)
    assert "30 px across, as given" in " ".join(said.notes)
    other = count(pictures[0], model, diameter=10, progress=False)
    assert not np.allclose(said.table["count_frame"], other.table["count_frame"])
    with pytest.raises(UserError, match="1 to 1000"):
        count(pictures[0], model, diameter=0)
    with pytest.raises(UserError, match="scales nothing"):
        count(pictures[0], "cho-bf", diameter=10)


def test_counts_do_not_depend_on_the_sizes_beside(model: LoadedModel) -> None:
    images = (synthesise("open-bf", 3, seed=5).images[:, 0] * 255).round().to(torch.uint8).numpy()
    mixed = [images[0], images[1][:64], images[2]]
    found = predict_each(model, mixed, [10.0, None, 30.0])
    for k, diameter in enumerate((10.0, None, 30.0)):
        alone = model.predict(mixed[k][None], spec=model.spec_for(diameter, mixed[k].shape))
        assert torch.allclose(alone.count, found.count[k : k + 1], atol=1e-4)


@pytest.mark.parametrize(
    ("size", "scale", "told"),
    [
        ((128, 128), 1.0, ""),
        ((300, 131), 1.0, "tiles of 128 x 128, at the scale they have"),
        ((100, 128), 1.0, "padded to 128 x 128, at the scale they have"),
        ((160, 160), 0.8, ""),  # as an adapted model looks at them: 128 px
        ((320, 320), 0.8, "tiles of 128 x 128, their sides times 0.8"),
    ],
)
def test_it_is_said_how_images_are_shown(size: tuple[int, int], scale: float, told: str) -> None:
    model = load_model("chambers")
    rule = model.card.preprocessing.model_copy(update={"scale": scale})
    said = _shown_as(size, replace(model, card=model.card.model_copy(update={"preprocessing": rule})))
    assert told in said
    assert bool(said) == bool(told)
