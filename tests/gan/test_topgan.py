"""The verb and the experiment, at toy size, through the real command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twincell.cli import run
from twincell.models.base.file import load_card
from twincell.phase.simulate import CLASSES, round_cells, sperm_cells

TOY = [
    "--set", "k=[3, 5]", "--set", "arms=[features, topgan, self-supervised]", "--set", "width=2",
    "--set", "unlabelled=64", "--set", "gan_steps=2", "--set", "gan_batch=8", "--set", "contrast_steps=2",
    "--set", "contrast_batch=8", "--set", "steps=3", "--set", "test=6", "--set", "reference=6",
    "--set", "reference_steps=2", "--set", "reference_width=2", "--set", "tuning_k=3",
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's maps: unlabelled in one file, a folder for each class."""
    folder = tmp_path_factory.mktemp("lab")
    np.save(folder / "unlabelled.npy", sperm_cells(24, 1))
    for number, name in enumerate(CLASSES):
        (folder / "classes" / name).mkdir(parents=True)
        np.save(folder / "classes" / name / "maps.npy", round_cells(4, name, number))
    return folder


def words(lab: Path, out: Path, *more: str) -> list[str]:
    return [
        "topgan", str(lab / "unlabelled.npy"), str(lab / "classes"), "--out", str(out),
        "--pretraining-steps", "2", "--steps", "3", "--width", "2", *more,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [pytest.param("gan", marks=pytest.mark.slow), "self-supervised"])
def test_the_verb_makes_a_classifier(
    kind: str, lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    asked = words(lab, out, "--pretraining", kind, "--json", str(tmp_path / "told.json"))
    assert run([*asked, "--classify", str(lab / "classes" / "primary")]) == 0
    assert "hand features" in capsys.readouterr().out
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["features"]["n"] == 12
    assert sum(map(sum, told["features"]["confusion"])) == 12
    card = load_card(out)
    assert card.settings["classes"] == sorted(CLASSES)
    assert card.image.unit == "nm of optical path"
    assert card.data.labelled == 12
    table = pd.read_csv(out / "classified.csv")
    assert len(table) == 4
    np.testing.assert_allclose(table[list(card.settings["classes"])].sum(axis=1), 1, atol=1e-3)
    assert len(pd.read_csv(out / "left-out.csv")) == 12
    pictures = {path.name for path in out.glob("*.png")}
    assert pictures == {"confusion.png", "roc.png"} | ({"samples.png"} if kind == "gan" else set())

    assert run(asked[:-2]) == 2  # nothing is overwritten
    assert run([*asked[:-2], "--resume"]) == 0
    assert run([*asked[:-2], "--resume", "--seed", "1"]) == 2
    assert "other maps or options" in capsys.readouterr().err


def test_faults_are_named_together(lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert run(words(lab, out, "--pretraining", "magic", "--side", "50")) == 2
    told = capsys.readouterr().err
    assert "--pretraining magic" in told
    assert "multiple of 16" in told
    assert run(["topgan", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert not out.exists()


@pytest.mark.slow
def test_the_experiment_goes_on_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "study"
    assert run(["reproduce", "topgan", "--out", str(out), "--seeds", "0,1", *TOY]) == 0
    table = pd.read_csv(out / "topgan.csv")
    assert set(table["arm"]) == {"features", "topgan", "self-supervised"}
    assert (table["seeds"] == 2).all()
    cells = pd.read_csv(out / "topgan-cells.csv")
    assert len(cells) == 3 * 2 * 2
    by_hand = cells[(cells["arm"] == "topgan") & (cells["k"] == 3)]["accuracy"].mean()
    told = table[(table["arm"] == "topgan") & (table["k"] == 3)]["accuracy"].iloc[0]
    assert told == pytest.approx(by_hand, abs=0.01)
    assert {path.name for path in out.glob("*.png")} == {
        "topgan.png", "topgan-confusion.png", "topgan-roc.png", "topgan-maps.png", "phase.png",
    }  # fmt: skip
    assert "A reference that learned from 6 maps a class" in capsys.readouterr().out

    cell = out / "cells" / "topgan-k3-s0.json"
    before = cell.stat().st_mtime_ns
    (out / "cells" / "topgan-k5-s1.json").unlink()
    assert run(["reproduce", "topgan", "--out", str(out), "--seeds", "0,1", *TOY]) == 0
    assert cell.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(
        pd.read_csv(out / "topgan.csv").drop(columns="cpu_seconds"), table.drop(columns="cpu_seconds")
    )


def test_the_experiment_refuses_what_it_has_no_use_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "study")]
    assert run(["reproduce", "topgan", *out, "--manifest", "x.csv", "--folds", "3"]) == 2
    told = capsys.readouterr().err
    assert "--manifest: topgan has no use for it" in told
    assert "--folds" in told
    assert run(["reproduce", "topgan", *out, "--set", "arms=[magic]"]) == 2
    assert "choose among scratch" in capsys.readouterr().err
    assert run(["reproduce", "topgan", *out, "--set", "magic=1"]) == 2
    assert "no such setting" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
