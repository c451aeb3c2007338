"""An image's own contrast: how much what stands out in it differs from the field around."""

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 8
"""px, side of the blocks whose means make the field."""
FIELD = 9
"""Blocks, side of the window the field is averaged over: some seven nominal cells."""
OUTSTANDING = 0.998
"""Quantile of the deviations that is the contrast: the middle of one cell in 128 x 128 px."""
NOISE = 3.0
"""Times its softened noise an image's contrast is at least, which is what noise alone has."""
TILE = 128
"""px, about the side of the parts of a wide field that are looked at one by one."""
SHARE = 0.5
"""Of the contrast of its most outstanding tile an image's contrast is at least."""
FAINTEST = 0.02
"""grey levels (of 1), the least contrast: what lies below is rounding and dust."""


def field(images: Tensor) -> Tensor:
    """(B, 1, H, W) the brightness around each pixel: lamp, vignette and shade, without the cells."""
    small = F.avg_pool2d(images, BLOCK, ceil_mode=True, count_include_pad=False)
    for window in ((FIELD, 1), (1, FIELD)):
        padding = (window[0] // 2, window[1] // 2)
        small = F.avg_pool2d(small, window, 1, padding, count_include_pad=False)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def own_contrast(deviations: Tensor, softened: Tensor) -> Tensor:
    """(B, 1, 1, 1) what an image is divided by.

    Args:
        deviations: (B, 1, H, W) grey levels minus the field, in [-1, 1].
        softened: the same, each pixel weighed with its neighbours by 1-2-1 along both axes.
    """
    rows, columns = (max(1, round(side / TILE)) for side in softened.shape[-2:])
    tiles = [tile for band in softened.tensor_split(rows, 2) for tile in band.tensor_split(columns, 3)]
    found = torch.stack([_outstanding(tile) for tile in tiles])
    # Where cells are few, most tiles of a wide field hold none: then the ones that do say what stands out.
    outstanding = torch.maximum(found.median(0).values, SHARE * found.amax(0))
    # The median of what softening takes away; a deviation of the Gaussian noise is 1.48 times as much, and
    # softening takes 0.8 of it away and leaves 0.375.
    noise = (deviations - softened).abs().flatten(1).median(1).values * (1.48 / 0.8 * 0.375)
    return torch.maximum(outstanding, NOISE * noise).clamp(min=FAINTEST)[:, None, None, None]


def _outstanding(tile: Tensor) -> Tensor:
    """(B,) grey levels below which all but a few deviations (B, 1, H, W) lie."""
    flat = tile.abs().flatten(1)
    above = flat.shape[1] - max(1, round(OUTSTANDING * flat.shape[1])) + 1
    return flat.topk(above, 1).values[:, -1]  # the few largest are found in a third of the time of a rank
