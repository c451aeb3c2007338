"""A method of other data with two optimisers trains, is killed and resumes as every other one does."""

import csv
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from helpers.toy_gan import Points, toy_gan_settings
from helpers.training_toys import toy_settings
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.training import fit

STEPS = 60
TRAIN = """
import sys
from pathlib import Path
from helpers.toy_gan import Points, toy_gan_settings
from twincell.models import METHODS
from twincell.training import Machine, fit
METHODS.register("toy_gan", "helpers.toy_gan")
settings = toy_gan_settings(%d, save_steps=7, save_seconds=999, schedule="cosine", clip=0.5)
fit(settings, Points(Path(sys.argv[1])), sys.argv[2], resume=True, seed=3, machine=Machine("cpu"))
"""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    METHODS.register("toy_gan", "helpers.toy_gan")
    yield
    METHODS._modules.pop("toy_gan")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Points:
    return Points.make(tmp_path_factory.mktemp("points") / "data")


def start(points: Points, out: Path) -> subprocess.Popen:
    tests = str(Path(__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {tests!r})\n" + TRAIN % STEPS
    return subprocess.Popen(
        [sys.executable, "-c", code, str(points.root), str(out)], stderr=subprocess.PIPE, text=True
    )


def history(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_killed_it_resumes_to_the_same_bits(points: Points, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _, told = (process := start(points, whole)).communicate(timeout=300)
    assert process.returncode == 0, told
    assert f"trained {STEPS} steps" in told
    assert "64 points" in told

    process = start(points, killed)
    while process.poll() is None and not (killed / "last.ckpt").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (killed / "model.safetensors").exists(), "it ended before it was killed"
    checkpoint = torch.load(killed / "last.ckpt", weights_only=True)
    assert 0 < checkpoint["steps_done"] < STEPS
    assert len(checkpoint["optimizer_states"]) == 2

    _, told = (process := start(points, killed)).communicate(timeout=300)
    assert process.returncode == 0, told
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert history(killed) == history(whole)


def test_the_record_and_the_card_are_those_of_any_run(points: Points, tmp_path: Path) -> None:
    fit(toy_gan_settings(20, keep="best"), points, tmp_path / "run", progress=False)
    found = history(tmp_path / "run")
    assert list(found[0]) == ["step", "learning_rate", "loss", "generator", "validation_error"]
    assert [int(row["step"]) for row in found] == [1, 5, 10, 15, 20], "a step is one batch"
    model = load_model(tmp_path / "run")
    assert (model.card.method, model.card.steps, model.card.modalities) == ("toy_gan", 20, ["points"])
    validated = {int(r["step"]): float(r["validation_error"]) for r in found if r["validation_error"]}
    best = min(validated, key=lambda step: validated[step])
    assert model.card.metrics["validation"] == {
        "error": pytest.approx(validated[best], rel=1e-5),
        "step": best,
    }
    with pytest.raises(UserError, match="does not count cells"):
        model.predict(torch.rand(1, 1, 128, 128))


def test_both_networks_learn_and_the_average_follows_both(points: Points, tmp_path: Path) -> None:
    def weights(steps: int) -> dict[str, torch.Tensor]:
        fit(toy_gan_settings(steps), points, tmp_path / str(steps), progress=False)
        return torch.load(tmp_path / str(steps) / "last.ckpt", weights_only=True)["state_dict"]

    one, two = weights(1), weights(2)
    for name, value in two.items():
        if name.startswith("average.") and value.is_floating_point():
            # After n complete steps the average moves by 1 - n / (n + 9): by 1, then by 9 / 10.
            moved = torch.lerp(one[name], two[name.replace("average.", "network.")], 9 / 10)
            torch.testing.assert_close(value, moved)
    assert not torch.equal(one["network.generator.0.weight"], two["network.generator.0.weight"])
    assert not torch.equal(one["network.discriminator.0.weight"], two["network.discriminator.0.weight"])


@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_each_optimiser_has_its_own_rate_and_is_clipped(
    clip: float, points: Points, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain gradient descent on a steep loss: without clipping it jumps, with it it moves by rate x clip."""
    from helpers.toy_gan import GanTask

    def learn(self: GanTask, batch: object, info: object) -> None:
        steep = [1000 * part[0].weight.sum() for part in (self.network.generator, self.network.discriminator)]
        for which, loss in enumerate(steep):
            self.minimise(which, loss)
        self.report(loss=steep[0])

    def descent(self: GanTask) -> list[torch.optim.Optimizer]:
        parts = (self.network.generator, self.network.discriminator)
        return [torch.optim.SGD(p.parameters(), lr=r) for p, r in zip(parts, (1e-2, 2e-2), strict=True)]

    monkeypatch.setattr(GanTask, "learn", learn)
    monkeypatch.setattr(GanTask, "make_optimizers", descent)
    settings = toy_gan_settings(2, clip=clip, schedule="constant", warmup=0.0, ema=0.0)
    ends = {}
    for steps in (1, 2):
        fit(settings.changed({"training.steps": steps}), points, tmp_path / f"{clip} {steps}", progress=False)
        ends[steps] = torch.load(tmp_path / f"{clip} {steps}/last.ckpt", weights_only=True)["state_dict"]
    for part, rate in (("generator", 1e-2), ("discriminator", 2e-2)):
        name = f"network.{part}.0.weight"
        step = (ends[2][name] - ends[1][name]).norm()
        steep = 1000 * ends[1][name].numel() ** 0.5
        assert float(step) == pytest.approx(rate * (clip or steep), rel=1e-3)


def test_data_of_another_kind_is_refused_by_both(points: Points, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="learns from the images of a manifest, got Points"):
        fit(toy_settings(), points, tmp_path / "run", progress=False)
    with pytest.raises(UserError, match="learns from no counts"):
        fit(toy_gan_settings(1), points, tmp_path / "run", targets=torch.zeros(64), progress=False)
    assert not (tmp_path / "run").exists()
