"""The Twin-VAE: two autoencoders, one per image origin, sharing a core and a count regressor (paper 2.3).

Pure torch. An image of 128 x 128 shrinks to 62, 29, 13, 5 and 1 pixels, becomes a latent vector, and grows
back over 1, 5, 13, 29, 61 and 62 to 128. The parts have names, `natural.encoder`, `natural.decoder`,
`synthetic.encoder`, `synthetic.decoder`, `core` and `regressor`; transfer, tests and figures use them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

GREY_STD = 0.075
"""Spread of grey levels in bright field and phase contrast alike: what centred images are divided by."""

DECODED = 5
"""Pixels along each side of the shared decoder's maps."""


@dataclass(frozen=True)
class TwinOutput:
    """What the network makes of B images.

    Attributes:
        reconstruction: (B, 1, 128, 128) in [0, 1], each by the decoder of its own origin; None where not
        decoded.
        count: (B,) cells, raw: may lie below zero.
        mean, log_variance: (B, L) of the latent distribution.
        latent: (B, L) the vector decoded and counted: sampled in training, the mean otherwise.
    """

    reconstruction: Tensor | None
    count: Tensor
    mean: Tensor
    log_variance: Tensor
    latent: Tensor


class Twin(nn.Module):
    """The outer layers of one image origin: `encoder` from pixels to 5 x 5 maps, `decoder` back."""

    def __init__(self, channels: Sequence[int], dropout: float, leak: float) -> None:
        super().__init__()
        widths = [1, *channels]
        self.encoder = nn.Sequential(
            *[_shrink(i, o, dropout, leak) for i, o in zip(widths, channels, strict=False)]
        )
        first, second, third, last = channels
        self.decoder = nn.Sequential(
            _grow(last, third, 5, 2, leak),
            _grow(third, second, 5, 2, leak),
            _grow(second, first, 5, 2, leak),
            _grow(first, first, 2, 1, leak),
            nn.Sequential(nn.ConvTranspose2d(first, 1, 6, 2), nn.Sigmoid()),
        )


