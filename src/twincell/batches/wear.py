"""What light, lens, camera and file format do to a picture of cells, at random; counts stay true.

Every number is drawn whatever is switched on, and nothing is drawn where all is off: presets without wear
keep their batches bit by bit.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.config import AugmentSettings

BLOCK = 8  # px, side of the blocks that are compressed one by one
FINEST, COARSEST = 0.01, 0.12  # grey levels (of 1), steps of the coefficients: good and bad compression
STEEPNESS = 0.35  # how much coarser each higher frequency is stored, per step along either axis


def worn(
    images: Tensor, generator: torch.Generator, settings: AugmentSettings, calm: Tensor | None = None
) -> Tensor:
    """Contrast, lamp, negative, blur, binning and compression varied per image; the result is cut to [0, 1].

    Args:
        images: (B, 1, H, W) float32 in [0, 1].
        generator: on the CPU; the same state gives the same result.
        calm: (B,) bool, images that are left as they are; None = none.
    """
    s = settings
    if s.contrast == 1 and not (s.light or s.invert or s.blur or s.binned or s.compressed):
        return images
    n = len(images)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator).to(images.device)

    def own(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    factor = torch.exp((2 * uniform() - 1) * math.log(s.contrast))
    lamp, negative, soft = uniform(4), uniform() < s.invert, (2 * uniform() - 1).clamp(min=0) * s.blur
    binning, blocky, step = uniform() < s.binned, uniform() < s.compressed, uniform()
    untouched = images
    if s.blur:
        images = blurred(images, soft)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * own(factor) + mean
    if s.light:
        images = images * lit(lamp, s.light, images.shape[-2], images.shape[-1])
    images = torch.where(own(negative), 1 - images, images).clamp(0, 1)
    if s.binned:
        images = torch.where(own(binning), coarsened(images), images)
    if s.compressed:
        steps = torch.exp(math.log(FINEST) + step * math.log(COARSEST / FINEST))
        images = torch.where(own(blocky), compressed(images, steps), images)
    images = images.clamp(0, 1)
    return images if calm is None else torch.where(own(calm), untouched, images)


def lit(lamp: Tensor, most: float, height: int, width: int) -> Tensor:
    """(B, 1, height, width) brightness factors: a plane and a bowl, each up to `most` at the border.

    Args:
        lamp: (B, 4) in [0, 1): slopes along x and y, bowl, and the share of `most` that is used.
    """
    y, x = torch.linspace(-1, 1, height, device=lamp.device), torch.linspace(-1, 1, width, device=lamp.device)
    slope = (2 * lamp[:, :3] - 1) * lamp[:, 3:] * most
    plane = slope[:, 0, None, None] * x + slope[:, 1, None, None] * y[:, None]
    bowl = slope[:, 2, None, None] * (x**2 + y[:, None] ** 2 - 2 / 3)
    return (1 + plane + bowl).clamp(min=0.05)[:, None]


def blurred(images: Tensor, sigma: Tensor) -> Tensor:
    """(B, 1, H, W) filtered by Gaussians of standard deviation sigma (B,) px; borders repeat."""
    reach = max(1, math.ceil(3 * float(sigma.max())))
    steps = torch.arange(-reach, reach + 1, device=images.device)
    line = torch.exp(-0.5 * (steps / sigma.clamp(min=0.05)[:, None]) ** 2)
    line = (line / line.sum(1, keepdim=True))[:, None]
    wide = F.pad(images.transpose(0, 1), (reach,) * 4, mode="replicate")
    wide = F.conv2d(wide, line[:, :, :, None], groups=len(images))
    return F.conv2d(wide, line[:, :, None], groups=len(images)).transpose(0, 1)


def coarsened(images: Tensor) -> Tensor:
    """(B, 1, H, W) as a camera with pixels of twice the side sees them, interpolated to the old size."""
    small = F.avg_pool2d(images, 2)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def compressed(images: Tensor, steps: Tensor) -> Tensor:
    """(B, 1, H, W) with the cosine coefficients of 8 x 8 blocks rounded to multiples of a step, as JPEG does.

    Args:
        steps: (B,) step of the mean of a block, in grey levels; higher frequencies have larger ones.
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    k = torch.arange(BLOCK, device=images.device, dtype=images.dtype)
    cosines = torch.cos(math.pi / BLOCK * (k + 0.5) * k[:, None]) * math.sqrt(2 / BLOCK)
    cosines[0] /= math.sqrt(2)
    blocks = padded.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)
    found = cosines @ blocks @ cosines.T
    size = steps[:, None, None, None, None, None] * (1 + STEEPNESS * (k + k[:, None]))
    kept = cosines.T @ ((found / size).round() * size) @ cosines
    joined = kept.permute(0, 1, 2, 4, 3, 5).reshape(padded.shape)
    return joined[..., :height, :width]
