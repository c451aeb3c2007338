"""Random views of maps: what may change without changing the cell."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def turned(images: Tensor, generator: torch.Generator, shift: float = 0.06) -> Tensor:
    """Turns, mirrors and shifts maps; thickness and size stay as they are, since classes differ by them.

    Args:
        images: (N, 1, H, W).
        generator: draws the views.
        shift: largest shift as a share of the side.
    """
    return _moved(images, generator, shift, zoom=0.0)


def disturbed(images: Tensor, generator: torch.Generator) -> Tensor:
    """Views for self-supervision: turned, scaled and made denser or thinner by up to 15 %, noisy.

    Stronger changes would teach an encoder to overlook size and mass, which tell cells apart.
    """
    seen = _moved(images, generator, shift=0.08, zoom=0.15)
    n = (len(images), 1, 1, 1)
    gain = 1 + 0.15 * (2 * torch.rand(n, generator=generator) - 1)
    noise = 0.03 * torch.rand(n, generator=generator) * torch.randn(seen.shape, generator=generator)
    return ((seen + 1) * gain.to(seen) - 1 + noise.to(seen)).clamp(-1, 1)


def _moved(images: Tensor, generator: torch.Generator, shift: float, zoom: float) -> Tensor:
    n = len(images)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    mirror = 1 - 2.0 * torch.randint(2, (n,), generator=generator)
    scale = 1 + zoom * (2 * torch.rand(n, generator=generator) - 1)
    away = 2 * shift * (2 * torch.rand(n, 2, generator=generator) - 1)
    c, s = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack([c * mirror, -s, away[:, 0]], 1), torch.stack([s * mirror, c, away[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1).to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
