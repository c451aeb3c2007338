"""What every counting method has in common: what it predicts, and how it plugs into training and counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from twincell.errors import UserError

if TYPE_CHECKING:
    from twincell.config import Settings
    from twincell.models.base.task import Task


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

    def at(self, index: Tensor) -> "Prediction":
        """The predictions of some images, in the order of `index` (n,) int64."""
        std, density, novelty = (
            None if value is None else value[index] for value in (self.std, self.density, self.novelty)
        )
        return Prediction(self.count[index], std, density, novelty)

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
    """The named parts of a network that transfer freezes and unfreezes: names as in `network.get_submodule`.

    Attributes:
        outer: the layers of one image origin or one appearance, next to the pixels.
        core: what all images share.
        head: what turns the shared representation into a count; trained by every scheme.
        unfreezing: groups of parts from the outside in, for gradual unfreezing; together they hold every
            part.
        fresh: parts that a start may lack, where they begin with weights of their own, or have in vain.
    """

    outer: tuple[str, ...]
    core: tuple[str, ...]
    head: tuple[str, ...]
    unfreezing: tuple[tuple[str, ...], ...]
    fresh: tuple[str, ...] = ()


@runtime_checkable
class Method(Protocol):
    """A network and how it learns: one object per method, called `METHOD`, in the package of its name.

    What a method can do besides is said by the protocols below: count (`CountingMethod`), learn step by step
    (`Trainable`) or at once (`FittedOnce`), start from published weights (`Pretrainable`), learn from data of
    another kind than counted images (`twincell.models.base.run_data.OwnData`).

    Attributes:
        name: the key in `twincell.models.METHODS`, the `method:` of a preset and of a model file.
        settings_class: pydantic model (extra keys forbidden) of network and loss: a preset's `model:`.
        parts: the named parts of its networks.
    """

    name: str
    settings_class: type[BaseModel]
    parts: Parts

    def build(self, settings: Any) -> nn.Module:
        """A fresh network from `settings` (a `settings_class`); weights come from torch's generator.

        Works on torch's device "meta", too: a model file's shapes are compared there before anything is
        allocated.
        """
        ...


@runtime_checkable
class CountingMethod(Protocol):
    """A method whose networks count cells."""

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images.

        Args:
            network: as built, in eval mode, on the device of the images.
            images: (N, 1, height, width) float32 in [0, 1], of the size the model's card names.
        """
        ...


def counting_method(method: Method) -> CountingMethod:
    """The method, known to count.

    Raises:
        UserError: when it does not.
    """
    if not isinstance(method, CountingMethod):
        raise UserError(f"method {method.name}: does not count cells; use a model of another method")
    return method


@runtime_checkable
class AnySize(Protocol):
    """A method whose maps tell a part of an image from the rest: its images may have any size.

    Its predictions have a density, and no image has to be resized: see `twincell.models.base.views`.
    """

    any_size: Literal[True]


@runtime_checkable
class Measuring(Protocol):
    """A method some of whose networks say how large cells are, and go by the contrast of a whole image."""

    def measures(self, network: nn.Module) -> bool:
        """Whether this network does."""
        ...

    def diameter(self, network: nn.Module, images: "Sequence[Tensor]") -> float | None:
        """The cells' diameter in px in images (1, H, W) of one recording; None where no cell is found."""
        ...

    def fits(self, network: nn.Module, diameter: float, framed: bool) -> bool:
        """Whether images with cells of this diameter in px need not be scaled.

        Args:
            framed: whether the images have the size of the training images.
        """
        ...


@runtime_checkable
class Trainable(Protocol):
    """A method whose network learns step by step."""

    def task(self, network: nn.Module, settings: "Settings") -> "Task":
        """The training wrapper around `network`; `settings` is the whole preset, `settings.model` its own."""
        ...


@dataclass(frozen=True)
class LabelledImages:
    """Labelled natural training images, not augmented.

    Attributes:
        images: (N, 1, height, width) float32 in [0, 1], N from 1.
        counts: (N,) float32, cells per image.
        chambers: N names, one per time-lapse.
    """

    images: Tensor
    counts: Tensor
    chambers: tuple[str, ...]


@runtime_checkable
class FittedOnce(Protocol):
    """A method without gradient steps: it finds its network's buffers in one go."""

    def fit(self, network: nn.Module, labelled: LabelledImages, seed: int, tries: int) -> dict[str, Any]:
        """Sets the buffers of `network`.

        Args:
            network: as built, in eval mode.
            labelled: what is learned from.
            seed: of all random numbers.
            tries: how many candidates are tried, from 1: the settings' `training.steps`.

        Returns:
            What was found, as numbers and words by name, for the model's card.
        """
        ...


@runtime_checkable
class Pretrainable(Protocol):
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
class Finalizing(Protocol):
    """A counting method that sets buffers of its network (limits, calibration) once training has ended."""

    def finalize(self, network: nn.Module, images: Tensor, labelled: Tensor, counts: Tensor) -> None:
        """Sets what `network` (eval mode) needs from training images that are not augmented.

        Args:
            network: trained; its buffers are set.
            images: (N, 1, height, width) training images in [0, 1], N from 1.
            labelled: (M, 1, height, width) the labelled natural ones, M from 0.
            counts: (M,) float32, cells.
        """
        ...
