"""A classifier from few labelled maps: an encoder with a new last layer, frozen first, then unfrozen."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.gan.network import Classifier, Encoder
from twincell.gan.views import turned
from twincell.seeding import generator_for, seed_for

BATCH = 18
"""Maps of a step."""
HEAD_RATE = 1e-2
WEIGHT_DECAY = 1e-3
STREAM = 310


@dataclass(frozen=True)
class FewSettings:
    """How a classifier learns.

    Attributes:
        steps: in which the whole network learns.
        frozen_steps: before these, in which the last layer learns alone; 0 for an encoder of random weights.
        rate: largest learning rate of the encoder; that of the last layer is `HEAD_RATE`.
        augment: whether maps are turned, mirrored and shifted.
    """

    steps: int = 100
    frozen_steps: int = 50
    rate: float = 3e-4
    augment: bool = True


def fit_classifier(
    encoder: Encoder, images: Tensor, labels: Tensor, classes: int, settings: FewSettings, seed: int
) -> Classifier:
    """Learns to tell classes apart.

    Args:
        encoder: where it starts; it is changed.
        images: (N, 1, side, side) in [-1, 1].
        labels: (N,) int64, from 0.
        classes: from 2.
        settings: how.
        seed: of batches and views.

    Returns:
        The classifier in eval mode.
    """
    network = Classifier(encoder, classes).train()
    head = torch.optim.AdamW(network.last.parameters(), lr=HEAD_RATE, weight_decay=WEIGHT_DECAY)
    body = torch.optim.AdamW(encoder.parameters(), lr=settings.rate, weight_decay=WEIGHT_DECAY)
    whole = settings.frozen_steps + settings.steps
    for step in range(whole):
        generator = generator_for(seed, step, STREAM)
        rows = _rows(labels, classes, generator)
        seen = turned(images[rows], generator) if settings.augment else images[rows]
        moving = step >= settings.frozen_steps and settings.rate > 0
        encoder.requires_grad_(moving)
        loss = F.cross_entropy(network(seen), labels[rows])
        optimizers = [head, body] if moving else [head]
        share = 1 - step / whole  # both rates fall in a straight line
        head.param_groups[0]["lr"] = HEAD_RATE * share
        body.param_groups[0]["lr"] = settings.rate * share
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    encoder.requires_grad_(True)
    settle(network, images, seed)
    return network.eval()


@torch.no_grad()
def settle(network: Classifier, images: Tensor, seed: int) -> None:
    """Sets the last layer's statistics from the training maps themselves, each turned eight times."""
    network.train()
    generator = torch.Generator().manual_seed(seed_for(seed, 0, STREAM + 1))
    features = torch.cat([network.encoder(turned(images, generator)) for _ in range(8)])
    assert network.norm.running_mean is not None
    assert network.norm.running_var is not None
    network.norm.running_mean.copy_(features.mean(0))
    network.norm.running_var.copy_(features.var(0))


@torch.no_grad()
def probabilities(network: torch.nn.Module, images: Tensor) -> Tensor:
    """Chances (N, classes) of maps (N, 1, side, side), means over each map and its quarter turn."""
    network.eval()
    found = []
    for part in images.split(256):
        found.append(torch.stack([network(part.rot90(k, (2, 3))).softmax(1) for k in (0, 1)]).mean(0))
    return torch.cat(found)


def _rows(labels: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """A batch with equally many maps of each class, so that a rare class is not overlooked."""
    each = -(-min(BATCH, 4 * len(labels)) // classes)
    picked = []
    for label in range(classes):
        own = (labels == label).nonzero()[:, 0]
        picked.append(own[torch.randint(len(own), (each,), generator=generator)])
    return torch.cat(picked)
