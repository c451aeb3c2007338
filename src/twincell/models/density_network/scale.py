"""Images of any size and magnification: how large the cells are, and the image scaled so that they fit."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.models.density_network.contrast import field, own_contrast
from twincell.models.density_network.network import DensityNetwork, soften
from twincell.models.density_network.settings import NOMINAL

DIAMETERS = (4.0, 5.6, 8.0, 11.3, 16.0, 22.6, 32.0, 45.0, 64.0)
"""Diameters in px that are tried, half an octave apart: one of them is within a fifth of the truth."""
STEP = 8
"""px, sides of what the network sees are multiples of this."""
LARGEST = 256
"""px, side of the part of a scaled image that is looked at to find the diameter."""
LOOKED_AT = 12
"""Images that are looked at to find the diameter, evenly chosen."""
FEWEST = 0.2
"""Least score of a diameter, in cells, else nothing is said."""
TOLERANCE = 0.25
"""Of the logarithm of a size, within which it counts as nominal."""
SMALLEST = 3.2
"""Cells are at least so many times as large as the finest structure of an image (`finest`)."""
RIM = 1.25
"""A cell as people measure it, with its dark or bright rim, in diameters of its outline."""
AS_IT_IS = (7.0, 11.0)
"""Diameters in px for which an image is not scaled: the network has learned to count them alike."""
FRAMED = (6.0, 20.0)
"""The same for images of the size of the training images: most likely they are such chambers."""


def scaled(images: Tensor, factor: float) -> Tensor:
    """(N, 1, H, W) at `factor` times the size, without aliases, sides padded to multiples of 8."""
    height, width = (max(STEP, round(side * factor)) for side in images.shape[-2:])
    if (height, width) != tuple(images.shape[-2:]):
        images = F.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return F.pad(images, (0, -width % STEP, 0, -height % STEP), mode="replicate")


@torch.inference_mode()
def found_diameter(network: DensityNetwork, images: Sequence[Tensor]) -> float | None:
    """The diameter of the cells with their rims, in px of the images; None where no cell is found.

    The images are looked at as if their cells had each of `DIAMETERS`. Near the truth, the size that the
    network reads goes down as the supposed one goes up, and what it makes of the diameter stays the same. So
    of all neighbouring pairs the one counts in which many cells are found, whose size is near the nominal one
    and follows the scale; dust and grains look nominal at any scale.

    Args:
        network: with sizes, in eval mode.
        images: (1, H, W) float32 in [0, 1] each; sizes may differ.
    """
    places = torch.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).round().long().tolist()
    chosen = [images[k] for k in places]
    contrast = max(_contrast(image[None]) for image in chosen)
    least = SMALLEST * finest(chosen)
    tried = [diameter for diameter in DIAMETERS if diameter * math.sqrt(2) > least]
    looks = [_look(network, chosen, NOMINAL / diameter, contrast) for diameter in tried]
    best, found = 0.0, None
    for small, large, (cells, size), (cells_next, size_next) in zip(
        tried[:-1], tried[1:], looks[:-1], looks[1:], strict=True
    ):
        follows = (size - size_next) / math.log(large / small)
        nominal = math.exp(-0.5 * ((size + size_next) / 2 / TOLERANCE) ** 2)
        score = (cells + cells_next) / 2 * min(max(follows, 0.0), 1.0) * nominal
        if score > max(best, FEWEST):
            best, found = score, RIM * math.sqrt(small * large) * math.exp((size + size_next) / 2)
    return found


def finest(images: Sequence[Tensor]) -> float:
    """px over which what stands out in images (1, H, W) changes: the spread of grey levels over their slope.

    Blurred images, and those of large cells, have no finer structure: nothing small in them is a cell.
    """
    energy = slope = 0.0
    for image in images:
        seen = soften(image[None] - field(image[None]))
        energy += float((seen**2).mean())
        slope += float(seen.diff(dim=-1).pow(2).mean() + seen.diff(dim=-2).pow(2).mean())
    return math.sqrt(energy / max(slope, 1e-12))


def _contrast(images: Tensor) -> float:
    """Grey levels (of 1) by which what stands out in images (N, 1, H, W) differs from the field."""
    deviations = images - field(images)
    return float(own_contrast(deviations, soften(deviations)).max())


def _look(
    network: DensityNetwork, images: Sequence[Tensor], factor: float, contrast: float
) -> tuple[float, float]:
    """Cells found in images scaled by `factor`, and the mean logarithm of their size.

    A cell weighs as much as the square of what it stands out by, relative to `contrast`: magnified enough,
    dust and noise look like cells, but faint ones.
    """
    cells = size = 0.0
    for image in images:
        side = max(STEP, round(LARGEST / factor))
        top, left = (max(0, (length - side) // 2) for length in image.shape[-2:])
        part = image[:, top : top + side, left : left + side]
        pixels = scaled(part[None], factor)
        maps = network.features(pixels)
        outstanding = F.max_pool2d(soften(pixels - field(pixels)).abs(), 8, 4, 2) / contrast
        density = network.density(maps) * outstanding.clamp(max=1) ** 2
        seen = float(density.sum()) * (image.numel() / part.numel())
        cells += seen
        size += seen * float(network.log_diameter(maps, density))
    return cells, size / max(cells, 1e-9)
