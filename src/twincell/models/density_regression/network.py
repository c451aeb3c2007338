"""FCRN-A of Xie et al.: a fully convolutional network from pixels to cells per pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from twincell.models.density_network.network import GREY_STD

MAGNIFIED = 100.0
"""The network learns this many times the density, whose values are too small to learn from (source code)."""


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """A 3 x 3 convolution without bias, batch norm, ReLU; the size stays."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    nn.init.orthogonal_(convolution.weight)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))


class FCRNA(nn.Module):
    """Three times halved, once widened, three times doubled; 32-64-128-512-128-64-32 channels in the source.

    Args:
        widths: channels of the three halving blocks and of the deepest one.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 512)) -> None:
        super().__init__()
        first, second, third, deep = widths
        self.down = nn.Sequential(
            block(1, first), nn.MaxPool2d(2), block(first, second), nn.MaxPool2d(2),
            block(second, third), nn.MaxPool2d(2),
        )  # fmt: skip
        self.deep = block(third, deep)
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2), block(deep, third), nn.Upsample(scale_factor=2),
            block(third, second), nn.Upsample(scale_factor=2), block(second, first),
        )  # fmt: skip
        self.head = nn.Conv2d(first, 1, 1, bias=False)
        nn.init.orthogonal_(self.head.weight)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1], sides divisible by 8 -> cells per pixel (B, 1, H, W), of any sign."""
        centred = (images - images.mean((1, 2, 3), keepdim=True)) / GREY_STD
        magnified: Tensor = self.head(self.up(self.deep(self.down(centred))))
        return magnified.to(torch.float32) / MAGNIFIED
