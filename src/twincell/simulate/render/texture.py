"""Random textures. One fixed, periodic stock of each is made once; every cell looks into it at its own
place.
"""

from functools import lru_cache

import torch
from torch import Tensor

from twincell.simulate.draws import Draws

STOCK = 512
"""Samples, side of a stock texture."""


def bell(x: Tensor) -> Tensor:
    """exp(-x^2), cut off at 1e-13: what lies below would be denormal numbers, on which processors are
    slow.
    """
    return torch.exp(-(x * x).clamp(max=30.0))


@lru_cache(maxsize=16)
def stock(sizes: tuple[float, ...], device: torch.device) -> Tensor:
    """(K, STOCK * STOCK) periodic Gaussian textures of mean 0 and variance 1, one for each feature size in
    samples.
    """
    noise = Draws(0, torch.arange(len(sizes), device=device)).normal("texture", STOCK, STOCK)
    f = torch.fft.fftfreq(STOCK, device=device)
    square = f[:, None] ** 2 + f[None] ** 2
    # A Gaussian of standard deviation size / 2.5 gives spots about `size` samples wide.
    sigma = torch.tensor(sizes, device=device)[:, None, None] / 2.5
    smooth = torch.fft.ifft2(torch.fft.fft2(noise) * torch.exp(-2 * (torch.pi * sigma) ** 2 * square)).real
    return (smooth / smooth.std((1, 2), keepdim=True)).flatten(1)


def look_up(textures: Tensor, start: Tensor, cell: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """(K, P) texture values at samples of cells that each start somewhere else in the stock.

    Args:
        textures: from `stock`.
        start: (cells, 2) int64 row and column in the stock at which each cell begins.
        cell, row, column: (P,) int64 cell and position within it.
    """
    where = start[cell]
    rows, columns = (where[:, 0] + row) % STOCK, (where[:, 1] + column) % STOCK
    return textures[:, rows * STOCK + columns]


def window(texture: Tensor, draws: Draws, use: str, side: int) -> Tensor:
    """(N, side, side) a square window at a random place of a stock texture (STOCK * STOCK,), for each
    image.
    """
    most = STOCK - side
    windows = texture.as_strided((most + 1, most + 1, side, side), (STOCK, 1, STOCK, 1))
    place = (draws.uniform(use, 2) * (most + 1)).long().clamp(max=most)
    return windows[place[:, 0], place[:, 1]]
