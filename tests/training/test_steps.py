"""What happens in a step: place in training, random numbers, running average, clipping; weights kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from helpers.grey_method import Grey, GreyTask, grey_settings
from helpers.training_toys import toy_settings, write_toy_data
from twincell.data.manifest import Manifest
from twincell.models import METHODS
from twincell.models.base.task import Plan, StepInfo, Task
from twincell.models.base.weights import plain_state
from twincell.training import Machine, fit
from twincell.training.checkpointing import NAME
from twincell.training.validation import Validation


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return Manifest.read(write_toy_data(tmp_path_factory.mktemp("data")))


@pytest.fixture(autouse=True)
def grey() -> Iterator[None]:
    METHODS.register("grey", "helpers.grey_method")
    yield
    METHODS._modules.pop("grey")


class After(L.Callback):
    """Calls a function after each step."""

    def __init__(self, call: Callable[[Task], Any]) -> None:
        self.call = call

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *rest: Any) -> None:
        assert isinstance(pl_module, Task)
        self.call(pl_module)


def train(out: Path, data: Manifest, watch: L.Callback | None = None, seed: int = 0, **changes: Any) -> Path:
    """The grey method; `changes` as for `toy_settings`, `resume` besides."""
    resume = changes.pop("resume", False)
    settings = grey_settings(toy_settings(**({"training__validation": "none"} | changes)))
    return fit(settings, data, out, resume, seed=seed, watch=watch, progress=False, machine=Machine("cpu"))


def states(data: Manifest, out: Path, **changes: Any) -> tuple[list[dict[str, Tensor]], ...]:
    """Network and average after every step."""
    networks: list[dict[str, Tensor]] = []
    averages: list[dict[str, Tensor]] = []

    def remember(task: Task) -> None:
        networks.append(plain_state(task.network))
        averages.append(plain_state(task.trained_network))

    train(out, data, After(remember), **changes)
    return networks, averages


class Killed(Exception):  # noqa: N818 - it stands for `kill -9`
    pass


def dies_after(step: int) -> After:
    def die(task: Task) -> None:
        if task.steps_done == step:
            raise Killed

    return After(die)


def test_a_resumed_run_goes_on_where_its_checkpoint_stood(data: Manifest, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path / "run", data, dies_after(7), training__save_steps=3)
    steps: list[int] = []
    train(
        tmp_path / "run", data, After(lambda task: steps.append(task.steps_done)), training__save_steps=3,
        resume=True,
    )  # fmt: skip
    assert steps == list(range(7, 13)), "the first step after the checkpoint of step 6 is the seventh"


def test_a_checkpoint_cut_short_leaves_the_one_before(
    data: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = L.Trainer.save_checkpoint

    def cut(self: L.Trainer, path: Path, *rest: Any, **more: Any) -> None:
        whole(self, path, *rest, **more)
        if self.lightning_module.steps_done == 6:
            Path(path).write_bytes(Path(path).read_bytes()[:100])
            raise Killed

    monkeypatch.setattr(L.Trainer, "save_checkpoint", cut)
    with pytest.raises(Killed):
        train(tmp_path / "run", data, training__save_steps=3)
    assert torch.load(tmp_path / "run" / NAME, weights_only=True)["steps_done"] == 3
    monkeypatch.undo()
    METHODS.register("grey", "helpers.grey_method")
    train(tmp_path / "run", data, training__save_steps=3, resume=True)
    train(tmp_path / "whole", data, training__save_steps=3)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_kept_are_those_asked_for(keep: str, data: Manifest, tmp_path: Path) -> None:
    """A rate that ruins the network after its first steps: the best weights are early ones."""
    _, after = states(
        data, tmp_path / "run", training__keep=keep, training__learning_rate=3.0, training__ema=0.0,
        training__validation="auto", training__validate_every=1, training__schedule="constant",
        training__optimizer="sgd", training__clip=0.0,
    )  # fmt: skip
    saved = load_file(tmp_path / "run/model.safetensors")
    checkpoint = torch.load(tmp_path / "run" / NAME, weights_only=True)
    step = next(state["step"] for state in checkpoint["callbacks"].values() if "worse" in state)
    assert step < len(after), "the last step is the best: the test says nothing"
    expected = after[step - 1] if keep == "best" else after[-1]
    assert all(torch.equal(value, expected[name]) for name, value in saved.items())


def test_patience_is_kept_through_a_resume() -> None:
    class Trainer:
        should_stop = False

    def network_error(network: nn.Module, device: torch.device) -> float:
        return 1.0

    first, again = (Validation(network_error, every=1, patience=2) for _ in range(2))
    task, trainer = GreyTask(Grey(), toy_settings()), Trainer()
    task.plan = Plan(None, 99, 0)  # type: ignore[arg-type]
    for step in (1, 2):
        task.steps_done = step
        first.on_train_batch_end(trainer, task, None, None, 0)  # type: ignore[arg-type]
    assert not trainer.should_stop, "one validation without a better figure"
    again.load_state_dict(first.state_dict())
    task.steps_done = 3
    again.on_train_batch_end(trainer, task, None, None, 0)  # type: ignore[arg-type]
    assert trainer.should_stop
    last, trainer = Validation(network_error, every=1, patience=2), Trainer()
    last.load_state_dict(again.state_dict())
    last.on_train_start(trainer, task)  # type: ignore[arg-type]
    assert trainer.should_stop, "stopped early and killed: it does not go on"


def test_a_step_knows_its_place_and_its_epoch() -> None:
    class Batches:
        steps_per_epoch = 3

    task = GreyTask(Grey(), toy_settings())
    task.plan = Plan(Batches(), 20, 0)  # type: ignore[arg-type]
    assert [task.step_info(step) for step in (0, 2, 3, 7)] == [
        StepInfo(0, 20, 0),
        StepInfo(2, 20, 0),
        StepInfo(3, 20, 1),
        StepInfo(7, 20, 2),
    ]


def test_each_step_has_random_numbers_of_its_own(
    data: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    losses = GreyTask.losses

    def spy(self: GreyTask, *args: Any) -> Any:
        drawn.append(float(torch.rand(1)))
        return losses(self, *args)

    # The class of the registered module is another import of the same file.
    monkeypatch.setattr(type(METHODS["grey"].task(Grey(), toy_settings())), "losses", spy)
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        train(tmp_path / name, data, seed=seed)
    one, again, other = drawn[:12], drawn[12:24], drawn[24:]
    assert one == again
    assert len({*one, *other}) == 24


@pytest.mark.parametrize("ema", [0.999, 0.05])
def test_the_running_average_forgets_its_start(ema: float, data: Manifest, tmp_path: Path) -> None:
    """After n complete steps it moves by 1 - min(ema, n / (n + 9)) towards the network."""
    networks, averages = states(data, tmp_path / "run", training__ema=ema)
    name = "line.weight"
    assert torch.equal(averages[0][name], networks[0][name])
    for n in range(1, 12):
        moved = torch.lerp(averages[n - 1][name], networks[n][name], 1 - min(ema, n / (n + 9)))
        torch.testing.assert_close(averages[n][name], moved)


@pytest.mark.parametrize("clip", [0.0, 0.01])
def test_gradients_are_clipped_to_the_norm_of_the_settings(
    clip: float, data: Manifest, tmp_path: Path
) -> None:
    """The second step of plain gradient descent with momentum 0.9 is at most 1.9 rates times the norm."""
    networks, _ = states(
        data, tmp_path / "run", training__clip=clip, training__optimizer="sgd", training__weight_decay=0.0,
        training__learning_rate=0.01, training__schedule="constant", training__warmup=0.0,
    )  # fmt: skip
    step = torch.cat([(networks[1][name] - networks[0][name]).flatten() for name in networks[0]]).norm()
    allowed = 1.9 * 0.01 * 0.01
    assert (float(step) <= allowed * 1.001) == (clip > 0)
