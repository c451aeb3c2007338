"""What lies in rings round the cells of an image: the profile of a typical one, and how cells differ."""

import torch
from torch import Tensor
from torch.nn import functional as F

MOST = 16
"""Cells of an image that are looked at."""
FAINTEST = 0.15
"""Cells within 3 x 3 map elements from which on a place is looked at."""
REACH = 10
"""px round a cell."""


def rings(seen: Tensor, density: Tensor) -> Tensor:
    """Means over rings of 1 px round the places where a network finds most.

    Args:
        seen: (N, 1, H, W) image relative to its field and contrast.
        density: (N, 1, h, w) cells per map element.

    Returns:
        (N, REACH + 3): the mean of each ring, over the cells; the spread of grey levels inside the cells,
        their difference between cells, and how far they are from round. 0 where no cell is found.
    """
    places, trust = _places(density, seen.shape[-1] / density.shape[-1])
    n, cells = trust.shape
    steps = torch.arange(-REACH, REACH + 1, dtype=torch.float32)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    at = (places[:, :, None, None] + grid).reshape(n, -1, len(steps), 2)
    sides = torch.tensor([seen.shape[-1], seen.shape[-2]])
    patches = F.grid_sample(seen, 2 * at / sides - 1, padding_mode="border", align_corners=False)
    patches = patches.reshape(n, cells, len(steps), len(steps))
    ring = grid.norm(dim=-1).round().long().flatten()
    members = F.one_hot(ring.clamp(max=REACH + 1), REACH + 2)[:, : REACH + 1].float()
    profile = patches.flatten(2) @ (members / members.sum(0))
    round_ = profile[..., ring.clamp(max=REACH)].reshape(patches.shape)
    near = (grid.norm(dim=-1) <= 5).float()
    inside = (patches * near).sum((2, 3)) / near.sum()
    spread = ((patches - inside[..., None, None]) ** 2 * near).sum((2, 3)).div(near.sum()).sqrt()
    uneven = ((patches - round_) ** 2 * near).sum((2, 3)).div(near.sum()).sqrt()
    weight = trust / trust.sum(1, keepdim=True).clamp(min=1e-6)
    mean = (profile[..., :REACH] * weight[..., None]).sum(1)
    between = (((inside - (inside * weight).sum(1, keepdim=True)) ** 2) * weight).sum(1).sqrt()
    others = torch.stack([(spread * weight).sum(1), between, (uneven * weight).sum(1)], 1)
    return torch.cat([mean, others], 1)


def _places(density: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """Places (N, MOST, 2) x, y in px and the cells found there (N, MOST); 0 = none."""
    around = F.avg_pool2d(density, 3, 1, 1) * 9
    peak = (F.max_pool2d(around, 3, 1, 1) == around) & (around > FAINTEST)
    flat = torch.where(peak, around, 0.0).flatten(1)
    found, index = flat.topk(min(MOST, flat.shape[1]), dim=1)
    height, width = density.shape[-2:]
    x, y = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    # The middle of the 3 x 3 elements is finer than the map's step.
    moments = [F.avg_pool2d(density * axis, 3, 1, 1) * 9 for axis in (x, y[:, None])]
    total = around.flatten(1).gather(1, index).clamp(min=1e-6)
    at = [moment.flatten(1).gather(1, index) / total * step for moment in moments]
    return torch.stack(at, -1), found.clamp(max=1.0)
