"""Two processes on each output: the second is refused in a sentence, and the first ends as if alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from helpers.field_simulator import eight_bit
from helpers.recording_toys import bf_field, write_ome
from helpers.training_toys import toy_settings, write_toy_data

# The first of the two stands still where its work begins, until the second has been refused.
SCRIPT = """
import importlib, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from twincell.models import METHODS
METHODS.register("fake", "helpers.fake_method")
from twincell.cli import run
if {held}:
    module, name = {place!r}.rsplit(".", 1)
    owner = importlib.import_module(module)
    whole = getattr(owner, name)
    def slowly(*args, **named):
        Path("begun").touch()
        while not Path("go").exists():
            time.sleep(0.01)
        return whole(*args, **named)
    setattr(owner, name, slowly)
sys.exit(run(sys.argv[1:]))
"""
CASES = {
    "count": ("twincell.counting.count.count_parts", ["count", "run", "data", "--out", "out.csv"]),
    "count --resume": (
        "twincell.counting.count.count_parts",
        ["count", "run", "data", "--out", "out.csv", "--resume"],
    ),
    "train": (
        "twincell.training.run._description",
        ["train", "toys", "--preset", "small.yaml", "--out", "out", "--accelerator", "cpu", "--resume"],
    ),
    "growth": (
        "twincell.series.growth.results._done",
        ["growth", "counts.csv", "--out", "out", "--plots", "none", "--resume"],
    ),
    "import": (
        "twincell.preprocess.import_stack._treat_all",
        ["import", "stack", "night.ome.tif", "--modality", "bf", "--out", "out", "--resume"],
    ),
    "synth": ("twincell.simulate.write.synthesise", ["synth", "ellipse-pc", "-n", "2", "--out", "out"]),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_chamber(folder / "data", [2, 3, 4, 5])
    fake_model(folder / "run")
    write_toy_data(folder / "toys")
    field = bf_field()
    write_ome(folder / "night.ome.tif", [eight_bit(field.frame(t, (0.0, 0.0))) for t in range(4)])
    (folder / "small.yaml").write_text(toy_settings(training__steps=2).to_yaml())
    frames = range(20)
    pd.DataFrame(
        {"chamber": "A", "frame": frames, "count_frame": [3 * 1.05**frame for frame in frames]}
    ).to_csv(folder / "counts.csv", index=False)
    return folder


def begin(inputs: Path, place: str, words: list[str], held: bool) -> "subprocess.Popen[str]":
    tests = str(Path(__file__).parent)
    script = SCRIPT.format(tests=tests, place=place, held=held)
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=inputs,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def files(inputs: Path) -> set[Path]:
    return {path for path in inputs.iterdir() if path.name.startswith("out")}


QUICK = ("count", "import")
"""Tried in every run; the others behind the marker slow."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if case in QUICK else pytest.mark.slow) for case in CASES]
)
def test_the_second_process_is_refused_and_the_first_ends_well(case: str, inputs: Path) -> None:
    place, words = CASES[case]
    first = begin(inputs, place, words, held=True)
    try:
        while not (inputs / "begun").exists():
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        second = begin(inputs, place, words, held=False)
        _, refused = second.communicate(timeout=120)
        assert second.returncode == 2, refused
        assert f"process {first.pid} on" in refused
        assert "is writing here" in refused
        (inputs / "go").touch()
        _, said = first.communicate(timeout=120)
        assert first.returncode == 0, said
        assert files(inputs)
        assert not list(inputs.rglob(".twincell.lock*"))
        assert not list(inputs.rglob("*.parts"))
    finally:
        first.kill()
        first.wait()
        for path in (inputs / "begun", inputs / "go"):
            path.unlink(missing_ok=True)
        for path in files(inputs):
            subprocess.run(["rm", "-r", str(path)], check=True)
