"""Plain fine-tuning on labelled images, watched along the way: one run gives every amount of change.

Short, small and cautious: batch statistics stay as the start learned them, the running average of the weights
is what counts, and images vary only in ways that keep every cell in view, so that a count stays true.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twincell.models.base.views import GRAIN
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.targets import errors, target_maps
from twincell.training.adaptation.view import View, same_size

WEIGHT_DECAY = 1e-2
CLIP = 5.0
"""Largest norm of a gradient: one wrong label must not throw the network."""
WARMUP = 10
"""Steps over which the rate rises."""


@dataclass(frozen=True)
class Effort:
    """How much work a fine-tuning is; the defaults keep 20 images of 128 x 128 px within a minute.

    Attributes:
        steps: amounts of change that are offered, in optimiser steps, rising.
        batch: images per step, fewer where they are large.
        pixels: most pixels shown per step.
        window: side in px of the part shown of a larger image whose places are known.
        rate: learning rate of AdamW.
        memory: largest share of the old in the running average.
    """

    steps: tuple[int, ...] = (30, 60)
    batch: int = 4
    pixels: int = 80_000
    window: int = 256
    rate: float = 5e-4
    memory: float = 0.97


@dataclass(frozen=True)
class Vary:
    """How far images vary: `size` and `contrast` up to this factor either way, `noise` in grey levels."""

    size: float = 1.15
    contrast: float = 1.3
    noise: float = 0.0075


def trajectory(
    start: nn.Module,
    labelled: Labelled,
    view: View,
    effort: Effort,
    seed: int,
    vary: Vary | None = None,
) -> Iterator[tuple[int, nn.Module]]:
    """Fine-tunes a copy of `start` and hands out its running average after each of `effort.steps`.

    The average is one network that goes on changing: use or copy it before asking for the next.

    Args:
        start: a density network that sees with the view's contrast; not changed.
        labelled: N images, N from 1.
        view: how images are shown.
        effort: how long and with what rate.
        seed: of batches and variation; nothing else of the process's chance is used or moved.
        vary: how far images are varied.
    """
    chance = torch.Generator().manual_seed(seed)
    network, average = copy.deepcopy(start).eval(), copy.deepcopy(start).eval()
    network.requires_grad_(True)
    learning = torch.optim.AdamW(network.parameters(), lr=effort.rate, weight_decay=WEIGHT_DECAY)
    batches = _batches(len(labelled), _batch(labelled, view, effort), chance)
    for step in range(1, effort.steps[-1] + 1):
        for group in learning.param_groups:
            group["lr"] = effort.rate * min(1.0, step / WARMUP)
        _step(network, learning, labelled, next(batches), view, effort, vary or Vary(), chance)
        _follow(average, network, 1 - min(effort.memory, step / (step + 9)))
        if step in effort.steps:
            yield step, average


def _batch(labelled: Labelled, view: View, effort: Effort) -> int:
    """Images per step: at least two, however large they are."""
    shown = [
        _area(view.sides(*image.shape[1:]), places is not None, effort)
        for image, places in zip(labelled.images, labelled.points, strict=True)
    ]
    return max(2, min(effort.batch, effort.pixels * len(shown) // sum(shown)))


def _area(sides: tuple[int, int], dotted: bool, effort: Effort) -> int:
    height, width = (min(side, effort.window) if dotted else side for side in sides)
    return height * width


def _batches(n: int, size: int, chance: torch.Generator) -> Iterator[list[int]]:
    """Endless batches of positions; every image comes once before any comes again."""
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            waiting += torch.randperm(n, generator=chance).tolist()
        yield waiting[:size]
        waiting = waiting[size:]


def _step(
    network: nn.Module,
    learning: torch.optim.Optimizer,
    labelled: Labelled,
    batch: list[int],
    view: View,
    effort: Effort,
    vary: Vary,
    chance: torch.Generator,
) -> None:
    """One step on one batch; images of different sizes are looked at apart and learned from together."""
    learning.zero_grad(set_to_none=True)
    chosen = labelled.select(batch)
    for group in same_size(chosen.images):
        shown, counts, targets = _shown(chosen.select(group), view, effort, vary, chance)
        loss = errors(network(shown), counts, targets).sum() / len(batch)
        loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    learning.step()


def _shown(
    part: Labelled, view: View, effort: Effort, vary: Vary, chance: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Images of one size, varied: pixels (B, 1, h, w), counts (B,), target maps (B, 1, h / 4, w / 4)."""

    def factor(most: float) -> float:
        return float(most ** (2 * torch.rand((), generator=chance) - 1))

    height, width = part.images[0].shape[1:]
    resized = View(scale=view.scale * factor(vary.size))
    pixels = resized.show(torch.stack(part.images))
    places = [None if p is None else resized.places(p, height, width) for p in part.points]
    targets = target_maps(places, *pixels.shape[2:])
    counts = part.counts
    if all(p is not None for p in part.points) and max(pixels.shape[2:]) > effort.window:
        pixels, targets = _window(pixels, targets, effort.window, chance)
        counts = targets.sum((1, 2, 3))
    turned = [d for d in (-1, -2) if float(torch.rand((), generator=chance)) < 0.5]
    pixels, targets = pixels.flip(turned), targets.flip(turned)
    if float(torch.rand((), generator=chance)) < 0.5:
        pixels, targets = pixels.transpose(2, 3), targets.transpose(2, 3)
    gains = torch.tensor([factor(vary.contrast) for _ in part.images])[:, None, None, None]
    strength = vary.noise * torch.rand(len(pixels), 1, 1, 1, generator=chance)
    middle = pixels.mean((1, 2, 3), keepdim=True)
    pixels = middle + (pixels - middle) * gains + strength * torch.randn(pixels.shape, generator=chance)
    return pixels.contiguous(memory_format=torch.channels_last), counts, targets


def _window(pixels: Tensor, targets: Tensor, side: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same randomly placed part of every image and of its map."""
    corner = []
    for length in pixels.shape[2:]:
        room = max(0, length - side) // GRAIN
        corner.append(GRAIN * int(torch.randint(room + 1, (), generator=chance)))
    y, x = corner
    y4, x4, side4 = y // 4, x // 4, side // 4
    return pixels[:, :, y : y + side, x : x + side], targets[:, :, y4 : y4 + side4, x4 : x4 + side4]


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, share: float) -> None:
    """Moves every weight of `average` by `share` towards the network's."""
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, share)
