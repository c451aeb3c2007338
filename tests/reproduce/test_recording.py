"""Frames of known chambers read within their recording: training labels help, test labels have no part."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor

from helpers.reproduce_toys import SMALL
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.evaluate.protocols import Trial, published
from twincell.models.base.method import Prediction
from twincell.reproduce.recording import ALONE, COUNTED, read_recordings

FRAMES, TOO_MANY = 48, 2.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Two chambers of 48 frames, each frame's grey level its true count, every third frame labelled."""
    folder = tmp_path_factory.mktemp("recording")
    rows = []
    for chamber, first in (("a", 5), ("b", 9)):
        for frame in range(FRAMES):
            count = first + frame // 12
            name = f"{chamber}{frame:02d}.png"
            Image.fromarray(np.full((128, 128), count, np.uint8)).save(folder / name)
            label = float(count) if frame % 3 == 0 else np.nan
            rows.append((name, label, "train", "pc", "natural", chamber, frame))
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    return Manifest.read(Manifest(pd.DataFrame(rows, columns=columns), folder).write(folder / "manifest.csv"))


@pytest.fixture
def trial(recording: Manifest) -> Trial:
    return published(recording, "pc", seed=0)[0]


def always_too_many(images: Tensor) -> Prediction:
    """Reads the grey level, and overcounts by two cells."""
    assert images.dtype == torch.uint8
    return Prediction(images[:, 0, 0, 0].float() + TOO_MANY)


def errors(counts: np.ndarray, trial: Trial) -> np.ndarray:
    table = trial.manifest.table
    labels = table["count"][(table["split"] == "test") & table["count"].notna()].to_numpy()
    assert len(counts) == len(labels) == 8
    return counts - labels


def test_counted_training_frames_take_off_a_chambers_bias(trial: Trial) -> None:
    read = read_recordings(trial, SimpleNamespace(predict=always_too_many))
    assert list(read) == [ALONE, COUNTED]
    assert abs(errors(read[ALONE], trial)).mean() > 1.5, "nothing tells that every frame is overcounted"
    assert abs(errors(read[COUNTED], trial)).mean() < 0.3


def test_labels_of_test_frames_have_no_part_in_it(trial: Trial) -> None:
    table = trial.manifest.table.copy()
    test = (table["split"] == "test") & table["count"].notna()
    table.loc[test, "count"] = 60.0
    other = Trial(trial.protocol, "pc", None, 0, 0, Manifest(table, trial.manifest.root))
    model = SimpleNamespace(predict=always_too_many)
    one, two = read_recordings(trial, model), read_recordings(other, model)
    for name in (ALONE, COUNTED):
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.slow
def test_the_published_protocol_tells_it_for_methods_with_maps(recording: Manifest, tmp_path: Path) -> None:
    words = ["reproduce", "published", "--manifest", str(recording.root), "--steps", "2"]
    small = ["--set", "start=null", "--set", "model.network.width=4", "--set", "model.network.depth=1"]
    quick = ["--set", "synthetic.pool=8", "--set", "batch.size=4"]
    assert run([*words, "--out", str(tmp_path / "maps"), *small, *quick]) == 0
    table = pd.read_csv(tmp_path / "maps" / "published.csv").set_index("method")
    assert table.loc[[ALONE, COUNTED], "n"].tolist() == [8, 8]
    assert table.loc[COUNTED, "mae"] <= table.loc["model", "mae"]
    assert run([*words, "--out", str(tmp_path / "no-maps"), "--preset", "compact", *SMALL]) == 0
    assert COUNTED not in pd.read_csv(tmp_path / "no-maps" / "published.csv")["method"].tolist()
