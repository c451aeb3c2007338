"""The last step of a density network's training: its counts level with the counted frames, no others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.training_toys import write_toy_data
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.models.base.file import load_model
from twincell.models.components.count_calibration import calibrated_gain
from twincell.models.density_network.network import DensityNetwork
from twincell.presets import load_preset
from twincell.training import fit

TINY = {
    "model.network.width": 4, "model.network.depth": 1, "start": None, "batch.size": 4, "synthetic.pool": 8,
    "training.steps": 6, "training.validation": "none", "counting.test_time_flips": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return Manifest.read(write_toy_data(tmp_path_factory.mktemp("toys")))


def tiny(**changes: Any) -> Settings:
    return load_preset("best").changed(TINY | {key.replace("__", "."): v for key, v in changes.items()})


def gain_of(run: Path) -> float:
    network = load_model(run).network
    assert isinstance(network, DensityNetwork)
    return float(network.gain)


def by_hand(run: Path, data: Manifest) -> float:
    """The gain from the saved model's own counts of all counted training images, the gain taken off."""
    counted = data.natural & data.labelled & (data.table["split"] == "train").to_numpy()
    store = ImageStore.load(data.select(counted), progress=False)
    return calibrated_gain(load_model(run).predict(store.images).count / gain_of(run), store.counts)


def test_it_is_fitted_to_the_counted_training_frames(data: Manifest, tmp_path: Path) -> None:
    fit(tiny(), data, tmp_path / "run", progress=False)
    assert gain_of(tmp_path / "run") == pytest.approx(by_hand(tmp_path / "run", data), abs=1e-5)
    assert gain_of(tmp_path / "run") != 1.0


def test_soft_targets_are_not_taken_for_counted_frames(data: Manifest, tmp_path: Path) -> None:
    rows = int((data.table["split"] == "train").sum())
    soft = torch.from_numpy(np.full(rows, 50.0, np.float32))
    fit(tiny(teacher__kind="none"), data, tmp_path / "run", targets=soft, progress=False)
    assert gain_of(tmp_path / "run") == pytest.approx(by_hand(tmp_path / "run", data), abs=1e-5)


def test_a_model_of_drawn_scenes_alone_keeps_a_factor_of_one(data: Manifest, tmp_path: Path) -> None:
    fit(tiny(batch__natural=False), data, tmp_path / "run", progress=False)
    assert gain_of(tmp_path / "run") == 1.0


def test_a_start_with_a_gain_of_its_own_is_fitted_anew(data: Manifest, tmp_path: Path) -> None:
    fit(tiny(), data, tmp_path / "first", progress=False)
    fit(tiny(), data, tmp_path / "second", start=tmp_path / "first", seed=1, progress=False)
    assert gain_of(tmp_path / "second") == pytest.approx(
        gain_of(tmp_path / "first") * _ratio(tmp_path, data), abs=1e-5
    )


def _ratio(folder: Path, data: Manifest) -> float:
    """What the second training's own counts asked for, beyond the gain it started with."""
    first = gain_of(folder / "first")
    counted = data.natural & data.labelled & (data.table["split"] == "train").to_numpy()
    store = ImageStore.load(data.select(counted), progress=False)
    bare = load_model(folder / "second").predict(store.images).count / gain_of(folder / "second")
    return calibrated_gain(bare * first, store.counts)
