"""`twincell growth`, as typed: tables, pictures, conditions, resuming, and refusals that help."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.models import METHODS
from twincell.models.base import file
from twincell.series.growth import results as folder
from twincell.series.growth.options import GrowthOptions
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    cultures = [Culture(division=0.016 if i % 2 else 0.010, loss=0.001, start=4) for i in range(8)]
    cultures.append(Culture(division=0.0, loss=0.0, start=3))
    table = recordings_table(cultures, Errors(), 160, 3)
    table["medium"] = np.where(table["chamber"].str[-1].astype(int) % 2, "rich", "poor")
    return table


@pytest.fixture
def counts(recorded: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    recorded[["chamber", "frame", "count_frame"]].to_csv(path, index=False)
    return path


@pytest.fixture
def manifest(recorded: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "manifest.csv"
    count = recorded["truth"].where(recorded["frame"] % 40 == 1)
    recorded[["chamber", "frame", "medium"]].assign(count=count, image="x.png").to_csv(path, index=False)
    return path


def test_everything_asked_for_is_written(counts, manifest, tmp_path, capsys):
    out, figures = tmp_path / "out", tmp_path / "growth.json"
    words = [
        "growth",
        counts,
        "--out",
        out,
        "--by",
        "medium",
        "--manifest",
        manifest,
        "--counted",
        "--events",
    ]
    assert run([str(word) for word in [*words, "--minutes", 20, "--json", figures, "--plots", "svg"]]) == 0
    said = capsys.readouterr().out
    assert "not growing: sim0008" in said
    assert "Welch" in said
    names = {path.name for path in out.iterdir()}
    assert names == {
        "growth.csv", "conditions.csv", "pairs.csv", "events.csv", "counts.csv",
        "curves-01.svg", "rates.svg", "conditions.svg",
    }  # fmt: skip
    table = pd.read_csv(out / "growth.csv")
    assert len(table) == 9
    assert set(table["unit"]) == {"h"}
    assert table.set_index("chamber").loc["sim0008", "verdict"] == "not growing"
    assert (out / "rates.svg").read_text().startswith("<?xml")
    events = pd.read_csv(out / "events.csv")
    assert set(events["kind"]) <= {"division", "loss", "influx", "escape"}
    found = json.loads(figures.read_text())
    assert found["not_growing"] == ["sim0008"]
    assert found["comparison"]["p"] < 0.5
    assert [row["chamber"] for row in found["chambers"]] == list(table["chamber"])
    assert "NaN" not in figures.read_text()


def test_rates_agree_between_two_conditions_of_the_counts_table_and_python(recorded, tmp_path):
    from twincell.series import growth

    path = tmp_path / "counts.csv"
    recorded[["chamber", "frame", "count_frame", "medium"]].to_csv(path, index=False)
    assert (
        run(["growth", str(path), "--out", str(tmp_path / "out"), "--by", "medium", "--plots", "none"]) == 0
    )
    table = pd.read_csv(tmp_path / "out" / "growth.csv")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "growth.csv",
        "conditions.csv",
        "pairs.csv",
    }
    same = growth(recorded[["chamber", "frame", "count_frame", "medium"]], by="medium")
    assert np.allclose(table["rate"], same["rate"], rtol=1e-5)
    assert list(table["medium"]) == list(same["medium"])


def test_same_input_same_bytes(counts, tmp_path):
    for name in ("a", "b"):
        assert run(["growth", str(counts), "--out", str(tmp_path / name), "--events"]) == 0
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_results_are_never_overwritten(counts, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["growth", str(counts), "--out", str(out), "--plots", "none"]) == 0
    before = (out / "growth.csv").read_bytes()
    for words in ([], ["--resume"]):
        assert run(["growth", str(counts), "--out", str(out), "--plots", "none", *words]) == 2
        assert "nothing is overwritten" in capsys.readouterr().err
    assert (out / "growth.csv").read_bytes() == before


def test_a_stopped_run_goes_on_and_ends_the_same(counts, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "AT_ONCE", 2)
    whole = folder.write_growth(counts, tmp_path / "whole", GrowthOptions(plots="none"), progress=False)
    made = []
    real = folder._part

    def stops(job, rows, page):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(sorted(set(rows["chamber"])))
        return real(job, rows, page)

    monkeypatch.setattr(folder, "_part", stops)
    with pytest.raises(KeyboardInterrupt):
        folder.write_growth(counts, tmp_path / "out", GrowthOptions(plots="none"), progress=False)
    assert not (tmp_path / "out" / "growth.csv").exists()

    again = []

    def counted(job, rows, page):
        again.append(sorted(set(rows["chamber"])))
        return real(job, rows, page)

    monkeypatch.setattr(folder, "_part", counted)
    done = folder.write_growth(
        counts, tmp_path / "out", GrowthOptions(plots="none", resume=True), progress=False
    )
    assert not {tuple(names) for names in made} & {tuple(names) for names in again}
    assert len(made) + len(again) == 5
    pd.testing.assert_frame_equal(done.table, whole.table)
    assert (tmp_path / "out" / "growth.csv").read_bytes() == (tmp_path / "whole" / "growth.csv").read_bytes()
    assert not (tmp_path / "out" / "parts").exists()


def test_going_on_with_other_options_is_refused(counts, tmp_path, monkeypatch):
    def stops(job, rows, page):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folder, "_part", stops)
        with pytest.raises(KeyboardInterrupt):
            folder.write_growth(counts, tmp_path / "out", GrowthOptions(plots="none"), progress=False)
    assert run(["growth", str(counts), "--out", str(tmp_path / "out"), "--resume", "--minutes", "5"]) == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    assert run(["growth", str(counts), "--out", str(tmp_path / "other"), "--resume"]) == 2
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("spoil", "words", "signs"),
    [
        (None, ["--counted"], ["--manifest"]),
        (None, ["--plots", "jpeg"], ["'jpeg'", "png"]),
        (None, ["--first", "3"], ["--first", "10"]),
        (None, ["--minutes", "-5"], ["--minutes"]),
        (None, ["--by", "medium"], ["'medium'", "count_frame"]),
        ("drop", [], ["'frame'"]),
        ("text", [], ["'many'", "count_frame"]),
        ("empty", [], ["empty"]),
        ("missing", [], ["no such file"]),
        ("nameless", [], ["no row names a chamber"]),
    ],
)
def test_bad_input_is_refused_in_one_sentence_each(counts, tmp_path, capsys, spoil, words, signs):
    table = pd.read_csv(counts)
    if spoil == "drop":
        table.drop(columns="frame").to_csv(counts, index=False)
    elif spoil == "text":
        table.astype({"count_frame": object}).replace(
            {"count_frame": {table["count_frame"][4]: "many"}}
        ).to_csv(counts, index=False)
    elif spoil == "empty":
        counts.write_text("")
    elif spoil == "missing":
        counts.unlink()
    elif spoil == "nameless":
        table.assign(chamber="").to_csv(counts, index=False)
    assert run(["growth", str(counts), "--out", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    for sign in signs:
        assert sign in said
    assert not (tmp_path / "out").exists()


def test_conditions_must_hold_for_whole_chambers(recorded, counts, manifest, tmp_path, capsys):
    table = pd.read_csv(manifest)
    table.loc[5, "medium"] = "other"
    table = table[table["chamber"] != "sim0004"]
    table.to_csv(manifest, index=False)
    words = ["growth", str(counts), "--out", str(tmp_path / "out"), "--manifest", str(manifest)]
    assert run([*words, "--by", "medium"]) == 2
    said = capsys.readouterr().err
    assert "sim0000" in said
    assert "sim0004" in said
    assert run([*words, "--by", "count"]) == 2
    assert "medium" in capsys.readouterr().err


def test_chamber_names_stay_text(tmp_path):
    table = recordings_table([Culture(), Culture()], Errors(), 60, 1).replace(
        {"chamber": {"sim0000": "007", "sim0001": "1e3"}}
    )
    table[["chamber", "frame", "count_frame"]].to_csv(tmp_path / "counts.csv", index=False)
    assert (
        run(["growth", str(tmp_path / "counts.csv"), "--out", str(tmp_path / "out"), "--plots", "none"]) == 0
    )
    found = pd.read_csv(tmp_path / "out" / "growth.csv", dtype={"chamber": str})
    assert list(found["chamber"]) == ["007", "1e3"]


@pytest.mark.slow
def test_killed_outright_it_resumes(counts, tmp_path):
    # Small parts and a wait in each, so that the kill falls between two of them.
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from twincell.series.growth import results as folder\n"
        "from twincell.series.growth.options import GrowthOptions\n"
        "folder.AT_ONCE = 1; real = folder._part\n"
        "def slow(*a):\n    time.sleep(0.2)\n    return real(*a)\n"
        "folder._part = slow\n"
        "counts, out = map(Path, sys.argv[1:])\n"
        "folder.write_growth(counts, out, GrowthOptions(plots='none'), progress=False)\n"
    )
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", code, str(counts), str(out)])
    deadline = time.monotonic() + 60
    while len(list(out.glob("parts/*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("parts/*.json")}
    assert done
    assert not (out / "growth.csv").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "AT_ONCE", 1)
        resumed = folder.write_growth(counts, out, GrowthOptions(plots="none", resume=True), progress=False)
        whole = folder.write_growth(counts, tmp_path / "whole", GrowthOptions(plots="none"), progress=False)
    pd.testing.assert_frame_equal(resumed.table, whole.table)


def test_the_page_on_growth_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    monkeypatch.setattr(file, "SHIPPED", tmp_path / "shipped")
    fake_model(tmp_path / "shipped")
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"shipped/model{suffix}").rename(tmp_path / f"shipped/cho-pc{suffix}")
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame", "medium"]
    counts, rows = [3 + frame // 7 for frame in range(30)], []
    for chamber, medium in zip("abcd", ["rich", "rich", "poor", "poor"], strict=True):
        for i, path in enumerate(write_chamber(tmp_path / f"night/{chamber}", counts)):
            count = counts[i] if i % 7 == 0 else ""
            rows.append((f"{chamber}/{path.name}", count, "test", "pc", "natural", chamber, i, medium))
    pd.DataFrame(rows, columns=columns).to_csv("night/manifest.csv", index=False)
    text = (Path(__file__).parents[2] / "docs" / "howto" / "growth.md").read_text()
    (block,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        assert run(shlex.split(line)[1:]) == 0, line
    assert len(block.splitlines()) == 5
    assert set(pd.read_csv("by-medium/conditions.csv")["name"]) == {"poor", "rich"}
    assert Path("all/events.csv").exists()
