"""The training wrapper of every method: batch, seed and rate of a step, EMA, precision, optimisers."""

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import lightning as L
import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.hardware import has_bfloat16
from twincell.models.base.schedule import factor
from twincell.seeding import seed_for

NETWORK_STREAM = 100
"""Random stream of what a network draws in a step: dropout, latent samples."""

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "radam": torch.optim.RAdam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}
"""Optimisers by their name in `training.optimizer`."""


@dataclass(frozen=True)
class StepInfo:
    """A step's place in training: `step` (from 0) of `steps`, after `epoch` complete epochs."""

    step: int
    steps: int
    epoch: int


class DeviceBatch(Protocol):
    """What one step learns from, on all devices together."""

    def share(self, rank: int, world: int) -> Any:
        """The part of device `rank` of `world`; the batch itself where there is one device."""
        ...


class BatchSource(Protocol):
    """Makes the batch of any step, in any order; it depends on the source's seed and the step alone."""

    @property
    def steps_per_epoch(self) -> int:
        """Steps that make one pass over the data, from 1."""
        ...

    def make(self, step: int) -> DeviceBatch:
        """The batch of step 0, 1, 2, ..."""
        ...


@dataclass(frozen=True)
class Plan:
    """What a run needs besides the network and its settings: where batches come from, length and seed."""

    batches: BatchSource
    steps: int
    seed: int


class Task(L.LightningModule, ABC):
    """Trains `network` on batches of any kind.

    A method with one optimiser implements `learn` alone. One with several lists them in `make_optimizers`,
    and its `learn` calls `minimise` for each as often as it likes. Learning rate, seeds, precision, clipping
    and running average are the same for both.

    Attributes:
        network: what is trained, all parts of it.
        average: its running average (weights and batch-norm statistics), or None where `training.ema` is 0.
        plan: set once before training.
        steps_done: complete steps, over all resumes; with several optimisers a step is still one batch.
        latest: named scalars of the last step, detached; the same names in every step.
        live: name of the scalar that is shown while training, and how it is written.
        validation_name: column of the validation figure in history.csv.
    """

    live: ClassVar[tuple[str, str]] = ("loss", "loss {:.4g}")
    validation_name: ClassVar[str] = "validation_error"

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.average: nn.Module | None = None
        if settings.training.ema:
            self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.steps_done = 0
        self.latest: dict[str, Tensor] = {}
        self.plan: Plan

    @abstractmethod
    def learn(self, batch: Any, info: StepInfo) -> Tensor | None:
        """Learns from a batch; forward passes belong inside `with self.autocast():`, losses outside.

        Returns:
            The loss to minimise, a scalar; ignored where there are several optimisers.
        """

    def make_optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """The optimisers; by default the one of the settings, over all parameters of the network.

        The rate given to each is its largest: the schedule multiplies all of them by the same factor.
        """
        training = self.settings.training
        make = OPTIMIZERS[training.optimizer]
        return [
            make(self.network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
        ]

    def minimise(self, which: int, loss: Tensor) -> None:
        """Takes one step with optimiser `which` (place in `make_optimizers`) down the gradient of `loss`.

        Only the gradients of that optimiser's own parameters are cleared before.
        """
        optimizer = self.optimizers()[which]  # type: ignore[index]
        optimizer.zero_grad()
        self.manual_backward(loss)
        self._clip(optimizer.optimizer)
        optimizer.step()

    def report(self, **figures: Tensor) -> None:
        """Sets `latest`, for the history, the progress line and TensorBoard."""
        self.latest = {name: value.detach() for name, value in figures.items()}

    def for_device(self, batch: Any) -> Any:
        """The batch as `learn` gets it; change its memory order or type here."""
        return batch

    @property
    def trained_network(self) -> nn.Module:
        """The network that is validated and saved: the running average where there is one."""
        return self.network if self.average is None else self.average

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """Computes in bfloat16 where the settings and the device allow it."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bfloat16):
            yield

    @property
    def uses_bfloat16(self) -> bool:
        """Whether forward passes are computed in bfloat16."""
        wanted = self.settings.training.precision
        return wanted == "bfloat16" or (wanted == "auto" and has_bfloat16(self.device))

    def step_info(self, step: int) -> StepInfo:
        """The place of step 0, 1, 2, ... in training."""
        return StepInfo(step, self.plan.steps, step // self.plan.batches.steps_per_epoch)

    # What Lightning calls, in the order of a step.

    def configure_model(self) -> None:
        """Orders weights in memory as images are ordered: else convolutions copy maps from order to order."""
        if self.uses_bfloat16:
            self.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> Any:
        """Takes the method's optimisers; with several, `learn` steps them itself."""
        optimizers = list(self.make_optimizers())
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group.setdefault("initial_lr", group["lr"])
        self.automatic_optimization = len(optimizers) == 1
        return optimizers

    def on_train_start(self) -> None:
        """Ends at once where a checkpoint of the last step was resumed from."""
        self._stop_at_the_end()

    def training_step(self, item: int, index: int) -> Tensor | None:
        """Makes the step's own batch and learns from it; what the loader hands over is only a tick."""
        step = self.steps_done
        # Dropout and latent samples repeat after a resume because each step starts from its own seed.
        torch.manual_seed(seed_for(self.plan.seed, step, NETWORK_STREAM + self.global_rank))
        self._set_learning_rates(step)
        batch = self.plan.batches.make(step).share(self.global_rank, self.trainer.world_size)
        loss = self.learn(self.for_device(batch), self.step_info(step))
        if not self.automatic_optimization:
            self._finish_step()
        return loss

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        """Clips as `training.clip` says, also where Lightning was told nothing."""
        self._clip(optimizer)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Takes the step of a single optimiser, `training_step` included."""
        super().optimizer_step(*args, **kwargs)
        self._finish_step()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ends training after the last step."""
        self._stop_at_the_end()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the number of complete steps."""
        checkpoint["steps_done"] = self.steps_done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the number of complete steps back."""
        self.steps_done = completed_steps(checkpoint)

    def _set_learning_rates(self, step: int) -> None:
        share = factor(self.settings.training, step, self.plan.steps)
        for group in (group for optimizer in self.trainer.optimizers for group in optimizer.param_groups):
            group["lr"] = group["initial_lr"] * share

    def _clip(self, optimizer: torch.optim.Optimizer) -> None:
        clip = self.settings.training.clip
        self.clip_gradients(optimizer, gradient_clip_val=clip, gradient_clip_algorithm="norm")

    def _finish_step(self) -> None:
        if self.average is not None:
            # Early on a long memory would hold the random start: the decay grows with the steps, from 0.
            step = self.steps_done
            _approach(self.average, self.network, 1 - min(self.settings.training.ema, step / (step + 9)))
        self.steps_done += 1

    def _stop_at_the_end(self) -> None:
        if self.steps_done >= self.plan.steps:
            self.trainer.should_stop = True


def completed_steps(checkpoint: dict[str, Any]) -> int:
    """The complete steps of a checkpoint, also of one of release 1, where Lightning alone counted them."""
    return int(checkpoint.get("steps_done", checkpoint["global_step"]))


@torch.no_grad()
def _approach(average: nn.Module, network: nn.Module, share: float) -> None:
    """Moves every weight and statistic of `average` by `share` towards the network's; counters are copied."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)  # exact where both are equal: frozen parts keep every bit
        else:
            mean.copy_(value)
