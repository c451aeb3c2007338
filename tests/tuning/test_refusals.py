"""What `twincell tune` refuses before any trial, and the spaces that ship with it."""

import sys
from pathlib import Path

import pytest
import yaml

from helpers.training_toys import write_toy_data
from helpers.tune_toys import SPACE, command
from twincell.cli import run
from twincell.presets import load_preset


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("space") / "mine.yaml"
    path.write_text(SPACE)
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "grid"], "use one of tpe, coordinate"),
        (["--folds", "9"], "4 chambers of split train have counts"),
        (["--preset", "bst"], "bst"),
        (["--preset", "nearest"], "finds its own numbers"),
        (["--preset", "watershed"], "finds its own numbers"),
        (["--space", "nowhere.yaml"], "nowhere.yaml"),
        (["--storage", "nosuch://x"], "--storage nosuch://x"),
        (["--trials", "0"], "--trials"),
        (["--steps", "3", "--epochs", "3"], "--steps and --epochs"),
        (["--start", "nowhere"], "nowhere"),
    ],
)
def test_bad_words_are_answered(
    words: list[str], said: str, toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tune", str(toys), "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "trials").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rate: {set: training.learning_rat, values: [1, 2]}", "training.learning_rat"),
        ("rate: {set: training.learning_rate, values: [0.1]}", "values"),
        ("rate: {set: training.learning_rate, values: [0.1, -1]}", "-1"),
        ("rate: {set: training.learning_rate, multiply: training.ema, values: [1, 2]}", "one of set and"),
        ("rate: {multiply: training.learning_rate, values: [0, 1], scale: log}", "above 0"),
        ("rate: {multiply: training.learning_rate, values: [low, high]}", "need numbers"),
        ("schedule: {set: training.schedule, values: [constant, linear]}", "linear"),
        ("rate: {set: training.learning_rate, value: [1, 2]}", "value"),
        ("noise: {set: augment.noise, values: [1, 2]}", "use multiply"),
        ("offset: {multiply: augment.offset, values: [1, 2]}", "nothing to vary"),
        ("begin: {set: start, values: [any, nowhere]}", "begin: value 'nowhere': no model 'nowhere'"),
        ("- a list", "NAME"),
        ("a: [unclosed", "YAML"),
    ],
)
def test_a_bad_space_is_answered(
    line: str, said: str, toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(line)
    assert run(command(toys, tmp_path / "out", path)) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_left_alone(
    toys: Path, space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert run(command(toys, tmp_path, space)) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_without_optuna_the_cure_is_named(
    toys: Path,
    space: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert run(command(toys, tmp_path / "out", space)) == 2
    assert "pip install optuna" in capsys.readouterr().err


def test_a_search_tells_when_the_preset_itself_cannot_be_trained(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys = write_toy_data(tmp_path / "data", synthetic=0)
    words = ["--set", "synthetic.source=manifest", "--trials", "2"]
    assert run(command(toys, tmp_path / "out", space, *words)) == 2
    assert "synthetic" in capsys.readouterr().err


def test_shipped_spaces_fit_their_presets() -> None:
    from twincell.tuning.space import read_space

    for preset, left_out in (("best", 1), ("compact", 1), ("paper-pc", 1), ("paper-bf", 1)):
        found = read_space(load_preset(preset))
        assert len(found.left_out) == left_out, preset  # the scheme, where nothing is transferred
        assert found.own == {p.name: p.own for p in found.parameters}
        assert found.changes(found.own) == {}
    moved = load_preset("compact").changed({"transfer": {"scheme": "full"}})
    assert [p.name for p in read_space(moved).parameters] == [
        "training time", "transfer scheme", "image noise", "image crop", "learning rate",
        "learning rate schedule", "reconstruction loss", "regression loss", "KL loss",
    ]  # fmt: skip


def test_every_line_of_a_shipped_space_gives_its_reason() -> None:
    import twincell.tuning.space as module

    for path in sorted(Path(module.__file__).with_name("spaces").glob("*.yaml")):
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) == len(yaml.safe_load(path.read_text()))
        assert all("  # " in line for line in lines), path
