"""What counts are worth where images are bad: a network counts its own images again, spoiled on purpose."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.batches.augment import augment
from twincell.batches.wear import blurred
from twincell.config import AugmentSettings
from twincell.models.density_network.network import DensityNetwork

HARSH = AugmentSettings(
    flips=True,
    quarter_turns=True,
    scale=0.4,
    shift=0.2,
    calm=0.4,
    contrast=6.0,
    light=0.5,
    invert=0.1,
    blur=4.0,
    binned=0.2,
    compressed=0.35,
)
"""From hardly worn to hopeless; beyond what any training asks a network to bear."""
SHARE = 0.3
"""Of the images that each of the further faults is given to."""
BRIGHTEST = 3.0
"""Times the brightness, or its inverse: what is cut off at white is lost."""
NOISIEST = 0.12
"""grey levels (of 1), standard deviation."""
HIDDEN = 0.6
"""Largest share of an image whose sight is lost, from one side."""
SOILED = 0.06
"""Largest share of an image under dirt, in ragged patches of a few pixels."""
SPECKS, SPECK = 14, (1.0, 3.5)
"""Most round specks in an image, and their standard deviation in px."""
LOOKS = 2048
"""Spoiled images that are looked at."""
ROUNDS = (4, 8)
"""Least and most times that an image is spoiled."""
FEWEST = 16
"""Images below which nothing is learned: they say nothing about others."""


def spoiled(images: Tensor, chance: torch.Generator) -> Tensor:
    """(N, 1, H, H) images in [0, 1], each made worse in ways of its own."""
    n = len(images)

    def some(values: Tensor, otherwise: float = 0.0) -> Tensor:
        """(N, 1, 1, 1) values for a share of the images."""
        hit = torch.rand(n, generator=chance) < SHARE
        return torch.where(hit, values, otherwise).to(images.device)[:, None, None, None]

    def uniform(low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(n, generator=chance) * (high - low) + low

    found = _soiled(images, some(uniform(0.005, SOILED)), uniform(-1, 1), chance)
    found = _specked(found, some(uniform(0.5, SPECKS)), uniform(*SPECK), chance)
    found = augment(found, chance, HARSH).images
    found = found * some(uniform(-1, 1).mul(math.log(BRIGHTEST)).exp(), 1.0)
    found = found + some(uniform(0, NOISIEST)) * torch.randn(found.shape, generator=chance).to(found)
    found = _hidden(found, some(uniform(0.1, HIDDEN)), uniform() < 0.5)
    return found.clamp(0, 1)


def _soiled(images: Tensor, share: Tensor, power: Tensor, chance: torch.Generator) -> Tensor:
    """Ragged patches, dark or bright, over a share (N, 1, 1, 1) of each image."""
    height, width = images.shape[-2:]
    coarse = torch.randn(len(images), 1, -(-height // 4), -(-width // 4), generator=chance)
    rough = F.interpolate(coarse, size=(height, width), mode="bicubic").to(images)
    ranked = rough.flatten(1).sort(1).values
    limit = ranked.gather(1, ((1 - share.view(-1, 1)) * (ranked.shape[1] - 1)).long())
    patch = (4 * (rough - limit.view_as(share))).clamp(0, 1) * (share > 0)
    return images + 0.4 * power.to(images)[:, None, None, None] * patch


def _specked(images: Tensor, number: Tensor, deviation: Tensor, chance: torch.Generator) -> Tensor:
    """Round specks, dark and bright, about `number` (N, 1, 1, 1) of them in each image."""
    places = torch.rand(images.shape, generator=chance).to(images) < number / images[0].numel()
    power = (torch.rand(images.shape, generator=chance).to(images) - 0.5).sign() * 0.25
    height = 2 * math.pi * deviation.to(images) ** 2  # of a Gaussian whose sum is 1, inverted
    return images + blurred(places * power, deviation.to(images)) * height[:, None, None, None]


def _hidden(images: Tensor, share: Tensor, flat: Tensor) -> Tensor:
    """The left part of each image, share (N, 1, 1, 1) of it, as its edge goes on, or as grey as its mean."""
    width = images.shape[-1]
    column = torch.arange(width, device=images.device)
    edge = (share * width).long().clamp(max=width - 1)
    lost = torch.where(
        flat.to(images.device)[:, None, None, None],
        images.mean((1, 2, 3), keepdim=True),
        images.gather(3, edge.expand(*images.shape[:3], 1)),
    )
    return torch.where(column < edge, lost, images)


@torch.no_grad()
def learn_forecast(network: DensityNetwork, images: Tensor | Sequence[Tensor], seed: int = 0) -> None:
    """Sets what the network forecasts of its errors from images it knows, without a label.

    How far the count of a spoiled image lies from that of the image as it was is the error that is learned.

    Args:
        network: in eval mode; without a forecast nothing happens.
        images: (N, 1, H, H) in [0, 1], or N such images (1, H, H) of several sizes.
        seed: of the spoiling.
    """
    if network.forecast is None or len(images) < FEWEST:
        return
    rounds = min(max(round(LOOKS / len(images)), ROUNDS[0]), ROUNDS[1])
    places = torch.linspace(0, len(images) - 1, min(len(images), LOOKS // ROUNDS[0])).round().long().tolist()
    chance = torch.Generator().manual_seed(seed)
    features, errors = [], []
    for some in _alike([images[place] for place in places]):
        before = network.look(some)
        features.append(before.features)
        errors.append(torch.zeros(len(some)))
        for _ in range(rounds):
            after = network.look(spoiled(some.cpu(), chance).to(some.device))
            features.append(after.features)
            # In units of the count that is found, as intervals are, which may be none.
            errors.append(((after.count - before.count).abs() / (after.count + 1).sqrt()).cpu())
    network.forecast.learn(torch.cat(features).cpu(), torch.cat(errors))


def _alike(images: Sequence[Tensor], most: int = 64) -> list[Tensor]:
    """Batches (n, 1, H, H) of images of one size, in order."""
    found: list[list[Tensor]] = []
    for image in images:
        if not found or found[-1][0].shape != image.shape or len(found[-1]) == most:
            found.append([])
        found[-1].append(image)
    return [torch.stack(some) for some in found]
