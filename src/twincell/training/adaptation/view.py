"""How images are shown to the network: at which size and with how much contrast.

A network knows cells of some diameters under some contrast. Another lab's images, resized and stretched into
that range, are counted better before anything is learned.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.models.base.views import GRAIN

SMALLEST = 32
"""Shortest side shown, px; below it the coarse maps have nothing to look at."""
STEP = 4
"""Image pixels to one element of the density map."""


@dataclass(frozen=True)
class View:
    """Contrast and size of what the network sees, both relative to the image as it is.

    Attributes:
        contrast: what the network makes of an image is multiplied by it; below 0 dark and bright change
            places. It is a factor of the first layer's weights (`contrasted`).
        scale: sides are multiplied by it, rounded so that the network takes them.
    """

    contrast: float = 1.0
    scale: float = 1.0

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Height and width shown for an image of that height and width, px, each a multiple of 8."""
        return _side(height * self.scale), _side(width * self.scale)

    def show(self, images: Tensor) -> Tensor:
        """Images (B, 1, H, W) at the size shown, (B, 1, h, w); as they are where their sides allow it."""
        sides = self.sides(*images.shape[2:])
        if sides != tuple(images.shape[2:]):
            images = F.interpolate(images, sides, mode="bicubic", antialias=True).clamp(0, 1)
        return images.contiguous(memory_format=torch.channels_last)

    def places(self, points: Tensor, height: int, width: int) -> Tensor:
        """Centres (K, 2) in px of an image of that height and width, in px of what is shown."""
        h, w = self.sides(height, width)
        return points * points.new_tensor([w / width, h / height])


PLAIN = View()
"""The image as it is."""


def _side(length: float) -> int:
    return max(SMALLEST, round(length / GRAIN) * GRAIN)


def contrasted(network: nn.Module, factor: float) -> nn.Module:
    """A copy of a density network that sees images with `factor` times the contrast.

    The first layer of the stem is linear and has no bias, so its weights take the factor, and a model file
    needs no word about it.
    """
    changed = copy.deepcopy(network).eval()
    stem = changed.get_submodule("stems.natural")
    first = next(layer for layer in stem.modules() if isinstance(layer, nn.Conv2d))
    assert first.bias is None
    with torch.no_grad():
        first.weight.mul_(factor)
    return changed


def same_size(images: Sequence[Tensor]) -> list[list[int]]:
    """Positions of images (1, H, W) grouped by size, in the order in which sizes appear."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, image in enumerate(images):
        groups.setdefault(tuple(image.shape), []).append(i)
    return list(groups.values())


@torch.no_grad()
def count(network: nn.Module, images: Sequence[Tensor], view: View = PLAIN, flips: bool = False) -> Tensor:
    """Counts images of any size, (N,) float32 cells, not rounded.

    Args:
        network: gives cells per map element for (B, 1, h, w); left in eval mode.
        images: N tensors (1, H, W) in [0, 1].
        view: the size at which they are shown; its contrast is in the network.
        flips: mean over the image and its mirror images, as a model counts; four times the work.
    """
    network.eval()
    counts = torch.zeros(len(images))
    for group in same_size(images):
        for part in _parts(group, images[group[0]].shape[1:].numel()):
            shown = view.show(torch.stack([images[i] for i in part]))
            looks: list[tuple[int, ...]] = [(), (-1,), (-2,), (-2, -1)] if flips else [()]
            found = [network(shown.flip(turn)).sum((1, 2, 3)) for turn in looks]
            counts[part] = torch.stack(found).mean(0).float()
    return counts


PIXELS_AT_ONCE = 1_000_000
"""Pixels in one look: enough to keep the processor busy, few enough for any memory."""


def _parts(group: list[int], pixels: int) -> list[list[int]]:
    size = max(1, PIXELS_AT_ONCE // pixels)
    return [group[i : i + size] for i in range(0, len(group), size)]
