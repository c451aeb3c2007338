"""The training wrapper of methods that count: count batches in, one loss and the count error out."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from twincell.batches.batches import Batch
from twincell.models.base.task import StepInfo, Task


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


class CountingTask(Task):
    """Trains a network that counts; a method adds one function, `losses`.

    `count_error` in the history is the mean absolute error in cells over the labelled images of the batch,
    the natural ones where any of these is labelled.
    """

    live: ClassVar[tuple[str, str]] = ("count_error", "count error {:.2f} cells")
    validation_name: ClassVar[str] = "validation_mae"

    @abstractmethod
    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        """The loss of a batch; the network's forward pass belongs inside `with self.autocast():`."""

    def learn(self, batch: Batch, info: StepInfo) -> Tensor:
        """The loss of a batch, with its terms and the count error reported."""
        result = self.losses(batch, info)
        natural = batch.labelled & batch.natural
        labelled = natural if bool(natural.any()) else batch.labelled
        error = (result.counts.detach().float() - batch.counts)[labelled].abs().mean()
        self.report(loss=result.total, count_error=error, **result.terms)
        return result.total

    def for_device(self, batch: Batch) -> Batch:
        """The batch with its images in the memory order that bfloat16 convolutions are fastest with."""
        if not self.uses_bfloat16:
            return batch
        return replace(batch, images=batch.images.contiguous(memory_format=torch.channels_last))