class Core(nn.Module):
    """What both origins share: last convolution, bottleneck, first transposed convolution."""

    def __init__(
        self,
        channels: int,
        width: int,
        latent: int,
        dropout: float,
        leak: float,
        inner_leak: float,
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = _shrink(channels, width, dropout, leak)
        self.mean = nn.Linear(width, latent)
        self.log_variance = nn.Linear(width, latent)
        self.thinned = nn.Dropout(dropout) if whole else nn.Identity()
        self.expand = nn.Sequential(nn.Linear(latent, width), nn.LeakyReLU(inner_leak), nn.Dropout(dropout))
        self.decoder = _grow(width, channels, 5, 2, leak)

    def encode(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, channels, 5, 5) -> mean and log-variance, (B, L) each."""
        vector = self.encoder(maps).flatten(1)
        return self.thinned(self.mean(vector)), self.thinned(self.log_variance(vector))

    def decode(self, latent: Tensor) -> Tensor:
        """(B, L) -> (B, channels, 5, 5)."""
        return self.decoder(self.expand(latent)[:, :, None, None])


class TwinVAE(nn.Module):
    """Two variational autoencoders with a shared core, and a regressor that counts from what they share.

    With the defaults, the paper's network: 11.36 million parameters, about 226 million multiply-adds per
    image. Weights start orthogonal, biases zero.

    Args:
        channels: of the four outer convolutions, from the pixels in.
        core: channels of the shared convolution.
        latent: length L of the latent vector.
        regressor: widths of the two hidden layers that count.
        dropout: in the encoders, the bottleneck and the regressor.
        leak: slope of the leaky ReLUs below zero.
        inner_leak: that behind the latent vector and in the regressor; None = `leak`, 1 = linear.
        bottleneck_dropout: "behind" the latent vector alone, or in the "whole" bottleneck.
        regressor_reads: "latent" vector, or the maps of the shared "decoder".
        grey: "plain", or "centred" on each image's mean and divided by `GREY_STD` before encoding.
        calibrate: whether `TwinVAEMethod.finalize` is to scale its counts once training has ended.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 256),
        core: int = 512,
        latent: int = 256,
        regressor: Sequence[int] = (256, 128),
        dropout: float = 0.1,
        leak: float = 0.2,
        inner_leak: float | None = None,
        bottleneck_dropout: str = "behind",
        regressor_reads: str = "latent",
        grey: str = "plain",
        calibrate: bool = False,
    ) -> None:
        super().__init__()
        self.natural = Twin(channels, dropout, leak)
        self.synthetic = Twin(channels, dropout, leak)
        inner = leak if inner_leak is None else inner_leak
        whole = bottleneck_dropout == "whole"
        self.core = Core(channels[-1], core, latent, dropout, leak, inner, whole)
        self.reads_decoder, self.centred, self.calibrate = (
            regressor_reads == "decoder",
            grey == "centred",
            calibrate,
        )
        read = channels[-1] * DECODED**2 if self.reads_decoder else latent
        layers: list[nn.Module] = []
        for i, o in zip([read, *regressor], regressor, strict=False):
            layers += [nn.Linear(i, o), nn.LeakyReLU(inner), nn.Dropout(dropout)]
        self.regressor = nn.Sequential(*layers, nn.Linear(regressor[-1], 1))
        self.apply(_start)

    def forward(self, images: Tensor, natural: Tensor | None = None, decode: bool = True) -> TwinOutput:
        """Encodes, counts and decodes each image by the layers of its own origin.

        Args:
            images: (B, 1, 128, 128) in [0, 1].
            natural: (B,) bool, False = synthetic; None = all natural.
            decode: whether reconstructions are computed.
        """
        if natural is None:
            natural = torch.ones(len(images), dtype=torch.bool, device=images.device)
        mean, log_variance = self.encode(images, natural)
        latent = self.sample(mean, log_variance) if self.training else mean
        maps = self.core.decode(latent) if decode or self.reads_decoder else None
        drawn = self.draw(maps, natural) if decode and maps is not None else None
        return TwinOutput(drawn, self.count(latent, maps), mean, log_variance, latent)

    def encode(self, images: Tensor, natural: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, 128, 128) and origins (B,) bool -> mean and log-variance (B, L) of the latent vector."""
        if self.centred:
            images = (images - images.mean((1, 2, 3), keepdim=True)) / GREY_STD
        return self.core.encode(_by_origin(self.natural.encoder, self.synthetic.encoder, images, natural))

    def count(self, latent: Tensor, maps: Tensor | None = None) -> Tensor:
        """(B, L) -> (B,) cells, raw; where the shared decoder's `maps` are read and not given, makes them."""
        if not self.reads_decoder:
            return self.regressor(latent)[:, 0]
        return self.regressor((self.core.decode(latent) if maps is None else maps).flatten(1))[:, 0]

    def decode(self, latent: Tensor, natural: Tensor) -> Tensor:
        """(B, L) -> (B, 1, 128, 128) in [0, 1], as natural or synthetic (B,) bool: also to translate."""
        return self.draw(self.core.decode(latent), natural)

    def draw(self, maps: Tensor, natural: Tensor) -> Tensor:
        """Shared decoder's maps (B, channels, 5, 5) -> (B, 1, 128, 128) in [0, 1], by origin (B,) bool."""
        return _by_origin(self.natural.decoder, self.synthetic.decoder, maps, natural)

    @torch.no_grad()
    def scale_counts(self, factor: float) -> None:
        """Multiplies every count from now on, by the weights of the last layer."""
        last = self.regressor[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(factor)
        last.bias.mul_(factor)

    @staticmethod
    def sample(mean: Tensor, log_variance: Tensor) -> Tensor:
        """A draw from the latent normal distribution, differentiable in its mean and variance."""
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()


def _shrink(channels_in: int, channels_out: int, dropout: float, leak: float) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, 5, 2)
    return nn.Sequential(convolution, nn.LeakyReLU(leak), nn.Dropout(dropout))


def _grow(channels_in: int, channels_out: int, kernel: int, stride: int, leak: float) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(channels_in, channels_out, kernel, stride)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.LeakyReLU(leak))


def _by_origin(own: nn.Module, drawn: nn.Module, inputs: Tensor, natural: Tensor) -> Tensor:
    """Natural rows through `own`, synthetic rows through `drawn`, in the order they came."""
    if bool(natural.all()):
        return own(inputs)
    if not bool(natural.any()):
        return drawn(inputs)
    first, second = own(inputs[natural]), drawn(inputs[~natural])
    order = torch.cat([natural.nonzero()[:, 0], (~natural).nonzero()[:, 0]]).argsort()
    return torch.cat([first, second])[order]


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.orthogonal_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
