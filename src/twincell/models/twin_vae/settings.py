"""The Twin-VAE's settings; the defaults are the paper's for phase contrast."""

from typing import Annotated, Literal

from pydantic import Field

from twincell.config import Count, NotNegative, Share, Strict, Width


class NetworkSettings(Strict):
    """Widths of the network; kernels and strides are the architecture's own and do not change."""

    channels: tuple[Width, Width, Width, Width] = (32, 64, 128, 256)
    """Channels of the four outer convolutions, from the pixels in; the decoder mirrors them."""
    core: Width = 512
    """Channels of the shared convolution and width of the bottleneck's outer layers."""
    latent: Width = 256
    """Length of the latent vector."""
    regressor: tuple[Width, Width] = (256, 128)
    """Widths of the regressor's two hidden layers."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    bottleneck_dropout: Literal["behind", "whole"] = "behind"
    """Where dropout acts in the bottleneck: behind the latent vector alone (models of release 1), or on each
    of its three layers, mean and log-variance too (the paper's text)."""
    regressor_reads: Literal["latent", "decoder"] = "latent"
    """What is counted from: the latent vector (the paper's 11.36 million parameters, the authors' code), or
    the maps of the shared decoder (the paper's text; 12.94 million)."""
    grey: Literal["plain", "centred"] = "plain"
    """How grey levels enter the encoders: as they are (the paper), or minus the image's mean and divided by
    `GREY_STD`. Decoders draw plain ones either way."""
    calibrate: bool = False
    """Whether the last layer is scaled once training has ended, so that counted images are met as a whole."""
    leak: NotNegative = 0.2
    """Slope of the leaky ReLU below zero."""
    inner_leak: NotNegative | None = None
    """The same for the layers behind the latent vector and in the regressor; null = `leak`. 1 leaves these
    layers linear, as they are in the authors' published code."""


class Factors(Strict):
    """Weights of the loss terms for images of one origin: C_rec, C_reg and C_kl of the paper's equation 1."""

    reconstruction: NotNegative = 100.0
    regression: NotNegative = 3.0
    kl: NotNegative = 2.0


class LossSettings(Strict):
    """The loss of the paper, section 2.3.2."""

    pixels: Literal["mse", "bce"] = "mse"
    """Pixel loss: mean squared error (phase contrast) or binary cross entropy (bright field)."""
    natural: Factors = Factors()
    synthetic: Factors = Factors()
    reconstruction_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """C_rec is multiplied by (1 - decay) with every epoch."""
    regressor_delay: Count = 100
    """Epochs before the count term starts."""
    decode: bool = True
    """Off: the decoders are not computed and there is no pixel term (transfer, paper 4.1)."""
    decode_from: Share = 0.0
    """Share of the steps before which they are not computed: counting comes first, at half the cost."""


class TwinVAESettings(Strict):
    """A preset's `model:` for the method twin_vae."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
