"""Spots on a grey ground and a network of three numbers that counts them: fine-tuning in a blink."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.training.adaptation import Labelled


class SpotCounter(nn.Module):
    """Cells per element: brightness above a threshold, times a factor; blind to faint spots.

    Args:
        factor: 1 counts right.
    """

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        eye = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(eye.weight)
        self.stems = nn.ModuleDict({"natural": eye})
        self.factor = nn.Parameter(torch.tensor(factor))
        self.offset = nn.Parameter(torch.tensor(0.0))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 1, H / 4, W / 4)."""
        above = self.stems["natural"](images - images.mean((1, 2, 3), keepdim=True))
        bright = ((above - 0.2) / 0.2).clamp(0, 1)
        return F.avg_pool2d(bright, 4) * 16 / AREA * self.factor.abs() + self.offset.abs() * 1e-3


SIDE = 8
"""Side of a spot in px."""
AREA = SIDE**2


def spots(
    cells: int, seed: int, height: int = 64, width: int = 64, contrast: float = 0.8
) -> tuple[Tensor, Tensor]:
    """An image (1, height, width) with that many spots of 8 x 8 px, and their centres (cells, 2)."""
    chance = torch.Generator().manual_seed(seed)
    image = torch.full((1, height, width), 0.1)
    rows, columns = height // SIDE, width // SIDE
    at = torch.randperm(rows * columns, generator=chance)[:cells]
    corners = torch.stack([at % columns, at // columns], 1) * SIDE
    for x, y in corners.tolist():
        image[0, y : y + SIDE, x : x + SIDE] += contrast
    return image.clamp(0, 1), corners.float() + SIDE / 2


def spotted(n: int, dots: bool = False, contrast: float = 0.8, chambers: list[str] | None = None) -> Labelled:
    """n labelled images of 1 to 5 spots."""
    made = [spots(1 + i % 5, i, contrast=contrast) for i in range(n)]
    counts = [float(1 + i % 5) for i in range(n)]
    places = [centres for _, centres in made] if dots else None
    return Labelled.of([image for image, _ in made], counts, places, chambers)
