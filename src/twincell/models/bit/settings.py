"""BiT's settings; the defaults are those of BiT-50 (ResNet-50, factor 1)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twincell.config import Depth, Positive, Strict, Width
from twincell.models.density_network.settings import LossSettings

Four = tuple[Width, Width, Width, Width]
Depths = tuple[Depth, Depth, Depth, Depth]


class NetworkSettings(Strict):
    """Size of the network and of its images."""

    resolution: Annotated[int, Field(ge=32, le=4096)] = 480
    """Images are resized to this side; the HyperRule's crop for images of 96 x 96 pixels or more."""
    embedding: Width = 64
    """Channels of the first convolution."""
    widths: Four = (256, 512, 1024, 2048)
    """Channels of the four stages."""
    depths: Depths = (3, 4, 6, 3)
    """Blocks of the four stages."""
    groups: Positive = 32
    """Groups of the group norms."""
    split: Positive = 1
    """Parts a training batch is computed in, to save memory; the result is the same."""

    @model_validator(mode="after")
    def _groups_divide(self) -> "NetworkSettings":
        wrong = [width for width in self.widths if width % (4 * self.groups)]
        if wrong or self.embedding % self.groups:
            raise ValueError(
                f"4 * groups has to divide every width and groups the embedding: groups {self.groups}"
            )
        return self


class BitSettings(Strict):
    """A preset's `model:` for the method bit."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings(drawn_count=0.0, density=0.0)
    weights: str | None = "google/bit-50"
    """What a training starts from: a folder, or a name on the hub; null = random weights."""
    otherwise: Literal["refuse", "random"] = "refuse"
    """What to do where the weights cannot be had; random says so in the model's card."""
