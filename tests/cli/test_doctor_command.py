"""`twincell doctor`: what works here."""

import json
from pathlib import Path

import pytest

from twincell import doctor
from twincell.cli import run
from twincell.models.base import file as model_file


def test_it_says_what_works_and_how_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", str(tmp_path), "--json", str(tmp_path / "found.json")]) == 0
    said = capsys.readouterr().out
    found = {entry["what"]: entry for entry in json.loads((tmp_path / "found.json").read_text())}
    assert {"Python", "processor", "memory", "this folder", "torch", "GPU", "model any"} <= found.keys()
    assert "chambers (128 x 128 px) a second" in found["model any"]["value"]
    assert all(what in said for what in found)


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_models", list)  # how fast they are takes seconds
    monkeypatch.setattr(doctor, "EXTRAS", {"no-such-package": "reads nothing"})
    (found,) = [entry for entry in doctor.examine() if entry.what == "no-such-package"]
    assert (found.state, found.cure) == ("missing", "pip install no-such-package")


def test_a_damaged_model_is_trouble_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"any{suffix}").write_bytes((model_file.SHIPPED / f"any{suffix}").read_bytes())
    with (tmp_path / "any.safetensors").open("r+b") as weights:
        weights.seek(500_000)
        weights.write(b"flipped")
    monkeypatch.setattr(model_file, "SHIPPED", tmp_path)
    assert run(["doctor", str(tmp_path)]) == 1
    assert "!!  model any" in capsys.readouterr().out


def test_a_full_disk_and_little_memory_are_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_models", list)
    monkeypatch.setattr(doctor, "LITTLE_DISK", 1e9)
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 1e9)
    states = {entry.what: entry.state for entry in doctor.examine(tmp_path)}
    assert states["this folder"] == states["memory"] == "trouble"
