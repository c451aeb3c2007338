"""EfficientNet's settings."""

from typing import Annotated, Literal

from pydantic import Field

from twincell.config import Share, Strict, Width
from twincell.models.density_network.settings import LossSettings


class NetworkSettings(Strict):
    """What is built around the published network."""

    resolution: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] = 224
    """Images are resized to this side; 224 is what the ImageNet weights were trained at."""
    hidden: Width = 128
    """Units of the head's hidden layer."""
    dropout: Share = 0.2
    """Share of pooled features dropped in training; the source's."""
    drop_connect: Share = 0.2
    """Largest share of residual branches dropped in training; the source's."""
    momentum: Share = 0.01
    """Share of a batch's statistics in the running ones; the source's."""


class EfficientNetSettings(Strict):
    """A preset's `model:` for the method efficientnet."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings(drawn_count=0.0, density=0.0)
    weights: Literal["imagenet"] | None = "imagenet"
    """What a training starts from; null = random weights."""
