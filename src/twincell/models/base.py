"""What every counting method has in common: what it predicts, and how it plugs into training and counting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from pydantic import BaseModel
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning import LightningModule

IMAGE_SIZE = 128


@dataclass(frozen=True)
class Prediction:
    """What a network says about N images.

    Attributes:
        count: (N,) float32, cells per image, raw (not rounded), never negative.
        std: (N,) float32, standard deviation of `count` in cells; None where the method gives none.
        density: (N, 1, h, w) float32, cells per map pixel, summing to `count`; None where the method has no map.
        novelty: (N,) float32 from 0; above 1 means unlike the training images; None where the method has none.
    """

    count: Tensor
    std: Tensor | None = None
    density: Tensor | None = None
    novelty: Tensor | None = None

    def __len__(self) -> int:
        return len(self.count)

    def cpu(self) -> "Prediction":
        """The same prediction in host memory."""
        moved = {name: None if value is None else value.cpu() for name, value in vars(self).items()}
        return Prediction(**moved)

    @staticmethod
    def join(parts: "list[Prediction]") -> "Prediction":
        """Predictions of consecutive batches as one; a field is kept only where every part has it."""
        fields = {
            name: [getattr(part, name) for part in parts] for name in ("count", "std", "density", "novelty")
        }
        return Prediction(
            **{
                name: None if any(v is None for v in values) else torch.cat(values)
                for name, values in fields.items()
            }
        )


@runtime_checkable
class Method(Protocol):
    """A way to count cells. One instance per method, called `METHOD`, in the package of its name.

    Attributes:
        name: the key in `twincell.models.METHODS`, the `method:` of a preset and of a model file.
        settings_class: pydantic model (extra keys forbidden) of the network and its loss: the `model:` of a preset.
        release: groups of named parts from the outside in, for transfer: the last group is the core.
    """

    name: str
    settings_class: type[BaseModel]
    release: tuple[tuple[str, ...], ...]

    def build(self, settings: Any) -> nn.Module:
        """A fresh network from `settings`; random weights come from torch's global generator."""
        ...

    def task(self, network: nn.Module, settings: Any) -> "LightningModule":
        """The training wrapper: a `twincell.training.task.CountingTask` around `network`."""
        ...

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images.

        Args:
            network: as built, in eval mode, on the device of the images.
            images: (N, 1, 128, 128) float32 in [0, 1].
        """
        ...


Predict = Callable[[nn.Module, Tensor], Prediction]
