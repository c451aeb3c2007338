"""Random texture, and how a drawn picture is laid over a natural background."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from twincell.scene.random import Draws


def gaussian_blur(x: Tensor, sigma: Tensor | float, radius: int = 4) -> Tensor:
    """(N, H, W) blurred with its own sigma (N,), in samples; edges repeat."""
    n, h, w = x.shape
    sigma = torch.as_tensor(sigma, device=x.device, dtype=x.dtype).expand(n).clamp(min=1e-3)
    t = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-(t**2) / (2 * sigma[:, None] ** 2))
    kernel = kernel / kernel.sum(1, keepdim=True)
    for axis in (1, 2):
        pads = (0, 0, radius, radius) if axis == 1 else (radius, radius, 0, 0)
        padded = F.pad(x[:, None], pads, mode="replicate")[:, 0]
        size = h if axis == 1 else w
        x = sum(
            kernel[:, k, None, None] * padded.narrow(axis, k, size) for k in range(2 * radius + 1)
        )  # type: ignore[assignment]
    return x


def grain(draws: Draws, use: str, side: int, cell: int) -> Tensor:
    """(N, side, side) smooth noise of variance near 1 whose features are about `cell` samples wide."""
    coarse = math.ceil(side / cell) + 2
    x = draws.noise(use, coarse, coarse)[:, None]
    if cell > 1:
        x = F.interpolate(x, scale_factor=cell, mode="bicubic", align_corners=False)
    return x[:, 0, cell : cell + side, cell : cell + side]
