"""`twincell run`: the whole job, stopped anywhere and gone on with."""

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

from helpers.fake_method import fake_model, write_chamber
from helpers.recording_toys import bf_field, film, write_ome
from twincell import pipeline
from twincell.cli import run
from twincell.models import METHODS

HERE = Path(__file__).parent
COUNTS = [int(1.12**i) + 1 for i in range(24)]


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.fixture
def asked(tmp_path: Path, fake_method: None) -> list[str]:
    write_chamber(tmp_path / "night", COUNTS, "t{}.png")
    model = fake_model(tmp_path / "model")
    return ["run", str(tmp_path / "night"), "--modality", "phase", "--model", str(model), "--minutes", "30"]


def test_one_command_gives_counts_growth_and_report(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run([*asked, "--out", str(out), "--json", str(tmp_path / "j.json")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "report.html")
    assert pd.read_csv(out / "counts.csv")["count_frame"].tolist() == COUNTS
    assert pd.read_csv(out / "growth" / "growth.csv")["verdict"].tolist() == ["growing"]
    assert "Growth" in (out / "report.html").read_text()
    assert json.loads((tmp_path / "j.json").read_text())["report"] == str(out / "report.html")
    before = (out / "report.html").stat().st_mtime_ns
    assert run([*asked, "--out", str(out)]) == 0  # done already
    assert (out / "report.html").stat().st_mtime_ns == before


@pytest.mark.parametrize("step", ["count", "write_growth", "count_page", "read_counts"])
def test_stopped_in_any_step_it_goes_on_and_ends_the_same(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    assert run([*asked, "--out", str(tmp_path / "whole")]) == 0

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as stopped:
        stopped.setattr(pipeline, step, stop)
        assert run([*asked, "--out", str(out)]) == 130
    assert not (out / "report.html").exists()
    done = (out / "counts.csv").is_file()
    if done:  # what was counted is not counted again
        monkeypatch.setattr(pipeline, "count", stop)
    assert done == (step != "count")
    assert run([*asked, "--out", str(out)]) == 0
    for name in ("counts.csv", "growth/growth.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (out / "report.html").is_file()


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_the_same(asked: list[str], tmp_path: Path) -> None:
    assert run([*asked, "--out", str(tmp_path / "whole")]) == 0
    code = (
        "import sys; from twincell.models import METHODS; "
        "METHODS._modules = {'fake': 'helpers.fake_method'}; "
        "from twincell.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    path = os.pathsep.join([str(HERE), *sys.path])
    command = [sys.executable, "-c", code, *asked, "--out", str(tmp_path / "out")]
    begin = time.monotonic()
    clean = [*command[:-1], str(tmp_path / "clean")]
    subprocess.run(clean, env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True)
    whole = time.monotonic() - begin
    for moment in np.random.default_rng(0).uniform(0.3, 1, 4) * whole:
        with subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.PIPE
        ) as child:
            try:
                child.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
    assert run([*asked, "--out", str(tmp_path / "out")]) == 0
    for name in ("counts.csv", "growth/growth.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_job_does_not_go_on_in_the_same_folder(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run([*asked, "--out", str(out)]) == 0
    write_chamber(tmp_path / "night", [9], "t24.png")
    assert run([*asked, "--out", str(out)]) == 2
    assert "other inputs or options" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    assert run([*asked, "--out", str(tmp_path / "mine")]) == 2
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == ["thesis.txt"]


def test_chambers_are_cut_out_of_fields_of_view(tmp_path: Path, fake_method: None) -> None:
    night = film(bf_field(1, 2, 1.6, 3), 8, 1, (), [])
    write_ome(tmp_path / "night.ome.tif", night.frames)
    model = fake_model(tmp_path / "model", modality="bf")
    ask = ["run", str(tmp_path / "night.ome.tif"), "--modality", "bf", "--model", str(model), "--fields"]
    assert run([*ask, "--out", str(tmp_path / "out")]) == 0
    assert len(pd.read_csv(tmp_path / "out" / "counts.csv")) == 16
    assert (tmp_path / "out" / "chambers" / "manifest.csv").is_file()


def test_faults_are_said_together_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    assert (
        run(
            [
                "run",
                str(tmp_path / "a.png"),
                str(tmp_path / "b"),
                "--minutes",
                "-1",
                "--out",
                str(tmp_path / "o"),
            ]
        )
        == 2
    )
    said = capsys.readouterr().err
    assert "is missing" in said
    assert "--minutes -1" in said
    assert not (tmp_path / "o").exists()
