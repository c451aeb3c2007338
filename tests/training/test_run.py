"""`twincell train`: what a run leaves behind, when it ends, and what it says."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from helpers.grey_method import grey_settings
from helpers.training_toys import toy_settings, write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.models.base.method import Prediction
from twincell.training import fit
from twincell.training.run_data import choose_rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("data"))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_from_the_command_line(data: Path, tmp_path: Path, capfd) -> None:
    preset = tmp_path / "small.yaml"
    preset.write_text(toy_settings().to_yaml())
    out = tmp_path / "run"
    words = [
        "train",
        str(data),
        "--preset",
        str(preset),
        "--out",
        str(out),
        "--seed",
        "2",
        "--accelerator",
        "cpu",
    ]
    assert run([*words, "--steps", "10", "--set", "training.log_every=5"]) == 0

    said = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    device = [line for line in said if "on cpu (" in line]
    assert len(device) == 1
    assert "for 10 steps" in device[0]
    assert "validated on chambers c" in device[0]
    noise = [line for line in said if any(word in line for word in ("Warning", "INFO", "TPU", "rank_zero"))]
    assert noise == []
    assert "trained 10 steps" in said[-1]

    found = rows(out)
    assert [row["step"] for row in found] == ["1", "4", "5", "8", "10"]
    assert [row["step"] for row in found if row["validation_mae"]] == ["4", "8", "10"]
    assert all(math.isfinite(float(row["loss"])) for row in found)
    assert any((out / "tensorboard").glob("events*"))
    assert not list(out.rglob("*.tmp"))

    model = load_model(out)
    assert (model.card.method, model.card.seed, model.card.steps) == ("twin_vae", 2, 10)
    assert model.card.modalities == ["pc"]
    assert model.card.data.fingerprint == Manifest.read(data).fingerprint()
    assert model.card.data.chambers == 3  # the fourth was validated on
    assert model.card.metrics["validation"]["mae"] == min(
        float(r["validation_mae"]) for r in found if r["validation_mae"]
    )
    assert json.loads((out / "run.json").read_text())["seed"] == 2
    assert len(model.predict(torch.rand(2, 1, 128, 128))) == 2


def test_epochs_take_the_place_of_steps(data: Path, tmp_path: Path) -> None:
    preset = tmp_path / "small.yaml"
    preset.write_text(toy_settings(training__validation="none").to_yaml())
    words = [
        "train",
        str(data),
        "--preset",
        str(preset),
        "--out",
        str(tmp_path / "run"),
        "--accelerator",
        "cpu",
    ]
    assert run([*words, "--epochs", "2"]) == 0
    assert load_model(tmp_path / "run").card.steps == 2 * math.ceil(24 / 4)
    assert load_model(tmp_path / "run").card.data.description.endswith("no validation")


def test_left_out_chambers_are_not_read(data: Path, tmp_path: Path, capsys) -> None:
    preset = tmp_path / "small.yaml"
    preset.write_text(toy_settings(training__steps=1, training__validation="none").to_yaml())
    words = ["train", str(data), "--preset", str(preset), "--accelerator", "cpu"]
    assert run([*words, "--out", str(tmp_path / "run"), "--leave-out", "c1, c3"]) == 0
    assert load_model(tmp_path / "run").card.data.chambers == 2
    assert run([*words, "--out", str(tmp_path / "no"), "--leave-out", "c9"]) == 2
    assert "no such chamber; there are c0, c1, c2, c3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preset", "nil"], "preset 'nil' is unknown"),
        (["--steps", "3", "--epochs", "3"], "give one of them"),
        (["--set", "batch.size=1"], "batch.size"),
        (["--set", "batch.size"], "write it as section.name=value"),
        (["--validate", "maybe"], "training.validation"),
        (["--accelerator", "abacus"], "--accelerator abacus"),
        (["--devices", "-1"], "--devices -1"),
        (["--start", "nothing-there"], "nothing-there"),
        (["--set", "synthetic.presets=[chalk]"], "chalk cannot be drawn"),
    ],
)
def test_bad_words_end_with_code_2_and_leave_nothing(
    words: list[str], told: str, data: Path, tmp_path: Path, capsys
) -> None:
    assert run(["train", str(data), "--out", str(tmp_path / "run"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_early_stopping_keeps_the_best_weights(data: Path, tmp_path: Path) -> None:
    """A learning rate that ruins the network: an early validation stays the best and the run ends."""
    settings = toy_settings(
        training__steps=200, training__learning_rate=1.0, training__validate_every=2, training__patience=3,
        training__schedule="constant", training__keep="best", training__clip=0.0, training__ema=0.0,
    )  # fmt: skip
    fit(settings, Manifest.read(data), tmp_path / "run", progress=False)
    card = load_model(tmp_path / "run").card
    assert card.steps < 200
    validated = {
        int(r["step"]): float(r["validation_mae"]) for r in rows(tmp_path / "run") if r["validation_mae"]
    }
    best = min(validated, key=lambda step: validated[step])
    assert card.metrics["validation"] == {"mae": pytest.approx(validated[best], rel=1e-5), "step": best}
    assert card.steps == max(validated) == best + 2 * 3


def test_the_kept_weights_give_the_validation_figure_again(data: Path, tmp_path: Path) -> None:
    settings = toy_settings(training__keep="best")
    fit(settings, Manifest.read(data), tmp_path / "run", seed=1, progress=False)
    manifest = Manifest.read(data)
    _, aside, _ = choose_rows(manifest, settings, 1)
    store = ImageStore.load(manifest.select(aside), progress=False)
    model = load_model(tmp_path / "run")
    again = (model.predict(store.images).count.round() - store.counts).abs().mean()
    assert float(again) == pytest.approx(model.card.metrics["validation"]["mae"], abs=1e-6)


def test_time_up_ends_with_a_model(data: Path, tmp_path: Path, capsys) -> None:
    fit(toy_settings(training__steps=100_000), Manifest.read(data), tmp_path / "run", max_minutes=0.02)
    assert "time is up" in capsys.readouterr().err
    assert 0 < load_model(tmp_path / "run").card.steps < 100_000


def test_only_what_is_learned_from_is_ever_augmented(data: Path, tmp_path: Path, monkeypatch) -> None:
    """The network sees validation images exactly as they lie in their files."""
    settings = toy_settings(augment={"flips": True, "noise": [0.3, 0.3]}, training__steps=4)
    seen: list[Tensor] = []
    predict = type(METHODS["twin_vae"]).predict

    def spy(self, network: nn.Module, images: Tensor) -> Prediction:
        seen.append(images.clone())
        return predict(self, network, images)

    monkeypatch.setattr(type(METHODS["twin_vae"]), "predict", spy)
    fit(settings, Manifest.read(data), tmp_path / "run", progress=False)
    manifest = Manifest.read(data)
    _, aside, _ = choose_rows(manifest, settings, 0)
    files = ImageStore.load(manifest.select(aside), progress=False).images.float() / 255
    assert seen
    assert all(torch.equal(images, files) for images in seen)


def test_the_running_average_is_what_is_saved(data: Path, tmp_path: Path) -> None:
    for name, ema in (("plain", 0.0), ("average", 0.9)):
        settings = toy_settings(training__ema=ema, training__validation="none")
        fit(settings, Manifest.read(data), tmp_path / name, progress=False)
    checkpoint = torch.load(tmp_path / "average/last.ckpt", weights_only=True)["state_dict"]
    saved = load_file(tmp_path / "average/model.safetensors")
    assert all(torch.equal(value, checkpoint[f"average.{name}"]) for name, value in saved.items())
    assert any(not torch.equal(value, checkpoint[f"network.{name}"]) for name, value in saved.items())
    # The average follows training, it does not steer it.
    plain = load_file(tmp_path / "plain/model.safetensors")
    assert all(torch.equal(value, checkpoint[f"network.{name}"]) for name, value in plain.items())


def test_a_callers_targets_replace_the_labels(data: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(data)
    n = len(manifest)
    targets, weights = torch.full((n,), 5.0), torch.ones(n)
    settings = toy_settings(training__validation="none", training__steps=1)
    fit(settings, manifest, tmp_path / "run", targets=targets, weights=weights, progress=False)
    (row, *_) = rows(tmp_path / "run")
    assert float(row["count_error"]) == pytest.approx(
        5.0, abs=1.5
    )  # every natural image counts 5, a fresh network 0


@pytest.fixture
def grey() -> Iterator[None]:
    METHODS.register("grey", "helpers.grey_method")
    yield
    METHODS._modules.pop("grey")


def test_any_method_trains_once_it_is_registered(grey: None, data: Path, tmp_path: Path) -> None:
    settings = grey_settings(toy_settings(training__steps=3))
    fit(settings, Manifest.read(data), tmp_path / "run", progress=False)
    assert load_model(tmp_path / "run").card.method == "grey"
    assert [row["progress"] for row in rows(tmp_path / "run")] == ["0", "0.333333", "0.666667"]


def test_a_model_of_another_method_is_no_start(grey: None, data: Path, tmp_path: Path) -> None:
    fit(toy_settings(training__steps=1), Manifest.read(data), tmp_path / "first", progress=False)
    with pytest.raises(UserError, match="choose a preset of the model's method"):
        fit(grey_settings(toy_settings()), Manifest.read(data), tmp_path / "run", start=tmp_path / "first")


def test_a_model_may_lie_between_its_start_and_where_training_led(data: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(data)
    first = fit(toy_settings(training__steps=2), manifest, tmp_path / "first", progress=False)

    def weights(name: str, own: bool, share: float) -> dict[str, torch.Tensor]:
        settings = toy_settings(training__steps=4, training__start_share=share)
        settings = settings.changed({"start": str(first)}) if own else settings
        run = fit(settings, manifest, tmp_path / name, start=None if own else first, progress=False)
        return load_model(run).network.state_dict()

    start, trained = load_model(first).network.state_dict(), weights("trained", own=True, share=0)
    assert any(not torch.equal(start[name], trained[name]) for name in start)
    for name, value in weights("between", own=True, share=0.25).items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.25 * start[name] + 0.75 * trained[name])
    back = weights("back", own=True, share=1)
    assert all(torch.equal(value, start[name]) for name, value in back.items() if "num_" not in name)
    other = weights("other", own=False, share=0.5)
    assert all(torch.equal(value, trained[name]) for name, value in other.items()), "not the settings' own"
