"""A frame that is flagged has an interval that says so, and labels say how wide intervals have to be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.counting.count import count
from twincell.counting.table import alone
from twincell.models import METHODS
from twincell.series.conformal import USUAL


def singles(predicted: list[float], counted: list[float] | None = None, doubt: float = 0.0) -> pd.DataFrame:
    n = len(predicted)
    people = [np.nan] * n if counted is None else counted
    return pd.DataFrame(
        {"frame": range(n), "count_frame": predicted, "std": np.nan, "novelty": doubt, "counted": people}
    )


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


def test_a_flagged_frame_of_a_series_has_a_wide_interval(tmp_path: Path, fake_method: None) -> None:
    paths = write_chamber(tmp_path / "pc" / "a", [5] * 12)
    bright = np.full(
        (128, 128), 200, np.uint8
    )  # unlike training, by the toy's rule: its mean is above one half
    bright.ravel()[:5] = 255
    Image.fromarray(bright).save(paths[6])
    table = count([tmp_path / "pc" / "a"], fake_model(tmp_path / "m"), modality="pc", progress=False).table
    width = table["upper"] - table["lower"]
    assert table["flag"].tolist() == [""] * 6 + ["out of focus; unlike training"] + [""] * 5
    assert width[6] >= 3 + width.drop(6).max()
    assert np.isclose(table["count"][6], table["count"][5], atol=0.3)


def test_single_images_widen_with_the_models_doubt() -> None:
    for spread in (None, 0.5):
        sure, unsure = (alone(singles([8.0] * 3, doubt=doubt), spread) for doubt in (0.1, 1.5))
        assert (unsure["upper"] - unsure["lower"]).min() > 2 * (sure["upper"] - sure["lower"]).max()
        assert set(unsure["flag"]) == {"unlike training"}
        assert set(sure["flag"]) == {""}
    half = 0.5 * USUAL * 1.5 * 3
    assert unsure["upper"][0] == np.floor(8 + half)


def test_counted_single_images_say_how_wide_the_intervals_are() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(4, 12, 80).astype(float)
    predicted = list((truth + rng.normal(0, 2.5, 80)).clip(0))
    counted = [float(t) if k < 20 else np.nan for k, t in enumerate(truth)]
    for spread in (None, 0.2):
        told = alone(singles(predicted, counted), spread)
        held = (told["lower"] <= truth) & (truth <= told["upper"])
        assert held[20:].mean() >= 0.8
    narrow = alone(singles(predicted, counted), 0.2, use_counted=False)
    assert ((narrow["lower"] <= truth) & (truth <= narrow["upper"])).mean() < 0.6
    few = alone(singles(predicted, [5.0, 5.0] + [np.nan] * 78), 0.2)
    assert few["upper"].equals(narrow["upper"])


@pytest.mark.parametrize("cells", [0, 7])
def test_an_interval_never_ends_below_zero(tmp_path: Path, fake_method: None, cells: int) -> None:
    folder = tmp_path / "pc"
    folder.mkdir()
    Image.fromarray(255 - chamber_image(cells)).save(folder / "one.png")
    told = count([folder], fake_model(tmp_path / "m"), modality="pc", single=True, progress=False).table
    assert (told["lower"] >= 0).all()
