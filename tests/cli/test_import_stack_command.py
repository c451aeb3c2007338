"""`twincell import stack` as a biologist types it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from helpers.fake_method import fake_model
from helpers.field_simulator import eight_bit
from helpers.recording_toys import bf_field, film, write_ome
from twincell.cli import run
from twincell.models import METHODS


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    made = film(bf_field(1, 2, 1.2, 8), 8)
    made.frames[3] = np.zeros_like(made.frames[3])
    write_ome(folder / "night.ome.tif", made.frames)
    tifffile.imwrite(folder / "plain.tif", np.stack(made.frames), photometric="minisblack", metadata=None)
    return folder


def imports(*args: object) -> int:
    return run(["import", "stack", *map(str, args)])


def test_one_command_from_file_to_manifest(
    night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, summary = tmp_path / "out", tmp_path / "summary.json"
    assert imports(night / "night.ome.tif", "--modality", "bf", "--out", out, "--json", summary) == 0
    told = capsys.readouterr().out
    assert "night: axes TYX (OME metadata), 8 frames, 0.65 um/px, every 10 min; 2 chambers" in told
    assert "14 images of 2 chambers, 0 flagged; skipped: 1 black" in told
    assert "contact_sheets" in told
    found = json.loads(summary.read_text())
    assert (found["chambers"], found["images"], found["skipped"]) == (2, 14, {"black": 1})
    assert (out / "manifest.csv").is_file()

    # and on to counts, with what the import noted carried along
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    table = pd.read_csv(out / "manifest.csv", dtype=str, keep_default_na=False)
    table.loc[2, "flag"] = "out of focus"
    table.to_csv(out / "manifest.csv", index=False)
    model = fake_model(tmp_path / "run", modality="bf")
    assert run(["count", str(model), str(out), "--out", str(tmp_path / "counts.csv")]) == 0
    counts = pd.read_csv(tmp_path / "counts.csv", keep_default_na=False)
    assert counts["chamber"].unique().tolist() == ["night-ch01", "night-ch02"]
    assert ["out of focus" in flag for flag in counts["flag"][:4]] == [False, False, True, False]
    assert float(counts["time_h"][3]) == pytest.approx(4 / 6, abs=1e-3)  # frame 5, as frame 4 is black


def test_options_reach_the_file(night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--modality", "bf", "--axes", "TYX", "--pixel-size", "0.5", "--interval", "15", "--size", "64"]
    boxes = tmp_path / "boxes.csv"
    x, y = bf_field(1, 2, 1.2, 8).box_centres()[0]
    boxes.write_text(f"x,y,w,h\n{x - 43},{y - 57},86,114\n")
    out = tmp_path / "out"
    assert imports(night / "plain.tif", *args, "--boxes", boxes, "--out", out) == 0
    assert (
        "plain: axes TYX (--axes), 8 frames, 0.5 um/px, every 15 min; 1 chambers" in capsys.readouterr().out
    )
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["time_h"] for r in rows[:2]] == ["0.0", "0.25"]
    steps = json.loads((out / "preprocessing.json").read_text())
    assert steps["positions"]["plain"]["chambers"][0]["crop_size"] == 64


def test_without_an_interval_the_time_stays_blank_and_that_is_said(
    night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["--modality", "bf", "--axes", "TYX", "--chamber-size", "86x114"]
    assert imports(night / "plain.tif", *args, "--out", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert "interval not known" in told
    assert "--interval" in told
    assert pd.read_csv(tmp_path / "out" / "manifest.csv")["time_h"].isna().all()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["plain.tif", "--modality", "bf"], "declare them, slowest first, for example --axes TYX"),
        (["none.tif", "--modality", "bf"], "is missing"),
        (["night.ome.tif", "--modality", "bf", "--axes", "ZYX"], "disagree"),
        (["night.ome.tif", "--modality", " "], "--modality is blank"),
        (["night.ome.tif", "--modality", "bf", "--template", "round"], "--template 'round' is not known"),
        (["night.ome.tif", "--modality", "bf", "--turn", "45"], "--turn 45 is no quarter turn"),
        (["night.ome.tif", "--modality", "bf", "--size", "4"], "--size 4 is not usable"),
        (["night.ome.tif", "--modality", "bf", "--chamber-size", "big"], "is no width and height"),
        (["night.ome.tif", "--modality", "bf", "--boxes", "none.csv"], "--boxes none.csv: is missing"),
        (["night.ome.tif", "--modality", "bf", "--pixel-size", "-1"], "--pixel-size -1 is not above 0"),
        (["night.ome.tif", "--modality", "bf", "--channel", "2"], "there is no channel axis"),
        (["night.ome.tif", "--modality", "bf", "--chamber-size", "60x60"], "px), but 2 of 8"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    night: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(night)
    assert imports(*args, "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err.strip()
    assert says in told
    assert len(told.splitlines()) == 1
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "manifest.csv").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "it needs x, y, w and h"),
        ("x,y,w,h\n", "has no rows"),
        ("x,y,w,h\n1,2,three,4\n", "line 2"),
    ],
)
def test_boxes_that_cannot_be_used(
    night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (tmp_path / "boxes.csv").write_text(text)
    args = ["--modality", "bf", "--boxes", tmp_path / "boxes.csv", "--out", tmp_path / "out"]
    assert imports(night / "night.ome.tif", *args) == 2
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_killed_and_resumed(night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real process, a real kill: what is done is kept, and the end is the same as without."""
    field = bf_field(1, 2, 1.2, 8)
    frames = [eight_bit(field.frame(t, (0.1 * t, 0.0))) for t in range(60)]
    path = write_ome(tmp_path / "long.ome.tif", frames)
    command = ["import", "stack", str(path), "--modality", "bf", "--out"]
    script = "import sys; from twincell.cli import run; sys.exit(run(sys.argv[1:]))"
    stopped = tmp_path / "stopped"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *command, str(stopped)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    journal = stopped / ".import" / "long.frames.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if journal.exists() and journal.read_text().count("\n") >= 3:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = journal.read_text().count("\n")
    assert 3 <= done < 60
    assert run([*command, str(stopped)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert run([*command, str(stopped), "--resume"]) == 0
    assert run([*command, str(tmp_path / "whole")]) == 0
    for name in ("manifest.csv", "frames.csv", "skipped.csv"):
        assert (stopped / name).read_text() == (tmp_path / "whole" / name).read_text()
    pictures = sorted(p.relative_to(stopped) for p in stopped.rglob("t*.png"))
    assert len(pictures) == 120
    assert all((stopped / p).read_bytes() == (tmp_path / "whole" / p).read_bytes() for p in pictures)
