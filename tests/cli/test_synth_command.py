import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from twincell.cli import run
from twincell.data.manifest import Manifest


def pixels(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in Manifest.read(folder).paths])


def test_synth_writes_images_manifest_positions_and_a_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, summary = tmp_path / "out", tmp_path / "summary.json"
    words = ["synth", "optics-bf", "-n", "6", "--seed", "3", "--out", str(out), "--json", str(summary)]
    assert run([*words, "--counts-plot", "--set", "scene.counts.most=4", "--set", "look.dirt=0"]) == 0
    assert str(out / "manifest.csv") in capsys.readouterr().out
    table = Manifest.read(out).table
    assert len(table) == 6
    assert table["count"].max() <= 4
    assert len(pd.read_csv(out / "centres.csv")) == table["count"].sum()
    assert (out / "counts.png").read_bytes()[:4] == b"\x89PNG"
    said = json.loads(summary.read_text())
    assert said["images"] == 6
    assert sum(said["counts"].values()) == 6
    settings = json.loads((out / "settings.json").read_text())
    assert settings["scene"]["counts"]["most"] == 4
    assert settings["look"]["dirt"] == 0


def test_the_amount_does_not_change_an_image(tmp_path: Path) -> None:
    for name, n, start in (("all", "5", "0"), ("some", "2", "3")):
        assert (
            run(
                [
                    "synth",
                    "optics-pc",
                    "-n",
                    n,
                    "--start",
                    start,
                    "--seed",
                    "1",
                    "--out",
                    str(tmp_path / name),
                ]
            )
            == 0
        )
    assert np.array_equal(pixels(tmp_path / "all")[3:], pixels(tmp_path / "some"))


def test_cells_are_drawn_over_natural_backgrounds(imported: Path, tmp_path: Path) -> None:
    words = ["synth", "ellipse-bf", "-n", "2", "--set", "scene.counts.most=1"]
    assert run([*words, "--out", str(tmp_path / "drawn")]) == 0
    assert run([*words, "--out", str(tmp_path / "natural"), "--backgrounds", str(imported)]) == 0
    difference = pixels(tmp_path / "drawn").astype(int) - pixels(tmp_path / "natural")
    assert np.abs(difference).mean() > 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["nonsense"],
            "'nonsense' is not known; choose one of: crowd-bf, drops-bf, ellipse-bf, ellipse-pc, large-bf",
        ),
        (["optics-bf", "-n", "0"], "n = 0: at least 1 image is needed"),
        (["optics-bf", "--start", "-2"], "start = -2"),
        (
            ["optics-bf", "--set", "scene.counts.most"],
            "--set 'scene.counts.most': write it as section.name=value",
        ),
        (["optics-bf", "--set", "scene.counts.most=many"], "scene.counts.most = 'many'"),
        (["optics-bf", "--set", "counts.most=3"], "must begin with 'scene.' or 'look.'"),
        (["optics-bf", "--backgrounds", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_words_end_with_2_and_a_sentence(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["synth", *words, "--out", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["synth", "ellipse-pc", "-n", "1", "--out", str(tmp_path / "out")]
    assert run(words) == 0
    before = pixels(tmp_path / "out")
    assert run([*words, "--seed", "9"]) == 2
    assert "holds files already" in capsys.readouterr().err
    assert np.array_equal(pixels(tmp_path / "out"), before)


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synth", "--help"]) == 0
    assert "Example: twincell synth optics-pc" in capsys.readouterr().out
