"""A finished classifier of phase maps as a model file: weights, classes, scale and card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from torch import nn

import twincell
from twincell.config import Strict, Width
from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.gan.few import probabilities
from twincell.gan.network import Classifier, Encoder
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, TrainingData, load_model, save_model
from twincell.models.base.method import Parts
from twincell.phase.maps import BELOW, MapSet

NAME = "phase_classifier"
METHODS.register(NAME, "twincell.gan.classifier")


class ClassifierSettings(Strict):
    """What is needed to build the network and to feed it."""

    side: Annotated[int, Field(ge=16, le=256, multiple_of=16)]
    """Pixels along a map, as the network sees it."""
    height: Annotated[int, Field(gt=0)]
    width_px: Annotated[int, Field(gt=0)]
    """Size of the maps it learned from: others would show cells at another scale."""
    width: Width
    """Channels of the first convolution."""
    classes: tuple[str, ...]
    """In the order of the network's outputs."""
    top: Annotated[float, Field(gt=0)]
    """Delay in nm that becomes 1."""


class PhaseClassifierMethod:
    """The classifier as `twincell.models.METHODS` knows it; it is trained by `twincell.gan.topgan` alone."""

    name = NAME
    settings_class = ClassifierSettings
    parts = Parts(
        outer=(), core=("encoder",), head=("last", "norm"), unfreezing=(("last", "norm"), ("encoder",))
    )

    def build(self, settings: ClassifierSettings) -> nn.Module:
        """A network of that size."""
        return Classifier(Encoder(settings.width), len(settings.classes))


METHOD = PhaseClassifierMethod()


def save_classifier(
    folder: Path,
    network: Classifier,
    settings: ClassifierSettings,
    data: TrainingData,
    metrics: dict[str, Any],
    **more: Any,
) -> Path:
    """Writes `model.safetensors` and `model.json` into `folder`."""
    spec = ImageSpec(
        height=settings.side,
        width=settings.side,
        dtype="float32",
        unit="nm of optical path",
        range=(-BELOW * settings.top, settings.top),
    )
    card = ModelCard(
        name=NAME,
        method=NAME,
        settings=settings.model_dump(mode="json"),
        modalities=["phase"],
        image=spec,
        data=data,
        metrics=metrics,
        twincell_version=twincell.__version__,
        **more,
    )
    return save_model(folder, network, card)


def classify(model: str | Path, maps: MapSet) -> tuple[np.ndarray, Sequence[str]]:
    """Chances (N, classes) of maps, and the names of the classes.

    Raises:
        UserError: another kind of model, or maps of another size than it learned from.
    """
    loaded = load_model(model)
    settings = ClassifierSettings.model_validate(loaded.card.settings) if loaded.card.method == NAME else None
    if settings is None:
        raise UserError(
            f"{model}: is a model of method {loaded.card.method}; name a run of `twincell topgan`"
        )
    if maps.maps.shape[1:] != (settings.height, settings.width_px):
        height, width = maps.maps.shape[1:]
        raise UserError(
            f"{maps.root}: maps of {width} x {height} px; {model} learned from {settings.width_px} x "
            f"{settings.height} px, crop them alike"
        )
    images = maps.scaled(settings.top, settings.side)
    return probabilities(loaded.network, images).numpy(), settings.classes
