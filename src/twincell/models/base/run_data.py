"""What a run learns from, whatever that is: the side of the data that `twincell.training.fit` sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from twincell.config import Settings
from twincell.data.image_spec import ImageSpec
from twincell.models.base.card import TrainingData
from twincell.models.base.task import BatchSource

ValidationError = Callable[[nn.Module, torch.device], float]
"""The figure of a network (any mode, restored afterwards) on a device: the smaller the better."""


class Dataset(Protocol):
    """What `fit` is handed: a manifest, or the data of a method with its own kind."""

    @property
    def root(self) -> Path:
        """The folder it lies in."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 of everything that a run could learn from; a resumed run has to have the same."""
        ...


class RunData(Protocol):
    """The data of one run, read and checked.

    Attributes:
        description: one line on what was chosen, for people.
        steps_per_epoch: steps that make one pass over the data, from 1.
        modalities: names of the modalities learned from, sorted; for the card.
        image: what the network sees of the data, height and width in numbers; for the card.
        scale: how many times the data was enlarged since it was read; for the card.
        validation: the figure that validation minimises; None without validation.
    """

    @property
    def description(self) -> str: ...  # noqa: D102 - see above

    @property
    def steps_per_epoch(self) -> int: ...  # noqa: D102

    @property
    def modalities(self) -> list[str]: ...  # noqa: D102

    @property
    def image(self) -> ImageSpec: ...  # noqa: D102

    @property
    def scale(self) -> float: ...  # noqa: D102

    @property
    def validation(self) -> ValidationError | None: ...  # noqa: D102

    def batches(self, device: torch.device, progress: bool) -> BatchSource:
        """What makes the batches on `device`; `progress` allows a bar on stderr."""
        ...

    def summary(self) -> TrainingData:
        """What the card says of the data, without fingerprint and description."""
        ...


@runtime_checkable
class OwnData(Protocol):
    """A method that learns from data of its own kind, or of a manifest by rules of its own.

    Methods without `load_data` learn from the images of a manifest, counted or drawn ones among them
    (`twincell.training.run_data`).
    """

    def load_data(self, data: Dataset, settings: Settings, seed: int, progress: bool) -> RunData:
        """Reads what a run learns from.

        Raises:
            UserError: the data is of another kind, or there is nothing to learn from.
        """
        ...
