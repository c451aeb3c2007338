"""The two networks of a DCGAN on small maps, and the classifier that a discriminator becomes.

Radford et al. 2016, with the changes that made training steady since: spectral norm in the discriminator
(Miyato et al. 2018) in place of batch norm, and its last map averaged in place of flattened.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

LEVELS = 4
"""Halvings of the map: 48 px become 3."""
SLOPE = 0.2


class Encoder(nn.Module):
    """The discriminator without its last layer: four convolutions of stride 2, then the mean of the map.

    Args:
        width: channels of the first convolution; each further one has twice as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [1, *(width * 2**level for level in range(LEVELS))]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in itertools.pairwise(channels)
        )
        self.features = channels[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Turns maps (N, 1, H, W) in [-1, 1], H and W multiples of 16, into features (N, F)."""
        for layer in self.layers:
            images = F.leaky_relu(layer(images), SLOPE)
        return images.mean((2, 3))


class Discriminator(nn.Module):
    """Scores maps: above 0 real, below made.

    Args:
        width: as of `Encoder`.
        classes: classes told apart besides (SGAN, Salimans et al. 2016: real is the sum of all classes).
    """

    def __init__(self, width: int, classes: int = 0) -> None:
        super().__init__()
        self.encoder = Encoder(width)
        for layer in self.encoder.layers:
            assert isinstance(layer, nn.Conv2d)
            nn.init.orthogonal_(layer.weight)
            parametrizations.spectral_norm(layer)
        self.last = nn.Linear(self.encoder.features, max(classes, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, 1, H, W) to scores (N, 1), or a score a class (N, classes)."""
        scores: Tensor = self.last(self.encoder(images))
        return scores


class Generator(nn.Module):
    """Draws maps from noise: a linear layer, then four transposed convolutions.

    Args:
        width: channels of the last hidden map.
        noise: numbers that a map is drawn from.
        side: pixels along a map, a multiple of 16.
    """

    def __init__(self, width: int, noise: int, side: int) -> None:
        super().__init__()
        self.noise, self.start = noise, side // 2**LEVELS
        channels = [width * 2**level for level in reversed(range(LEVELS))]
        self.first = nn.Linear(noise, channels[0] * self.start**2)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in channels)
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in zip(channels, [*channels[1:], 1], strict=True)
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Turns noise (N, `noise`) into maps (N, 1, side, side) in [-1, 1]."""
        maps = self.first(noise).reshape(len(noise), -1, self.start, self.start)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            maps = layer(F.relu(norm(maps)))
        return maps.tanh()


class Gan(nn.Module):
    """Generator and discriminator of one training."""

    def __init__(self, width: int, noise: int, side: int) -> None:
        super().__init__()
        self.generator = Generator(width, noise, side)
        self.discriminator = Discriminator(width)

    @property
    def encoder(self) -> Encoder:
        """The discriminator's, with the norm of its layers written into their weights: plain convolutions."""
        return plain(self.discriminator.encoder)


class Classifier(nn.Module):
    """An encoder with a new last layer.

    Args:
        encoder: its start; it is trained on.
        classes: from 2.
    """

    def __init__(self, encoder: Encoder, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.BatchNorm1d(encoder.features, affine=False)
        self.last = nn.Linear(encoder.features, classes)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, 1, H, W) in [-1, 1] to logits (N, classes)."""
        scores: Tensor = self.last(self.norm(self.encoder(images)))
        return scores


def fresh_encoder(width: int, seed: int) -> Encoder:
    """An encoder with random weights of its own seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return initialised(Encoder(width))


def initialised(encoder: Encoder) -> Encoder:
    """The encoder with its weights drawn anew (He et al. 2015)."""
    for layer in encoder.layers:
        assert isinstance(layer, nn.Conv2d)
        assert layer.bias is not None
        nn.init.kaiming_normal_(layer.weight, SLOPE)
        nn.init.zeros_(layer.bias)
    return encoder


def plain(encoder: Encoder) -> Encoder:
    """A copy without spectral norm that computes the same."""
    widths = encoder.layers[0].out_channels
    assert isinstance(widths, int)
    copy = Encoder(widths)
    with torch.no_grad():
        for ours, theirs in zip(copy.layers, encoder.layers, strict=True):
            assert isinstance(ours, nn.Conv2d)
            assert isinstance(theirs, nn.Conv2d)
            assert ours.bias is not None
            assert theirs.bias is not None
            training = theirs.training
            theirs.eval()  # in training mode reading a weight moves the estimate of its norm
            ours.weight.copy_(theirs.weight)
            ours.bias.copy_(theirs.bias)
            theirs.train(training)
    return copy
