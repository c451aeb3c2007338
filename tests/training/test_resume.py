"""A run killed or stopped at any moment resumes to the very same weights."""

import csv
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.training_toys import SMALL, toy_settings, write_toy_data
from twincell.batches import synthetic_source
from twincell.batches.batches import Batches
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.models.base.file import load_model
from twincell.training import fit
from twincell.training.options import Changes

STEPS = 60
WORDS = ["--seed", "3", "--accelerator", "cpu"]
COMMAND = [sys.executable, "-c", "import sys; from twincell.cli import main; main()"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small, with all that has a state: dropout, running average, momentum, validation, crops."""
    settings = toy_settings(
        training__steps=STEPS, training__save_steps=7, training__save_seconds=999, training__validate_every=9,
        training__ema=0.9, model__network=SMALL["model.network"] | {"dropout": 0.2}, augment__crop=0.9,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("preset") / "small.yaml"
    path.write_text(settings.to_yaml())
    return path


@pytest.fixture(scope="module")
def whole(data: Path, preset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert train_apart(data, preset, out).returncode == 0
    return out


def train_apart(data: Path, preset: Path, out: Path, *more: str) -> subprocess.CompletedProcess:
    """The real command in a process of its own: what other tests loaded into this one may round otherwise."""
    words = ["train", str(data), "--preset", str(preset), "--out", str(out), *WORDS, *more]
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=300)


def start_and_signal(number: int, data: Path, preset: Path, out: Path, after: int) -> tuple[int, str]:
    """Runs the real command in a process of its own; a signal comes once it has logged `after` steps."""
    process = subprocess.Popen(
        [*COMMAND, "train", str(data), "--preset", str(preset), "--out", str(out), *WORDS],
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and steps_logged(out) < after:
        time.sleep(0.002)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def steps_logged(out: Path) -> int:
    path = out / "history.csv"
    lines = path.read_text().splitlines() if path.exists() else []
    return int(lines[-1].split(",")[0]) if len(lines) > 1 and lines[-1][0].isdigit() else 0


def history(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def assert_same(one: Path, other: Path) -> None:
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert history(one) == history(other)


@pytest.mark.slow
def test_killed_at_a_random_step_it_resumes_to_the_same_bits(
    data: Path, preset: Path, whole: Path, tmp_path: Path
) -> None:
    after = random.Random(20).randint(8, STEPS - 12)
    code, _ = start_and_signal(signal.SIGKILL, data, preset, tmp_path / "run", after)
    assert code == -signal.SIGKILL, f"the run ended before step {after}"
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert (tmp_path / "run" / "last.ckpt").exists()
    again = train_apart(data, preset, tmp_path / "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert_same(tmp_path / "run", whole)


def test_sigterm_saves_says_so_and_resumes_to_the_same_bits(
    data: Path, preset: Path, whole: Path, tmp_path: Path
) -> None:
    code, errors = start_and_signal(signal.SIGTERM, data, preset, tmp_path / "run", 10)
    assert code == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert "SIGTERM: stopped after step" in errors
    assert "go on with --resume" in errors
    again = train_apart(data, preset, tmp_path / "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert_same(tmp_path / "run", whole)


def test_a_finished_run_is_left_alone(data: Path, preset: Path, whole: Path, capsys) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.iterdir() if path.is_file()}
    assert run(["train", str(data), "--preset", str(preset), "--out", str(whole), *WORDS, "--resume"]) == 0
    assert "holds a finished model" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in whole.iterdir() if path.is_file()} == before


def test_a_finished_run_is_not_overwritten_nor_resumed_as_another(
    data: Path, preset: Path, whole: Path, capsys
) -> None:
    assert run(["train", str(data), "--preset", str(preset), "--out", str(whole), *WORDS]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    other = ["train", str(data), "--preset", str(preset), "--out", str(whole), "--resume", "--seed", "4"]
    assert run([*other, "--set", "training.learning_rate=0.5"]) == 2
    told = capsys.readouterr().err
    assert "seed 3" in told
    assert "training.learning_rate was" in told


def test_another_seed_gives_another_model(data: Path, preset: Path, whole: Path, tmp_path: Path) -> None:
    words = ["--seed", "4", "--accelerator", "cpu"]
    assert run(["train", str(data), "--preset", str(preset), "--out", str(tmp_path / "run"), *words]) == 0
    assert (tmp_path / "run/model.safetensors").read_bytes() != (whole / "model.safetensors").read_bytes()


def test_a_checkpoint_holds_no_code(whole: Path) -> None:
    """It loads without unpickling objects."""
    import torch

    assert torch.load(whole / "last.ckpt", weights_only=True)["global_step"] == STEPS


def test_a_finished_run_leaves_these_files_and_no_temporary_ones(
    data: Path, preset: Path, whole: Path, tmp_path: Path
) -> None:
    settings = Changes(steps=4).applied_to(toy_settings().changed({}))
    fit(settings, Manifest.read(data), tmp_path / "run", progress=False)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "settings.yaml",
        "run.json",
        "history.csv",
        "last.ckpt",
        "tensorboard",
        "model.json",
        "model.safetensors",
    }


def test_a_run_whose_time_was_up_goes_on_and_counts_its_own_minutes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, out = toy_settings(training__steps=12), tmp_path / "run"
    manifest = Manifest.read(data)
    whole = fit(settings, manifest, tmp_path / "whole", progress=False)
    drawn = Batches.__init__

    def slowly(self: Batches, *args: object, **named: object) -> None:
        drawn(self, *args, **named)  # type: ignore[arg-type]
        time.sleep(1.5)  # drawing takes longer than the minutes given to training

    monkeypatch.setattr(Batches, "__init__", slowly)
    fit(settings, manifest, out, max_minutes=0, progress=False)
    first = load_model(out).card.steps
    assert first == 1
    fit(settings, manifest, out, resume=True, max_minutes=0.02, progress=False)
    assert load_model(out).card.steps > first + 1, "drawing was taken for training"
    fit(settings, manifest, out, resume=True, progress=False)
    assert load_model(out).card.sha256 == load_model(whole).card.sha256
    fit(settings, manifest, out, resume=True)
    assert "holds a finished model" in capsys.readouterr().err


def test_images_drawn_once_are_not_drawn_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run stopped after drawing reads its pool again, draws what is damaged, and leaves none at its end."""
    settings = toy_settings(
        training__steps=3, synthetic__source="pool", synthetic__pool=6, synthetic__presets=["ellipse-pc"],
        model__network=SMALL["model.network"],
    )  # fmt: skip
    manifest = Manifest.read(data)
    monkeypatch.setattr(synthetic_source, "CHUNK", 3)
    times: list[int] = []
    draw = synthetic_source.draw

    def counted(*args: Any) -> Any:
        times.append(args[2])
        return draw(*args)

    monkeypatch.setattr(synthetic_source, "draw", counted)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr("twincell.training.run.start_run_dir", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(settings, manifest, tmp_path / "run", progress=False)
    assert times == [3, 3]
    first, second = sorted((tmp_path / "run").glob(".pool-*/*.safetensors"))
    second.write_bytes(second.read_bytes()[:100])
    assert first.name == "0000.safetensors"
    fit(settings, manifest, tmp_path / "run", resume=True, progress=False)
    assert times == [3, 3, 3]
    assert not list((tmp_path / "run").glob(".pool-*"))
    again = fit(settings, manifest, tmp_path / "again", progress=False)
    one, other = (load_model(run).network.state_dict() for run in (tmp_path / "run", again))
    assert all((one[name] == other[name]).all() for name in one)
