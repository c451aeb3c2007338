"""Cross-decoding: a image read by one twin and drawn by the other, to see what the model saw in it.

The Twin-VAE has an encoder and a decoder for each image origin around one shared core. What the natural
encoder reads from a microscope's image, the synthetic decoder draws as a clean synthetic chamber, and the
other way round (paper, section "Image translation"). If the core holds what matters, cells stay where they
were and the count read from the translated image is the count read from the original.
"""

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twincell.errors import UserError
from twincell.models.base.file import LoadedModel

ORIGINS = ("synthetic", "natural")
BATCH = 64


@dataclass(frozen=True)
class Translation:
    """Images and what the other decoder made of them.

    Attributes:
        original: (N, 128, 128) uint8.
        translated: (N, 128, 128) uint8, drawn as the other origin.
        reconstructed: (N, 128, 128) uint8, drawn as their own origin.
        count_original: (N,) float, cells read from the original.
        count_translated: (N,) float, cells read from the translated image by the other encoder.
    """

    original: NDArray[np.uint8]
    translated: NDArray[np.uint8]
    reconstructed: NDArray[np.uint8]
    count_original: NDArray[np.float64]
    count_translated: NDArray[np.float64]

    @property
    def agreement(self) -> float:
        """Share of images whose rounded count stays the same, in percent."""
        return 100 * float((np.rint(self.count_original) == np.rint(self.count_translated)).mean())

    @property
    def difference(self) -> float:
        """Mean absolute difference of the two counts, in cells."""
        return float(np.abs(self.count_original - self.count_translated).mean())


class Translator(Protocol):
    """A network with two encoders and two decoders around one core; `natural` (B,) bool says which."""

    def encode(self, images: Tensor, natural: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, 128, 128) to mean and log-variance (B, L)."""
        ...

    def decode(self, latent: Tensor, natural: Tensor) -> Tensor:
        """(B, L) to (B, 1, 128, 128) in [0, 1]."""
        ...

    def count(self, latent: Tensor) -> Tensor:
        """(B, L) to (B,) cells, raw."""
        ...


def can_translate(network: nn.Module) -> bool:
    """Whether a network has the two encoders and decoders that translating needs."""
    return all(callable(getattr(network, name, None)) for name in ("encode", "decode", "count"))


def require_translator(model: LoadedModel) -> None:
    """Refuses methods that cannot draw images.

    Raises:
        UserError: naming the method and what to use instead.
    """
    if not can_translate(model.network):
        raise UserError(
            f"model {model.card.name}: its method {model.card.method} has no decoders and cannot translate; "
            "use a model trained with a Twin-VAE preset (paper-pc, paper-bf, compact)"
        )


@torch.inference_mode()
def translate(model: LoadedModel, images: NDArray[np.uint8], to: str) -> Translation:
    """Draws images as the other origin and counts both.

    Args:
        model: of a method with two encoders and decoders.
        images: (N, 128, 128) uint8 of the origin that `to` is not.
        to: synthetic or natural.

    Raises:
        UserError: an unknown origin, or a method that cannot translate.
    """
    if to not in ORIGINS:
        raise UserError(f"--to {to!r} is unknown; use {' or '.join(ORIGINS)}")
    require_translator(model)
    network, into_natural = cast(Translator, model.network), to == "natural"
    drawn: list[list[Tensor]] = []
    for start in range(0, len(images), BATCH):
        batch = model.prepare(torch.from_numpy(images[start : start + BATCH])[:, None])
        own = torch.full((len(batch),), not into_natural)
        mean, _ = network.encode(batch, own)
        other, same = network.decode(mean, ~own), network.decode(mean, own)
        again, _ = network.encode(other, ~own)
        counts = [network.count(latent).clamp_min(0) for latent in (mean, again)]
        drawn.append([other, same, *counts])
    other, same, first, second = (torch.cat(parts).cpu() for parts in zip(*drawn, strict=True))
    return Translation(
        original=images,
        translated=_bytes(other),
        reconstructed=_bytes(same),
        count_original=first.double().numpy(),
        count_translated=second.double().numpy(),
    )


@torch.inference_mode()
def latent_means(model: LoadedModel, images: Tensor, natural: bool) -> NDArray[np.float32]:
    """(N, L) means of the latent vectors of images of one origin.

    Args:
        model: of a method with two encoders.
        images: (N, 1, 128, 128), uint8 or float in [0, 1].
        natural: which encoder reads them.
    """
    network = cast(Translator, model.network)
    parts = []
    for start in range(0, len(images), BATCH):
        batch = model.prepare(images[start : start + BATCH])
        parts.append(network.encode(batch, torch.full((len(batch),), natural))[0].cpu())
    return torch.cat(parts).float().numpy()


@torch.inference_mode()
def counts(model: LoadedModel, images: Tensor, natural: bool) -> NDArray[np.float64]:
    """(N,) cells read from images of one origin by its own encoder; arguments as `latent_means`."""
    network = cast(Translator, model.network)
    latent = torch.from_numpy(latent_means(model, images, natural)).to(model.device)
    return network.count(latent).clamp_min(0).double().cpu().numpy()


@torch.inference_mode()
def reconstruction_error(model: LoadedModel, images: Tensor) -> float:
    """Mean squared error per pixel, in grey levels of 1, of natural images drawn again by their own decoder.

    Args:
        model: of a method with two encoders and decoders.
        images: (N, 1, 128, 128) uint8, N from 1.
    """
    network, squares = cast(Translator, model.network), 0.0
    for part in images.split(BATCH):
        batch = model.prepare(part)
        own = torch.ones(len(batch), dtype=torch.bool, device=batch.device)
        again = network.decode(network.encode(batch, own)[0], own)
        squares += float(((again - batch) ** 2).mean((1, 2, 3)).sum())
    return squares / len(images)


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    return (images[:, 0] * 255).round().to(torch.uint8).numpy()
