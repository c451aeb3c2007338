"""A BiT network (ResNet v2 with group norm and weight standardisation) with a head that counts."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from twincell.errors import UserError

GREY_MEAN = GREY_STD = 0.5
"""BiT's own: pixels from -1 to 1."""
SHAPE = (
    "embedding_size", "hidden_sizes", "depths", "num_groups", "layer_type", "global_padding", "output_stride",
    "width_factor", "hidden_act", "embedding_dynamic_padding",
)  # fmt: skip
"""Settings of a published network that have to equal ours: some change what it computes, not its weights."""


class NoWeightsError(UserError):
    """Published weights are neither in the folder named nor can the hub be reached."""


def transformers_bit() -> Any:
    """The module `transformers.models.bit`.

    Raises:
        UserError: where transformers is not installed.
    """
    try:
        from transformers.models import bit
    except ImportError as error:
        raise UserError(
            "method bit needs the package transformers; install it with `pip install transformers`"
        ) from error
    return bit


class BitCounter(nn.Module):
    """A grey image, as three equal channels, through BiT; its pooled features by one linear layer to a count.

    Args:
        resolution: images are resized to this side, in pixels.
        embedding: channels of the first convolution.
        widths: channels of the four stages.
        depths: blocks of the four stages.
        groups: of the group norms; divides a quarter of every width.
        split: in training a batch is computed in so many parts, each once more for its gradient: the same
            result in less memory.
    """

    def __init__(
        self,
        resolution: int,
        embedding: int,
        widths: Sequence[int],
        depths: Sequence[int],
        groups: int,
        split: int,
    ) -> None:
        super().__init__()
        bit = transformers_bit()
        self.resolution, self.split = resolution, split
        self.backbone = bit.BitModel(
            bit.BitConfig(
                embedding_size=embedding, hidden_sizes=list(widths), depths=list(depths), num_groups=groups
            )
        )
        self.head = nn.Linear(widths[-1], 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def features(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] -> (B, widths[-1]), the means of the last maps."""
        side = self.resolution
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        pixels = ((images - GREY_MEAN) / GREY_STD).expand(-1, 3, -1, -1)
        pooled: Tensor = self.backbone(pixels).pooler_output
        return pooled.flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 1, 1, 1) cells, of any sign."""
        if self.training and self.split > 1:
            parts = images.chunk(self.split)
            pooled = torch.cat([checkpoint(self.features, part, use_reentrant=False) for part in parts])
        else:
            pooled = self.features(images)
        count: Tensor = self.head(pooled)
        return count[:, :, None, None]


def load_published(network: BitCounter, weights: str) -> str:
    """Loads a published BiT into the backbone.

    Args:
        network: as built; its settings have to be those of the published network.
        weights: a folder that transformers wrote, or the name of a model on the hub, such as google/bit-50.

    Returns:
        Where the weights come from.

    Raises:
        NoWeightsError: as it says.
        UserError: the weights are of another network, or not whole.
    """
    try:
        loaded, told = transformers_bit().BitModel.from_pretrained(weights, output_loading_info=True)
    except OSError as error:
        raise NoWeightsError(
            f"method bit: the weights {weights} cannot be had ({str(error).splitlines()[0]}); name a folder "
            "that holds them with --set model.weights=FOLDER, or start from random weights with null"
        ) from error
    ours, theirs = network.backbone.config, loaded.config
    other = [name for name in SHAPE if getattr(ours, name) != getattr(theirs, name)]
    if other:
        raise UserError(
            f"method bit: the weights {weights} are of another network ("
            + ", ".join(f"{name} {getattr(theirs, name)}, not {getattr(ours, name)}" for name in other)
            + "); set model.network accordingly"
        )
    if missing := sorted(told["missing_keys"]):  # transformers fills these with random numbers
        raise UserError(
            f"method bit: the weights {weights} lack {len(missing)} tensors of a BiT ({missing[0]}, ...); "
            "name whole ones with --set model.weights=FOLDER"
        )
    network.backbone.load_state_dict(loaded.state_dict())
    commit = getattr(theirs, "_commit_hash", None)
    return f"BiT weights {weights}" + (f" (commit {commit})" if commit else "")
