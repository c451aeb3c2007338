"""`twincell check` as a user calls it."""

import json
from pathlib import Path

import pytest

from twincell.cli import run


def test_a_sound_data_set_ends_with_0_and_its_numbers(
    imported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(imported / "manifest.csv")]) == 0
    printed = capsys.readouterr().out
    assert "72 images, 18 labelled, 6 chambers" in printed
    assert "no errors, 1 warning" in printed
    assert "pc-13" in printed


def test_errors_end_with_2_and_lie_in_the_json(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = dataset / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",train,", ",trian,", 1))
    assert run(["check", str(dataset), "--json", str(tmp_path / "check.json")]) == 2
    printed = capsys.readouterr().out
    assert (
        f"error: {manifest}, line 2: split 'trian' is not known; write one of train, val, test\n" in printed
    )
    assert "1 error, " in printed
    report = json.loads((tmp_path / "check.json").read_text())
    assert report["ok"] is False
    assert report["errors"] == 1
    assert report["faults"][0]["where"] == f"{manifest}, line 2"
    assert set(report["faults"][0]) == {"severity", "where", "what", "cure"}
    assert report["summary"] is None


def test_the_json_of_a_sound_data_set_counts_what_is_there(imported: Path, tmp_path: Path) -> None:
    assert run(["check", str(imported), "--json", str(tmp_path / "check.json")]) == 0
    summary = json.loads((tmp_path / "check.json").read_text())["summary"]
    assert summary["images"] == 72
    parts = {(part["modality"], part["split"]): part for part in summary["parts"]}
    assert parts["bf", "train"]["labelled"] == 9
    assert parts["pc", "test"] == {
        "modality": "pc",
        "origin": "natural",
        "split": "test",
        "images": 9,
        "labelled": 0,
        "chambers": 3,
        "counts": None,
    }
    chamber = next(part for part in summary["per_chamber"] if part["chamber"] == "pc-07")
    assert chamber["frames"] == [1, 12]
    assert chamber["counts"] == [4, 6]


def test_an_empty_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tmp_path)]) == 2
    assert f"{tmp_path / 'manifest.csv'}: is missing; name a manifest.csv" in capsys.readouterr().out
