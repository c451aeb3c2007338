"""The training wrapper that all methods share: batches and chance by step, optimiser, running average."""

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from twincell.batches.batches import Batch, Batches
from twincell.config import Settings
from twincell.hardware import has_bfloat16
from twincell.models.base.schedule import factor
from twincell.seeding import seed_for

NETWORK = 100  # stream of chance: dropout, latent samples
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "radam": torch.optim.RAdam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


@dataclass(frozen=True)
class Moment:
    """Where in training a step stands: `step` of `steps`, and how many `epoch`s are complete before it."""

    step: int
    steps: int
    epoch: int


@dataclass(frozen=True)
class StepResult:
    """What a method makes of a batch.

    Attributes:
        total: scalar, minimised.
        counts: (B,) predicted cells, for the live count error.
        terms: named scalars for the logs.
    """

    total: Tensor
    counts: Tensor
    terms: dict[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """What a run needs besides the network and its settings: set once before training."""

    batches: Batches
    steps: int
    seed: int


class CountingTask(L.LightningModule, ABC):
    """Trains `network`; a method adds one function, `losses`.

    Attributes:
        network: what is trained.
        average: its running average (weights and batch-norm statistics), or None where `training.ema` is 0.
        latest: named scalars of the last step, detached.
    """

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.average: nn.Module | None = None
        if settings.training.ema:
            self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.latest: dict[str, Tensor] = {}
        self.plan: Plan

    @abstractmethod
    def losses(self, batch: Batch, moment: Moment) -> StepResult:
        """The loss of a batch; the network's forward pass belongs inside `with self.autocast():`."""

    @property
    def counting_network(self) -> nn.Module:
        """The network that is validated and saved: the running average where there is one."""
        return self.network if self.average is None else self.average

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """bfloat16 where the settings and the device allow it; losses are computed outside, in float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bfloat16):
            yield

    @property
    def uses_bfloat16(self) -> bool:
        """Whether the forward pass is computed in bfloat16."""
        wanted = self.settings.training.precision
        return wanted == "bfloat16" or (wanted == "auto" and has_bfloat16(self.device))

    def moment(self, step: int) -> Moment:
        """Where step 0, 1, 2, ... stands in training."""
        return Moment(step, self.plan.steps, step // self.plan.batches.steps_per_epoch)

    def training_step(self, item: int, index: int) -> Tensor:
        """Makes the step's own batch; what the loader hands over is only a tick."""
        step = self.global_step
        # Dropout and latent samples repeat after a resume because each step starts from its own seed.
        torch.manual_seed(seed_for(self.plan.seed, step, NETWORK + self.global_rank))
        batch = self.laid_out(self.plan.batches.make(step).share(self.global_rank, self.trainer.world_size))
        result = self.losses(batch, self.moment(step))
        known = (
            batch.labelled & batch.natural if bool((batch.labelled & batch.natural).any()) else batch.labelled
        )
        error = (result.counts.detach().float() - batch.counts)[known].abs().mean()
        self.latest = {"loss": result.total.detach(), "count_error": error}
        self.latest |= {name: value.detach() for name, value in result.terms.items()}
        return result.total

    def laid_out(self, batch: Batch) -> Batch:
        """The batch with its images in the memory order that bfloat16 convolutions are fastest with."""
        if not self.uses_bfloat16:
            return batch
        return replace(batch, images=batch.images.contiguous(memory_format=torch.channels_last))

    def configure_model(self) -> None:
        """Lays the weights out as the images are: else convolutions copy their maps from order to order."""
        if self.uses_bfloat16:
            self.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> Any:
        """The optimiser over the network's parameters, its learning rate set anew for every step."""
        training = self.settings.training
        optimizer = OPTIMIZERS[training.optimizer](
            self.network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )
        steps = self.plan.steps
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(training, step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """One step of the optimiser, then of the running average."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            # Early on a long memory would hold the random start: the decay grows with the steps.
            step = self.global_step
            _approach(self.average, self.network, 1 - min(self.settings.training.ema, step / (step + 9)))


@torch.no_grad()
def _approach(average: nn.Module, network: nn.Module, share: float) -> None:
    """Moves every weight and statistic of `average` by `share` towards the network's; counters are copied."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)  # exact where both are equal: frozen parts keep every bit
        else:
            mean.copy_(value)
