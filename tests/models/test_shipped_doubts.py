"""The shipped model for any lab says when images are too bad to count, and bears it when they are not."""

import numpy as np
import pytest

from twincell.evaluate.corruptions import CORRUPTIONS
from twincell.models.base.file import LoadedModel, load_model
from twincell.series.conformal import conformal_interval, widening
from twincell.simulate import synthesise

BY_NAME = {one.name: one for one in CORRUPTIONS}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("any")


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """12 drawn chambers of both kinds, with cells."""
    made = [synthesise(f"optics-{modality}", 12, seed=77) for modality in ("bf", "pc")]
    images = np.concatenate([one.images[:, 0].mul(255).round().byte().numpy() for one in made])
    counts = np.concatenate([one.counts.numpy() for one in made])
    return images[counts >= 4][:12], counts[counts >= 4][:12]


def seen(model: LoadedModel, images: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Shares of frames flagged, and of intervals that hold the count."""
    found = model.predict(images)
    assert found.novelty is not None
    assert model.card.spread is not None
    doubt = found.novelty.numpy()
    lower, upper = conformal_interval(found.count.numpy(), model.card.spread, widening(doubt))
    return float((doubt > 1).mean()), float(((lower <= counts) & (counts <= upper)).mean())


@pytest.mark.parametrize(
    "name",
    ["blur", "defocus", "brighter", "noise", "empty"],
)
def test_hopeless_images_are_flagged(
    model: LoadedModel, drawn: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    images, counts = drawn
    bad = BY_NAME[name](images, BY_NAME[name].strengths[-1])
    flagged, held = seen(model, bad, np.zeros_like(counts) if BY_NAME[name].empty else counts)
    assert flagged >= 0.75 or held >= 0.85


@pytest.mark.parametrize("name", ["blur", "less contrast", "darker", "noise", "JPEG"])
def test_slightly_worse_images_cost_nothing(
    model: LoadedModel, drawn: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    images, counts = drawn
    flagged, held = seen(model, BY_NAME[name](images, BY_NAME[name].strengths[0]), counts)
    assert flagged <= 0.1
    assert held >= 0.75
