"""Real texture: published crops put together into fields with known drift, rotation and brightness steps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.field_simulator import wander
from helpers.real_fields import RealField
from helpers.recording_toys import write_ome
from twincell.preprocess.import_stack import Chambers, Imported, import_stack

pytestmark = pytest.mark.real
FRAMES = 12
ANGLE = {"bf": 1.7, "pc": -2.6}


@pytest.fixture(scope="module", params=["bf", pytest.param("pc", marks=pytest.mark.slow)])
def field(request: pytest.FixtureRequest, real_cho_k1: Path) -> RealField:
    return RealField(request.param, 2, 2, FRAMES, ANGLE[request.param])


@pytest.fixture(scope="module")
def drift() -> np.ndarray:
    return wander(FRAMES, 1, jumps=(9,))


GAIN = np.where(np.arange(FRAMES) < 6, 1.0, 1.2)


def imported(folder: Path, field: RealField, drift: np.ndarray, gain: np.ndarray) -> tuple[Imported, Path]:
    frames = [field.frame(t, tuple(drift[t]), gain[t]) for t in range(FRAMES)]
    path = write_ome(folder / "field.ome.tif", frames)
    return import_stack([path], folder / "out", Chambers(field.modality), progress=False), folder / "out"


@pytest.fixture(scope="module")
def moved(
    field: RealField, drift: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Imported, Path]:
    return imported(tmp_path_factory.mktemp("moved"), field, drift, GAIN)


def _motion(out: Path) -> np.ndarray:
    return pd.read_csv(out / "frames.csv")[["dx", "dy"]].to_numpy()


def test_added_drift_is_recovered_within_three_tenths_of_a_pixel(
    field: RealField, drift: np.ndarray, moved: tuple[Imported, Path], tmp_path: Path
) -> None:
    """The published crops move by themselves, by up to half a pixel: what was added is what differs."""
    _, still = imported(tmp_path, field, np.zeros((FRAMES, 2)), np.ones(FRAMES))
    error = _motion(moved[1]) - _motion(still) - drift
    assert np.abs(error - np.median(error, axis=0)).max() < 0.3
    whole = _motion(moved[1]) - drift
    assert np.quantile(np.abs(whole - np.median(whole, axis=0)), 0.9) < 0.5  # their own movement included


def test_rotation_and_brightness_are_recovered(field: RealField, moved: tuple[Imported, Path]) -> None:
    """The crops stand upright to about 0.1 degrees, so that much is theirs."""
    found = moved[0].summary["per_position"]["field"]["rotation_degrees"]
    assert found == pytest.approx(field.angle, abs=0.2)
    gain = pd.read_csv(moved[1] / "frames.csv")["gain"].to_numpy() / GAIN
    assert gain.max() / gain.min() < 1.01


def test_all_chambers_are_found_and_all_frames_used(field: RealField, moved: tuple[Imported, Path]) -> None:
    summary = moved[0].summary
    assert summary["chambers"] == len(field.series) == 4
    assert summary["skipped"] == {}
    assert summary["images"] == 4 * FRAMES


def test_crops_look_like_the_published_ones(field: RealField, moved: tuple[Imported, Path]) -> None:
    """The published crop comes back: same place, same scale, the usual grey level."""
    for k, files in enumerate(field.series):
        with Image.open(moved[1] / f"images/field-ch{k + 1:02}/t00001.png") as picture:
            ours = np.asarray(picture).astype(float)
        with Image.open(files[0]) as picture:
            theirs = np.asarray(picture.convert("L")).astype(float)
        inner = (slice(16, -16), slice(16, -16))
        best = max(
            np.corrcoef(np.roll(ours, (dy, dx), (0, 1))[inner].ravel(), theirs[inner].ravel())[0, 1]
            for dy in range(-4, 5)
            for dx in range(-4, 5)
        )
        assert best > 0.6
        assert np.median(ours) == pytest.approx(field.level, abs=12)  # usual among the published chambers
