"""Experiments through the real command, at toy size."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from helpers.training_toys import write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.presets import load_preset
from twincell.reproduce.ablation import ROWS
from twincell.reproduce.catalogue import EXPERIMENTS
from twincell.reproduce.summary import summarise

QUICK = [
    "--set", "start=null", "--set", "model.network.width=4", "--set", "model.network.depth=1", "--steps", "2",
    "--set", "synthetic.pool=8", "--set", "batch.size=4", "--folds", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("toys"))


def test_the_list_names_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(EXPERIMENTS)


def test_every_table_and_figure_of_the_paper_has_a_command() -> None:
    told = " ".join(experiment.shows for experiment in EXPERIMENTS.values())
    named = {f"{kind} {number}" for kind, number in re.findall(r"(Table|Figure) (\d+)", told)}
    for first, last in re.findall(r"Figures (\d+) to (\d+)", told):
        named |= {f"Figure {number}" for number in range(int(first), int(last) + 1)}
    assert named >= {"Table 1", "Table 2", *(f"Figure {number}" for number in range(1, 15))}


def test_leave_chamber_out_makes_tables_and_does_nothing_twice(toys: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "leave-chamber-out", "--manifest", str(toys), "--out", str(out), *QUICK]
    assert run([*command, "--only", "0"]) == 0
    first = out / "leave-chamber-out-pc-fold0-seed0" / "figures.json"
    written = first.stat().st_mtime_ns
    assert run(command) == 0
    assert first.stat().st_mtime_ns == written
    table = pd.read_csv(out / "leave-chamber-out.csv")
    methods = ["model", "model, standing dirt taken off", "constant median", "time interpolation"]
    assert list(table["method"]) == methods
    assert set(table["n"]) == {12.0}
    assert set(table["trials"]) == {2}
    frames = pd.read_csv(out / "leave-chamber-out-frames.csv")
    assert len(frames) == 24  # every frame of every chamber, labelled or not
    assert frames["predicted"].notna().all()
    assert "| pc | model |" in (out / "leave-chamber-out.md").read_text()


def test_other_settings_are_not_mixed_into_a_folder(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "published", "--manifest", str(toys), "--out", str(out), *QUICK]
    assert run(command) == 0
    assert run([*command, "--set", "training.ema=0.5"]) == 2
    assert "other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table99", "--manifest", "x", "--out", "y"], "table99"),
        (["published"], "--manifest"),
        (["published", "--manifest", "nowhere", "--out", "y"], "nowhere"),
    ],
)
def test_bad_words_are_answered(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leave-chamber-out", "--only", "1,5"], "--only 5: no such fold; choose among 0, 1"),
        (["leave-chamber-out", "--modalities", "bf"], "modality 'bf'"),
        (["ratio"], "a transfer needs two"),
        (["published", "--seeds", "0,2"], "modality pc, seed 2: of each chamber's labels numbers 4, 8,"),
        (["tuning", "--preset", "nearest"], "finds its own numbers"),
        (["tuning", "--preset", "watershed", "--rows", "learning rate"], "finds its own numbers"),
        (["leave-chamber-out", "--preset", "nearest", "--start", "cho-pc"], "leave out the start"),
    ],
)
def test_what_cannot_be_done_leaves_no_folder(
    words: list[str], said: str, toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["reproduce", *words, "--manifest", str(toys), "--out", str(out), "--folds", "2"]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_without_labels_only_methods_that_draw_are_tried(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "labels", "--manifest", str(toys), "--out", str(out)]
    assert run([*command, "--preset", "nearest", "--folds", "2", "--only", "0"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("k = 0 is left out: nearest draws no images")
    assert sorted({folder.name.split("-")[2] for folder in out.glob("labels-*-fold0-seed0")}) == [
        "k10", "k20", "k5", "k50", "kall",
    ]  # fmt: skip
    assert run([*command, *QUICK, "--estimate"]) == 0
    assert "k = 0" not in capsys.readouterr().out


@pytest.mark.parametrize("experiment", ["leave-chamber-out", "tuning"])
def test_nothing_to_learn_from_is_found_before_any_training(
    experiment: str, toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = Manifest.read(toys)
    bare = images.table.assign(
        count=images.table["count"].where(images.table["chamber"].isin(["c0", "drawn"]))
    )
    manifest = Manifest(bare, images.root).write(toys.parent / "bare.csv")
    command = ["reproduce", experiment, "--manifest", str(manifest), "--out", str(tmp_path / "out")]
    assert run([*command, "--preset", "compact", "--set", "synthetic.source=none", "--folds", "4"]) == 2
    told = capsys.readouterr().err
    assert "no training image has a count" in told
    assert len(told.splitlines()) == 1  # of four folds, the one whose training chambers have no label
    assert not (tmp_path / "out").exists()


def test_every_ablation_is_a_valid_recipe_of_its_own() -> None:
    rows = yaml.safe_load(ROWS.read_text())
    assert len(rows) >= 9
    assert len({row["folder"] for row in rows.values()}) == len(rows)
    recipe = load_preset("best")
    changed = [recipe.changed(row.get("set", {})).to_yaml() for row in rows.values()]
    assert len(set(changed)) == len(rows)


def test_a_table_pools_frames_not_folds() -> None:
    def trial(fold: int, n: int, mae: float) -> dict:
        scores = {"n": n, "mae": mae, "mre": 1.0, "accuracy": 50.0, "mae_raw": mae, "bias": 0.0}
        return {
            "modality": "pc",
            "fold": fold,
            "seed": 0,
            "training_seconds": 10.0,
            "methods": {"model": scores},
        }

    table = summarise([trial(0, 30, 1.0), trial(1, 10, 0.2)], ("modality",))
    assert table.loc[0, "mae"] == pytest.approx((30 * 1.0 + 10 * 0.2) / 40)
    assert table.loc[0, "mae_error"] == pytest.approx(0.4)
    assert json.loads(table.to_json(orient="records"))[0]["n"] == 40


def test_an_estimate_says_how_long_and_does_nothing(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "leave-chamber-out", "--manifest", str(toys), "--out", str(out), *QUICK]
    assert run([*command, "--estimate"]) == 0
    told = capsys.readouterr().out
    row = next(line for line in told.splitlines() if "leave-chamber-out, pc" in line)
    assert row.split("|")[2:4] == [" 2 ", " 2 "]  # trainings, steps of each
    assert float(row.split("|")[4]) > 0
    assert "one after the other" in told
    assert not out.exists()


def test_paper_scale_takes_the_papers_settings_and_length(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--manifest", str(toys), "--out", str(tmp_path / "out"), "--paper-scale", "--estimate"]
    narrow = "model.network={channels: [4, 4, 8, 8], core: 16, latent: 8, regressor: [8, 8]}"
    assert run(["reproduce", "published", *words, "--set", narrow]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "interleaved, pc" in line)
    # 18 natural images in training, 64 a step: one step an epoch, 50,000 epochs.
    assert row.split("|")[3] == " 50000 "
    assert run(["reproduce", "published", *words, "--preset", "compact"]) == 2
    assert "--paper-scale and --preset" in capsys.readouterr().err
