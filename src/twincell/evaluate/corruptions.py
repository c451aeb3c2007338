"""What can go wrong with images of chambers, in five strengths each, and what a model makes of it.

Each corruption takes images (N, H, W) uint8 of whole chambers and gives back as many, of any one size. A
person's counts stay what they were, but for `EMPTY`, where nothing is left to count.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from twincell.batches.wear import blurred
from twincell.data.resize import magnify

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Corruption:
    """One thing that goes wrong.

    Attributes:
        name: of its rows.
        unit: what a strength is, in words.
        strengths: five, from hardly seen to hopeless.
        apply: images (N, 1, H, W) float32 in [0, 1], a strength and a generator to images of that kind.
        empty: whether no cell is left.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Tensor, float, torch.Generator], Tensor]
    empty: bool = False

    def __call__(self, images: Grey, strength: float, seed: int = 0) -> Grey:
        """Images (N, H, W) uint8 with this gone wrong."""
        chance = torch.Generator().manual_seed(seed)
        found = self.apply(torch.from_numpy(images)[:, None].float() / 255, strength, chance)
        return np.asarray((found[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def _mean(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3), keepdim=True)


def _blur(images: Tensor, sigma: float, chance: torch.Generator) -> Tensor:
    return blurred(images, torch.full((len(images),), sigma))


def _defocus(images: Tensor, radius: float, chance: torch.Generator) -> Tensor:
    """Each point becomes a disc, as far from the focal plane."""
    reach = int(np.ceil(radius))
    y, x = torch.meshgrid(torch.arange(-reach, reach + 1), torch.arange(-reach, reach + 1), indexing="ij")
    disc = (radius + 0.5 - torch.hypot(x.float(), y.float())).clamp(0, 1)
    return F.conv2d(F.pad(images, (reach,) * 4, mode="replicate"), (disc / disc.sum())[None, None])


def _drift(images: Tensor, most: float, chance: torch.Generator) -> Tensor:
    """The focus is lost little by little, from the first image to the last."""
    return blurred(images, torch.linspace(0, most, len(images)))


def _contrast(images: Tensor, factor: float, chance: torch.Generator) -> Tensor:
    return _mean(images) + factor * (images - _mean(images))


def _brightness(images: Tensor, factor: float, chance: torch.Generator) -> Tensor:
    return images * factor


def _noise(images: Tensor, deviation: float, chance: torch.Generator) -> Tensor:
    return images + deviation * torch.randn(images.shape, generator=chance)


def _jpeg(images: Tensor, quality: float, chance: torch.Generator) -> Tensor:
    found = []
    for image in (images[:, 0] * 255).round().to(torch.uint8).numpy():
        packed = io.BytesIO()
        Image.fromarray(image).save(packed, "JPEG", quality=round(quality))
        found.append(torch.from_numpy(np.array(Image.open(packed))))
    return torch.stack(found)[:, None].float() / 255


def _hidden(images: Tensor, share: float, chance: torch.Generator) -> Tensor:
    """The chamber has moved sideways out of the image; what has come in is as grey as its border."""
    shift = round(share * images.shape[-1])
    return F.pad(images[..., shift:], (0, shift, 0, 0), mode="replicate") if shift else images


def _inverted(images: Tensor, share: float, chance: torch.Generator) -> Tensor:
    return (1 - share) * images + share * (1 - images)


def _size(images: Tensor, factor: float, chance: torch.Generator) -> Tensor:
    return torch.stack([magnify(image, factor) for image in images])


def _dirt(images: Tensor, specks: float, chance: torch.Generator) -> Tensor:
    """Round specks, dark in the middle with a bright rim or the other way round, as large as cells."""
    n, _, height, width = images.shape
    y, x = torch.arange(height)[:, None], torch.arange(width)
    found = images.clone()
    for _ in range(round(specks)):
        down, across, radius, power = torch.rand(4, n, generator=chance)[:, :, None, None]
        distance = torch.hypot(y - height * down, x - width * across) / (1.5 + 4 * radius)
        profile = torch.exp(-(distance**2)) - 0.5 * torch.exp(-4 * (distance - 1.5) ** 2)
        found[:, 0] += torch.where(power < 0.5, -1, 1) * (0.1 + 0.3 * (2 * power % 1)) * profile
    return found


def _empty(images: Tensor, deviation: float, chance: torch.Generator) -> Tensor:
    """A field of the images' brightness and nothing else."""
    return _noise(_mean(images).expand_as(images), deviation, chance)


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("blur", "px, standard deviation", (0.5, 1, 1.5, 2, 3), _blur),
    Corruption("defocus", "px, radius of the disc", (1, 1.5, 2, 3, 4), _defocus),
    Corruption("focus drift", "px of blur at the end", (0.5, 1, 2, 3, 4), _drift),
    Corruption("less contrast", "times", (0.75, 0.5, 0.35, 0.2, 0.1), _contrast),
    Corruption("more contrast", "times", (1.25, 1.5, 2, 3, 4), _contrast),
    Corruption("darker", "times", (0.8, 0.6, 0.5, 0.35, 0.2), _brightness),
    Corruption("brighter", "times", (1.1, 1.25, 1.5, 2, 3), _brightness),
    Corruption("noise", "grey levels of 1, standard deviation", (0.01, 0.02, 0.04, 0.08, 0.15), _noise),
    Corruption("JPEG", "quality", (80, 50, 30, 15, 5), _jpeg),
    Corruption("part of the chamber out of sight", "share of the width", (0.1, 0.2, 0.3, 0.4, 0.5), _hidden),
    Corruption("inverted", "share of the negative", (0.2, 0.4, 0.6, 0.8, 1), _inverted),
    Corruption("larger", "times the size", (1.1, 1.25, 1.5, 1.75, 2), _size),
    Corruption("smaller", "times the size", (0.9, 0.8, 0.7, 0.6, 0.5), _size),
    Corruption("dirt", "specks", (1, 2, 4, 8, 16), _dirt),
    Corruption("empty", "noise, grey levels of 1", (0.002, 0.005, 0.01, 0.02, 0.05), _empty, empty=True),
)
"""All of them; `wrong modality`, images of another kind at these contrasts, is added where there are any."""

OTHER = Corruption("wrong modality", "contrast, times", (0.5, 0.75, 1, 1.5, 2), _contrast)
