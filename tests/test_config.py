"""Settings: every key known, every value checked, every preset line with its reason."""

from importlib.resources import files

import pytest
import yaml

from twincell.config import Settings, parse_overrides
from twincell.errors import UserError
from twincell.presets import build_settings, load_preset, preset_names

PRESETS = preset_names()


def faults(changes: dict[str, object], preset: str = "compact") -> list[str]:
    with pytest.raises(UserError) as raised:
        load_preset(preset).changed(changes)
    return raised.value.problems


@pytest.mark.parametrize("name", ["compact", "paper-bf", "paper-pc"])
def test_every_line_of_a_preset_has_its_reason(name: str) -> None:
    text = (files("twincell") / "presets" / f"{name}.yaml").read_text()
    bare = [line for line in text.splitlines() if line.strip() and "#" not in line]
    assert bare == []


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_written_and_read(name: str, tmp_path) -> None:
    settings = load_preset(name)
    (tmp_path / "again.yaml").write_text(settings.to_yaml())
    assert load_preset(tmp_path / "again.yaml") == settings


def test_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"preset 'papr' is unknown: use one of .*paper-pc"):
        load_preset("papr")


def test_missing_and_broken_files_are_told_apart(tmp_path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_preset(tmp_path / "no.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(UserError, match="not valid YAML"):
        load_preset(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(UserError, match="found list"):
        load_preset(tmp_path / "list.yaml")


def test_all_faults_are_told_at_once() -> None:
    found = faults({"training.optimizer": "lion", "augment.crop": 2, "batch.siez": 3, "training.steps": -1})
    assert len(found) == 4
    assert any("batch.siez: no such setting" in line for line in found)
    assert any("augment.crop" in line and "found 2" in line for line in found)
    assert any("training.optimizer" in line and "'sgd'" in line for line in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.network.widths": [1]}, "model.network.widths: no such setting"),
        ({"model.network.channels": [1, 2]}, "model.network.channels"),
        ({"model.loss.pixels": "l1"}, "model.loss.pixels"),
        ({"method": "yolo"}, "name a preset of yolo instead"),
        ({"nowhere.to.be": 1}, "there is no section 'nowhere'"),
        ({"training.steps": 5, "training.epochs": 5}, "exactly one of epochs and steps"),
        ({"training.steps": None, "training.epochs": None}, "exactly one of epochs and steps"),
        ({"version": 2}, "version"),
        ({"transfer": {"scheme": "melt"}}, "transfer.scheme"),
    ],
)
def test_a_fault_names_its_key(changes: dict[str, object], words: str) -> None:
    assert any(words in line for line in faults(changes)), faults(changes)


def test_a_missing_section_is_named() -> None:
    with pytest.raises(UserError, match="training: is missing"):
        build_settings({"name": "x", "method": "twin_vae", "model": {}}, "x")


def test_overrides_read_numbers_lists_and_words() -> None:
    read = parse_overrides(
        ["training.learning_rate=1e-3", "augment.noise=[0, 0.1]", "batch.teacher=weigh", "a.b="]
    )
    assert read == {
        "training.learning_rate": 1e-3,
        "augment.noise": [0, 0.1],
        "batch.teacher": "weigh",
        "a.b": None,
    }


def test_overrides_without_a_value_are_refused_together() -> None:
    with pytest.raises(UserError) as raised:
        parse_overrides(["steps", "=3", "training.steps=3"])
    assert len(raised.value.problems) == 2


def test_settings_never_change_in_place() -> None:
    settings = load_preset("compact")
    with pytest.raises(ValueError, match="frozen"):
        settings.training.steps = 3  # type: ignore[misc]
    changed = settings.changed({"training.steps": 3})
    assert isinstance(changed, Settings)
    assert settings.training.steps != 3
    assert changed.training.steps == 3


def test_yaml_numbers_in_presets_are_numbers() -> None:
    """YAML 1.1 reads `1e-5` as text; presets have to write `1.0e-5`."""
    raw = yaml.safe_load((files("twincell") / "presets" / "paper-pc.yaml").read_text())
    assert isinstance(raw["training"]["weight_decay"], float)
