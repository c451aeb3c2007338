"""The public functions as a notebook calls them."""

import importlib
import inspect
from pathlib import Path

import pytest
import torch

import twincell
from helpers.training_toys import toy_settings, write_toy_data
from twincell import api
from twincell.errors import UserError


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "small.yaml"
    path.write_text(toy_settings(training__steps=3, training__validation="none").to_yaml())
    return path


def test_train_count_and_transfer(preset: Path, tmp_path: Path) -> None:
    data = write_toy_data(tmp_path / "data", chambers=2, frames=4)
    model = twincell.train(data, tmp_path / "first", preset, seed=1, progress=False)
    counts = twincell.count(data, model, progress=False)
    assert len(counts) == len(twincell.Manifest.read(data).select("train"))
    assert (counts["count"] >= 0).all()
    again = twincell.load(tmp_path / "first")
    weights, same = model.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(weights[name], same[name]) for name in weights)

    moved = twincell.transfer(
        tmp_path / "first", data, tmp_path / "second", "frozen-core", preset, seed=2, progress=False
    )
    core = [name for name in weights if name.startswith("core.") and name.endswith("weight")]
    assert core
    assert all(torch.equal(weights[name], moved.network.state_dict()[name]) for name in core)
    assert any(not torch.equal(weights[name], moved.network.state_dict()[name]) for name in weights)


def test_changes_are_settings_and_unknown_ones_are_refused(preset: Path, tmp_path: Path) -> None:
    data = write_toy_data(tmp_path / "data", chambers=2, frames=4)
    manifest = twincell.Manifest.read(data)
    model = twincell.train(manifest, tmp_path / "one", preset, changes={"training.steps": 1}, progress=False)
    assert model.card.steps == 1
    with pytest.raises(UserError, match="learnrate"):
        twincell.train(manifest, tmp_path / "two", preset, changes={"training.learnrate": 1}, progress=False)
    with pytest.raises(UserError, match="holds"):
        twincell.train(manifest, tmp_path / "one", preset, progress=False)


@pytest.mark.parametrize("verb", ["train", "transfer"])
def test_functions_and_commands_assume_the_same(verb: str) -> None:
    command = getattr(importlib.import_module(f"twincell.cli.{verb}"), verb)
    ours, theirs = (inspect.signature(function).parameters for function in (getattr(api, verb), command))
    shared = {"preset", "scheme", "seed", "resume"} & set(ours) & set(theirs)
    assert {"preset", "seed", "resume"} <= shared
    assert {name: ours[name].default for name in shared} == {name: theirs[name].default for name in shared}
