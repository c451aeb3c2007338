"""Killed at any moment (kill -9), a command that is called again ends as if nothing had happened.

TWINCELL_KILLS says how often each verb is killed in the slow test, 40 by default: 200 over the five.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.fake_method import fake_model, write_chamber
from helpers.field_simulator import eight_bit
from helpers.recording_toys import bf_field, write_ome
from helpers.training_toys import toy_settings, write_toy_data

TESTS = Path(__file__).parent


def jobs(folder: Path) -> list[dict]:
    """The five verbs whose work takes time or makes several files, each in a folder of its own."""
    write_chamber(folder / "night", [int(1.02**i) + 1 for i in range(300)])
    fake_model(folder / "model")
    write_toy_data(folder / "toys")
    field = bf_field()
    write_ome(folder / "field.ome.tif", [eight_bit(field.frame(t, (0.2 * t, 0.0))) for t in range(3)])
    settings = toy_settings(training__steps=30, training__save_steps=7, training__save_seconds=999)
    (folder / "small.yaml").write_text(settings.to_yaml())
    write_chamber(folder / "lab" / "a", [2, 3, 4, 5])
    (folder / "lab" / "counts.csv").write_text("image,count\na/t000.png,2\na/t001.png,3\n")
    (folder / "lab" / "points.csv").write_text("image,x,y\na/t002.png,4,4\n")
    count = ["count", "model", "night", "--modality", "pc", "--out", "out.csv"]
    stack = ["import", "stack", "field.ome.tif", "--modality", "bf", "--out", "out"]
    train = ["train", "toys", "--preset", "small.yaml", "--accelerator", "cpu", "--out", "out"]
    whole = ["run", "night", "--modality", "pc", "--model", "model", "--minutes", "30", "--out", "out"]
    listed = ["manifest", "lab", "--modality", "pc", "--minutes", "5", "--out", "out"]
    timed = [r"history\.csv", "tensorboard", r"last\.ckpt", r"report\.html", r"\.run/"]
    made = [
        ("count", count, [*count, "--resume"], ["out.csv"], "exists already"),
        ("import", stack, [*stack, "--resume"], ["out"], "finished already"),
        ("train", train, [*train, "--resume"], ["out"], "$^"),
        ("run", whole, whole, ["out"], "$^"),
        ("manifest", listed, listed, ["out"], "exists already"),
    ]
    names = ("name", "words", "again", "out", "complete")
    return [dict(zip(names, job, strict=True)) | {"folder": str(folder), "leave": timed} for job in made]


def killed(folder: Path, kills: int, seed: int) -> list[dict]:
    (folder / "jobs.json").write_text(json.dumps(jobs(folder)))
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src"), *sys.path])
    ended = subprocess.run(
        [sys.executable, "-m", "helpers.killing", str(folder / "jobs.json"), str(kills), str(seed)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def judge(found: list[dict], kills: int) -> None:
    for job in found:
        print(f"{job['name']}: {job['same']} of {job['killed']} kills ended as the undisturbed")
    assert [job["name"] for job in found] == ["count", "import", "train", "run", "manifest"]
    assert [fault for job in found for fault in job["faults"]] == []
    assert [job["same"] for job in found] == [kills] * 5


@pytest.mark.slow
def test_killed_once_each_verb_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    judge(killed(tmp_path, 1, 5), 1)


@pytest.mark.slow
def test_killed_two_hundred_times_all_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    kills = int(os.environ.get("TWINCELL_KILLS", "40"))
    judge(killed(tmp_path, kills, 11), kills)
