"""Experiments without trainings, Figure 9 and the open readings: what they write, at toy size."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.reproduce_toys import SMALL, write_two_modalities
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.presets import load_preset
from twincell.reproduce import figure9, readings
from twincell.reproduce.figure9 import PANELS
from twincell.reproduce.request import Request


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_modalities(tmp_path_factory.mktemp("two"))


def light(name: str, data: Path, out: Path, *words: str) -> None:
    assert run(["reproduce", name, "--manifest", str(data), "--out", str(out), *words]) == 0


def request(data: Path, out: Path, preset: str = "compact") -> Request:
    return Request(Manifest.read(data), out, load_preset(preset), None, (0,), ("bf", "pc"), folds=2)


def test_table1_counts_the_images(data: Path, tmp_path: Path) -> None:
    light("table1", data, tmp_path)
    table = pd.read_csv(tmp_path / "table1.csv").set_index("name")
    assert len(table) == 12
    assert table.loc["Nat-BF-L-Tr", "images"] == table.loc["Nat-BF-U-Tr", "images"] == 16  # 8 chambers of 4
    assert table.loc["Syn-PC-L-Tr", "images"] == 32
    assert table.loc["Nat-PC-L-Te", "images"] == 0
    assert table["paper"].tolist() == [281, 2188, 290, 224, 2469, 514, 209, 2943, 398, 394, 3152, 792]


def test_figure2_holds_every_image_with_a_known_count(data: Path, tmp_path: Path) -> None:
    light("figure2", data, tmp_path)
    table = pd.read_csv(tmp_path / "figure2.csv")
    counts = Manifest.read(data).table
    for modality, own in table.groupby("modality"):
        known = counts[counts["modality"] == modality]
        assert own["counted"].sum() == known["count"].notna().sum()
        one = known["count"].value_counts()
        assert own.set_index("count")["counted"][2] == one.get(2.0, 0)
        assert own["interpolated"].sum() == 8  # frame 1 of each chamber; frame 3 has no counted one behind it
        assert own["drawn"].sum() == pytest.approx((own["counted"] + own["interpolated"]).sum(), rel=1e-4)
        drawn = own.set_index("count")["drawn"]
        assert drawn[1] / drawn[30] == pytest.approx(35 / 6, rel=1e-4)
    assert Image.open(tmp_path / "figure2.png").size[0] > 500


def test_figure3_shows_natural_and_drawn_images(data: Path, tmp_path: Path) -> None:
    light("figure3", data, tmp_path)
    lines = pd.read_csv(tmp_path / "samples.csv")
    assert set(lines["row"]) == {"natural", "ellipse-bf", "optics-bf", "ellipse-pc", "optics-pc"}
    sheet = np.asarray(Image.open(tmp_path / "samples-bf.png"))
    assert sheet.shape == (3 * 131 - 3, 6 * 131 - 3)
    assert lines.loc[lines["row"] == "ellipse-bf", "cells"].between(1, 30).all()


def test_figure4_has_every_layer_and_all_parameters(data: Path, tmp_path: Path) -> None:
    light("figure4", data, tmp_path)
    table = pd.read_csv(tmp_path / "figure4.csv")
    assert table["part"].value_counts().to_dict() == {"natural": 9, "synthetic": 9, "core": 5, "regressor": 3}
    assert round(table["parameters"].sum() / 1e6, 2) == 11.36
    outputs = table.set_index("layer")["output"]
    assert outputs["natural.encoder.0.0"] == "32 x 62 x 62"
    assert outputs["synthetic.decoder.4.0"] == "1 x 128 x 128"
    assert outputs["core.mean"] == "256"
    assert "11.36 million" in (tmp_path / "figure4.md").read_text()


def test_figure9_varies_the_papers_six_parameters_one_at_a_time(data: Path, tmp_path: Path) -> None:
    stages = figure9.stages(request(data, tmp_path))
    plain = next(stage for stage in stages if stage.name == "full")
    assert {stage.name.split("-")[0] for stage in stages} - {"full"} == {name for name, _ in PANELS}
    assert len({stage.name for stage in stages}) == len(stages)
    was = plain.settings.model_dump(mode="json")
    for stage in stages:
        own = stage.settings.model_dump(mode="json")
        if stage.name.startswith("pretrain"):
            assert own == was
            assert stage.start is not None
            assert stage.start.settings.training.steps < plain.start.settings.training.steps  # type: ignore[union-attr]
        elif stage is not plain:
            section = "model" if stage.name.split("-")[0] in figure9.LOSSES else "augment"
            assert own[section] != was[section], stage.name
            assert {k: v for k, v in own.items() if k != section} == {
                k: v for k, v in was.items() if k != section
            }


@pytest.mark.slow
def test_figure9_writes_a_panel_for_each_parameter(data: Path, tmp_path: Path) -> None:
    words = ["--preset", "compact", "--folds", "2", "--only", "0", "--steps", "5", *SMALL]
    light("figure9", data, tmp_path, *words, "--rows", "full,kl-10,crop-0.9,pretrain-0.05")
    table = pd.read_csv(tmp_path / "figure9.csv")
    last = table[table["method"] == "model"].set_index("stage")
    assert set(last.index) == {"full", "kl-10", "crop-0.9", "pretrain-0.05"}
    assert last.loc["crop-0.9", ["parameter", "value"]].tolist() == ["crop", 0.9]
    assert Image.open(tmp_path / "figure9.png").size[0] > 500


def test_readings_are_the_other_choice_of_each_setting(data: Path, tmp_path: Path) -> None:
    compact = {stage.name for stage in readings.stages(request(data, tmp_path))}
    assert compact == {"scratch", "reads-decoder", "dropout-whole"}
    paper = {stage.name for stage in readings.stages(request(data, tmp_path, "paper-pc"))}
    assert paper == {"scratch", "reads-decoder", "dropout-behind"}


@pytest.mark.parametrize("words", [[], ["--paper-scale"]])
def test_results_of_a_release_that_knew_fewer_settings_are_gone_on_with(
    words: list[str], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    light("table1", data, tmp_path, *words)
    kept = tmp_path / "settings.yaml"
    told = kept.read_text()
    new = ("  tests: null\n", "  drawn_first: 0.0\n", "  through_natural: 0.0\n")
    for line in new:
        assert line in told
        told = told.replace(line, "")
    kept.write_text(told)
    light("table1", data, tmp_path, *words)
    kept.write_text(told.replace("synthetic_per_natural: 1.0", "synthetic_per_natural: 3.0", 1))
    assert run(["reproduce", "table1", "--manifest", str(data), "--out", str(tmp_path), *words]) == 2
    assert "other settings" in capsys.readouterr().err
