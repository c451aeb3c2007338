"""What every counting method has in common: what it predicts, and how it plugs into training and counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import BaseModel
from torch import Tensor, nn

if TYPE_CHECKING:
    from twincell.config import Settings
    from twincell.models.base.task import CountingTask


@dataclass(frozen=True)
class Prediction:
    """What a network says about N images.

    Attributes:
        count: (N,) float32, cells per image, raw (not rounded), never negative.
        std: (N,) float32, standard deviation of `count` in cells; None where the method gives none.
        density: (N, 1, h, w) float32, cells per map pixel, summing to `count`; None where there is no map.
        novelty: (N,) float32 from 0; above 1 means unlike the training images; None where not known.
    """

    count: Tensor
    std: Tensor | None = None
    density: Tensor | None = None
    novelty: Tensor | None = None

    def __len__(self) -> int:
        return len(self.count)

    def cpu(self) -> "Prediction":
        """The same prediction in host memory."""
        return Prediction(
            self.count.cpu(),
            *(None if value is None else value.cpu() for value in (self.std, self.density, self.novelty)),
        )

    @staticmethod
    def join(pieces: "Sequence[Prediction]") -> "Prediction":
        """Predictions of consecutive batches as one; a field is kept where every piece has it alike."""

        def joined(values: list[Tensor | None]) -> Tensor | None:
            known = [value for value in values if value is not None]
            alike = len({value.shape[1:] for value in known}) == 1  # images of several sizes have no one map
            return torch.cat(known) if len(known) == len(values) and alike else None

        return Prediction(
            torch.cat([piece.count for piece in pieces]),
            joined([piece.std for piece in pieces]),
            joined([piece.density for piece in pieces]),
            joined([piece.novelty for piece in pieces]),
        )


@dataclass(frozen=True)
class Parts:
    """The named parts of a network that transfer freezes and releases: names as in `network.get_submodule`.

    Attributes:
        outer: the layers of one image origin or one look, next to the pixels.
        core: what all images share.
        head: what turns the shared representation into a count; trained by every scheme.
        release: groups of parts from the outside in, for gradual thawing; together they hold every part.
    """

    outer: tuple[str, ...]
    core: tuple[str, ...]
    head: tuple[str, ...]
    release: tuple[tuple[str, ...], ...]


@runtime_checkable
class Method(Protocol):
    """A way to count cells: one object per method, called `METHOD`, in the package of its name.

    Attributes:
        name: the key in `twincell.models.METHODS`, the `method:` of a preset and of a model file.
        settings_class: pydantic model (extra keys forbidden) of network and loss: a preset's `model:`.
        parts: the named parts of its networks.
    """

    name: str
    settings_class: type[BaseModel]
    parts: Parts

    def build(self, settings: Any) -> nn.Module:
        """A fresh network from `settings` (a `settings_class`); weights come from torch's generator."""
        ...

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images.

        Args:
            network: as built, in eval mode, on the device of the images.
            images: (N, 1, H, W) float32 in [0, 1], of the size of the images it was trained on.
        """
        ...


@runtime_checkable
class AnySize(Protocol):
    """A method whose maps tell a part of an image from the rest: its images may have any size.

    Its predictions have a density, and no image has to be resized: see `twincell.models.base.views`.
    """

    any_size: Literal[True]


@runtime_checkable
class Trained(Protocol):
    """A method whose network learns step by step."""

    def task(self, network: nn.Module, settings: "Settings") -> "CountingTask":
        """The training wrapper around `network`; `settings` is the whole preset, `settings.model` its own."""
        ...


@dataclass(frozen=True)
class Counted:
    """Counted natural training images, untouched.

    Attributes:
        images: (N, 1, H, W) float32 in [0, 1], N from 1.
        counts: (N,) float32, cells per image.
        chambers: N names, one per time-lapse.
    """

    images: Tensor
    counts: Tensor
    chambers: tuple[str, ...]


@runtime_checkable
class Fitted(Protocol):
    """A method without gradient steps: it finds its network's buffers in one go."""

    def fit(self, network: nn.Module, counted: Counted, seed: int, tries: int) -> dict[str, Any]:
        """Sets the buffers of `network`.

        Args:
            network: as built, in eval mode.
            counted: what is learned from.
            seed: of all chance.
            tries: how many candidates are tried, from 1: the settings' `training.steps`.

        Returns:
            What was found, as numbers and words by name, for the model's card.
        """
        ...


@runtime_checkable
class Pretrained(Protocol):
    """A method whose networks can start from weights that were trained on other images."""

    def pretrain(self, network: nn.Module, settings: Any) -> str:
        """Loads the weights that `settings` (a `settings_class`) names into a fresh network.

        Returns:
            Where the weights come from, for the model's card; empty where there is nothing to say.

        Raises:
            UserError: when they cannot be had.
        """
        ...


@runtime_checkable
class Settling(Protocol):
    """A method that looks once more at training images before its network is saved."""

    def settle(self, network: nn.Module, images: Tensor, counted: Tensor, counts: Tensor) -> None:
        """Lets `network` (eval mode) take what it needs from untouched images.

        Args:
            network: trained; its buffers are set.
            images: (N, 1, H, W) training images in [0, 1], N from 1.
            counted: (M, 1, H, W) those natural ones that a person counted, M from 0.
            counts: (M,) float32, cells.
        """
        ...
