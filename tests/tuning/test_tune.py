"""`twincell tune` through the real command, at toy size."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from helpers.training_toys import write_toy_data
from helpers.tune_toys import PARAMETERS, SPACE, command
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.presets import load_preset
from twincell.tuning.objective import folds_of


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("space") / "mine.yaml"
    path.write_text(SPACE)
    return path


@pytest.fixture(scope="module")
def searched(toys: Path, space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of five trials with seed 3, never interrupted."""
    out = tmp_path_factory.mktemp("searched") / "out"
    assert run(command(toys, out, space, "--seed", "3", "--trials", "5", "--json", str(out / "s.json"))) == 0
    return out


def in_background(words: list[str]) -> subprocess.Popen:
    code = "import sys; from twincell.cli import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for(path: Path, process: subprocess.Popen) -> None:
    started = time.monotonic()
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() - started < 240
        time.sleep(0.02)


def test_it_finds_better_than_a_bad_start(searched: Path) -> None:
    table = pd.read_csv(searched / "trials.csv")
    summary = json.loads((searched / "s.json").read_text())
    assert table.loc[0, "learning rate"] == 1  # the preset itself is the first
    assert summary["preset_mae"] == table.loc[0, "mae"]
    assert summary["best"]["mae"] == table["mae"].min() < 0.8 * table.loc[0, "mae"]
    assert summary["best"]["settings"]["training.learning_rate"] < 5
    assert (table.loc[table["state"] == "finished", "n"] == 12).all()  # every counted frame, once


def test_the_best_is_a_preset(searched: Path) -> None:
    summary = json.loads((searched / "s.json").read_text())
    tuned = load_preset(searched / "best.yaml")
    assert tuned.name == "best-tuned"
    assert tuned.training.learning_rate == pytest.approx(
        summary["best"]["settings"]["training.learning_rate"]
    )
    assert tuned.training.validation == load_preset("best").training.validation
    assert (searched / "best.yaml").read_text().startswith("# best tuned: trial")


def test_the_panels_are_a_picture(searched: Path) -> None:
    assert (searched / "panels.png").read_bytes().startswith(b"\x89PNG")


def test_a_finished_search_is_left_alone(toys: Path, space: Path, searched: Path) -> None:
    def kept() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (searched / "trials").rglob("*.json")}

    before = kept()
    assert len(before) >= 8  # two folds of each trial that was not stopped early
    assert run(command(toys, searched, space, "--seed", "3", "--trials", "5")) == 0
    assert kept() == before


def test_another_seed_proposes_otherwise(toys: Path, space: Path, searched: Path, tmp_path: Path) -> None:
    assert run(command(toys, tmp_path / "out", space, "--seed", "4", "--trials", "2")) == 0
    first, other = pd.read_csv(searched / "trials.csv"), pd.read_csv(tmp_path / "out" / "trials.csv")
    assert first.loc[1, "learning rate"] != other.loc[1, "learning rate"]


def test_a_killed_search_goes_on_as_if_nothing_had_happened(
    toys: Path, space: Path, searched: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = command(toys, out, space, "--seed", "3", "--trials", "5")
    process = in_background(words)
    wait_for(out / "trials" / "0001" / "fold0", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    first = out / "trials" / "0000" / "fold1.json"
    written = first.stat().st_mtime_ns
    assert run(words) == 0
    assert first.stat().st_mtime_ns == written
    columns = ["number", "state", "mae", *PARAMETERS]
    here, there = (pd.read_csv(folder / "trials.csv")[columns] for folder in (out, searched))
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.slow
def test_two_processes_join_one_search(
    toys: Path, space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = command(toys, out, space, "--trials", "4")
    other = in_background(words)
    wait_for(out / "trials" / "0000", other)
    assert run(words) == 0
    told = [capsys.readouterr().err, other.communicate(timeout=240)[1]]
    assert other.returncode == 0, told
    done = [re.findall(r"^(trial \d+): ", text, re.MULTILINE) for text in told]  # not the lines of progress
    assert sorted(done[0] + done[1]) == [f"trial {n}" for n in range(4)]  # none twice, none left out
    assert done[0]
    assert "trial 0" in done[1]
    assert run(words) == 0  # writes the table with the trials of both
    table = pd.read_csv(out / "trials.csv")
    assert table["state"].isin(["finished", "stopped early"]).all()
    assert table["learning rate"].nunique() == 4


@pytest.mark.slow
def test_one_parameter_after_the_other(toys: Path, space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(command(toys, out, space, "--method", "coordinate", "--trials", "4")) == 0
    table = pd.read_csv(out / "trials.csv")
    assert table["learning rate"].tolist()[:3] == [1, 0.01, 0.001]
    assert table["crop"].tolist() == [1, 1, 1, 0.9]
    best = table["learning rate"].iloc[table["mae"].iloc[:3].idxmin()]
    assert table.loc[3, "learning rate"] == best


def test_a_database_in_place_of_the_journal(toys: Path, space: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    for name in ("a", "b"):
        assert run(command(toys, tmp_path / name, space, "--storage", url, "--trials", "2")) == 0
    assert (tmp_path / "a" / "trials" / "0001").is_dir()
    assert not (tmp_path / "b" / "trials").exists()  # both trials were there already
    assert len(pd.read_csv(tmp_path / "b" / "trials.csv")) == 2


def test_time_up_leaves_a_search_to_go_on_with(toys: Path, space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(command(toys, out, space, "--minutes", "0")) == 0
    assert not (out / "best.yaml").exists()
    assert run(command(toys, out, space, "--trials", "1")) == 0
    assert (out / "best.yaml").exists()


def test_rows_of_split_test_are_never_read(toys: Path, space: Path, tmp_path: Path) -> None:
    folder = write_toy_data(tmp_path / "data").parent
    table = pd.read_csv(folder / "manifest.csv")
    last = table["chamber"] == "c3"
    table.loc[last, "split"] = "test"
    table.to_csv(folder / "manifest.csv", index=False)
    for image in table.loc[last, "image"]:
        (folder / image).write_bytes(b"not to be read")
    assert run(command(folder, tmp_path / "out", space, "--trials", "1")) == 0
    assert json.loads((tmp_path / "out" / "trials" / "0000" / "fold0.json").read_text())["n"] in (3, 6)


def test_folds_hold_out_whole_chambers(toys: Path) -> None:
    manifest = Manifest.read(toys)
    divisions = folds_of(manifest, 2)
    held = [set(d.table.loc[d.table["split"] == "val", "chamber"]) for d in divisions]
    assert held[0] | held[1] == {"c0", "c1", "c2", "c3"}
    assert not held[0] & held[1]
    for division, chambers in zip(divisions, held, strict=True):
        learned = division.table[division.table["split"] == "train"]
        assert not set(learned["chamber"]) & chambers
        assert (learned["origin"] == "synthetic").sum() == 8


def test_another_search_is_not_mixed_in(
    toys: Path, space: Path, searched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--seed", "3", "--trials", "6", "--set", "training.ema=0.5"]
    assert run(command(toys, searched, space, *words)) == 2
    assert "settings.training.ema (0.995, now 0.5)" in capsys.readouterr().err
