"""The Twin-VAE's loss (paper 2.3.2, equation 1), every term by name and by image origin."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.batches.batches import Batch
from twincell.models.twin_vae.network import TwinOutput
from twincell.models.twin_vae.settings import LossSettings


@dataclass(frozen=True)
class OriginTerms:
    """Unweighted means over the images of one origin; 0 where there is none to average.

    Attributes:
        reconstruction: pixel loss per pixel.
        regression: squared count error in cells squared, over labelled images.
        kl: Kullback-Leibler divergence from the standard normal, per pixel.
    """

    reconstruction: Tensor
    regression: Tensor
    kl: Tensor


@dataclass(frozen=True)
class TwinLoss:
    """The loss of a batch.

    Attributes:
        total: what is minimised: the mean over all B images of equation 1.
        reconstruction, regression, kl: the parts of `total`, factors included; they sum to it.
        natural, synthetic: the plain terms of each origin, without factors.
    """

    total: Tensor
    reconstruction: Tensor
    regression: Tensor
    kl: Tensor
    natural: OriginTerms
    synthetic: OriginTerms

    def terms(self) -> dict[str, Tensor]:
        """Every term under its name, for logs."""
        weighted = {name: getattr(self, name) for name in ("reconstruction", "regression", "kl")}
        plain = {
            f"{origin}_{name}": value
            for origin in ("natural", "synthetic")
            for name, value in vars(getattr(self, origin)).items()
        }
        return weighted | plain


def twin_loss(output: TwinOutput, batch: Batch, settings: LossSettings, epoch: int) -> TwinLoss:
    """Equation 1: C_rec * Rec(x) + C_reg * Reg(x, l) + C_kl * D_KL(x), averaged over the batch.

    - Rec: mean over pixels of the squared error, or of the binary cross entropy. C_rec decays: the paper's
      "rate of 3e-5 per epoch" is read as a factor of (1 - 3e-5) with every epoch, C_rec(e) = C_rec * (1 -
      3e-5)^e, which stays positive and reaches 22 % of its start after the paper's 50,000 epochs.
    - Reg: squared error of the count, times the image's weight; zero for unlabelled images and before epoch
      `regressor_delay`.
    - D_KL: summed over the latent vector and divided by the number of pixels, so that with the mean over
      the batch it is weighted like a VAE's beta of 1 / (batch * pixels).

    Args:
        output: of the network for the batch's images.
        batch: B images, their origins, counts (NaN = unlabelled) and weights.
        settings: factors by origin.
        epoch: passes over the natural training images that are complete.
    """
    natural, labelled = batch.natural, batch.labelled
    squared = (output.count.float() - batch.counts.nan_to_num(0.0)) ** 2
    per_image = {
        "reconstruction": reconstruction_loss(output.reconstruction, batch.images, settings.pixels),
        "regression": torch.where(labelled, squared, 0.0),
        "kl": kl_loss(output.mean, output.log_variance, batch.images[0].numel()),
    }
    factors = {
        name: torch.where(natural, getattr(settings.natural, name), getattr(settings.synthetic, name))
        for name in per_image
    }
    factors["reconstruction"] = factors["reconstruction"] * (1 - settings.reconstruction_decay) ** epoch
    factors["regression"] = factors["regression"] * batch.weights * float(epoch >= settings.regressor_delay)
    parts = {name: (factors[name] * value).mean() for name, value in per_image.items()}
    return TwinLoss(
        total=parts["reconstruction"] + parts["regression"] + parts["kl"],
        **parts,
        natural=_plain(per_image, natural, labelled),
        synthetic=_plain(per_image, ~natural, labelled),
    )


def reconstruction_loss(reconstruction: Tensor | None, images: Tensor, kind: str) -> Tensor:
    """(B,) mean over the pixels of each image, "mse" or "bce"; 0 where nothing was decoded."""
    if reconstruction is None:
        return images.new_zeros(len(images))
    decoded = reconstruction.float()
    if kind == "bce":
        return F.binary_cross_entropy(decoded, images, reduction="none").mean((1, 2, 3))
    return ((decoded - images) ** 2).mean((1, 2, 3))


def kl_loss(mean: Tensor, log_variance: Tensor, pixels: int) -> Tensor:
    """(B,) divergence of N(mean, exp(log_variance)) from N(0, 1), summed over (B, L) latents, per pixel."""
    mean, log_variance = mean.float(), log_variance.float()
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1) / pixels


def _plain(per_image: dict[str, Tensor], origin: Tensor, labelled: Tensor) -> OriginTerms:
    def mean(values: Tensor, of: Tensor) -> Tensor:
        return (values * of).sum().detach() / of.sum().clamp_min(1)

    return OriginTerms(
        mean(per_image["reconstruction"], origin),
        mean(per_image["regression"], origin & labelled),
        mean(per_image["kl"], origin),
    )
