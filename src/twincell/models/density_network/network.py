"""A twin that keeps a map: origin-specific stems, one shared core, and a density whose sum is the count."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.models.components.error_forecast import MEASURES, ErrorForecast, measured
from twincell.models.components.ood_score import OODScore
from twincell.models.density_network.contrast import field, own_contrast

GREY_STD = 0.075
"""Contrast all images are divided by: the spread of grey levels in bright field and phase contrast alike."""

OUTSTANDING_STD = 3.0
"""How far what stands out lies from the field, where images are divided by their own contrast."""

SHARPNESS = 4
"""Power of the distance from training that is a doubt: within usual distances there is none to speak of."""

DENSITY_SCALE = 0.05
"""Softplus is multiplied by this, so that a fresh network starts near the density of a typical chamber."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a skip; `stride` 2 halves the map."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        same = channels_in == channels_out and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels_in, h, w) -> (B, channels_out, h / stride, w / stride)."""
        return F.relu(self.main(maps) + self.skip(maps))


def stem(width: int) -> nn.Sequential:
    """One origin's own layers: grey pixels to `width` maps of a quarter the side."""
    return nn.Sequential(
        nn.PixelUnshuffle(2),
        nn.Conv2d(4, width, 5, 2, 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


def soften(images: Tensor) -> Tensor:
    """Weighs each pixel (B, 1, H, W) with its neighbours by 1-2-1 along both axes; edges are repeated."""
    # Sums take a third of the time of a convolution with one channel.
    wide = F.pad(images, (1, 1, 1, 1), mode="replicate")
    rows = wide[..., :-2, :] + 2 * wide[..., 1:-1, :] + wide[..., 2:, :]
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16


class Core(nn.Module):
    """What all images share: a fine look at each cell, joined by a coarse look at its surroundings."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(*[Residual(width, width) for _ in range(depth)])
        self.coarse = nn.Sequential(
            Residual(width, 2 * width, stride=2), *[Residual(2 * width, 2 * width) for _ in range(depth)]
        )
        self.merge = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, h, w) -> (B, width, h, w)."""
        fine = self.fine(maps)
        coarse = self.merge(self.coarse(fine))
        return fine + F.interpolate(coarse, scale_factor=2.0, mode="nearest")


class Head(nn.Sequential):
    """From shared maps to cells per element, before `softplus`; beside it, if asked for, to their size.

    Args:
        sizes: whether there is a part `size`, which maps to the logarithm of the diameter.
    """

    def __init__(self, width: int, sizes: bool) -> None:
        super().__init__(Residual(width, width), nn.Conv2d(width, 1, 1))
        if sizes:
            self.size = nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, h, w) -> (B, 1, h, w)."""
        return self[1](self[0](maps))


@dataclass(frozen=True)
class Look:
    """What the network makes of B images.

    Attributes:
        density: (B, 1, h, w) cells per element.
        count: (B,) cells.
        features: (B, 2 * width + 3 + MEASURES) what tells how much the count is worth.
        novelty: (B,) how unlike training, or how doubtful, from 0; above 1 the count is not to be trusted.
    """

    density: Tensor
    count: Tensor
    features: Tensor
    novelty: Tensor


class DensityNetwork(nn.Module):
    """Counts cells as the sum of a density map.

    Parts have names, as in the Twin-VAE: `stems.natural` and `stems.synthetic`, `core` (shared) and `head`.

    Args:
        width: channels of the maps of a quarter the image's side; those of an eighth have twice as many.
        depth: residual blocks at each of the two resolutions.
        twin: whether synthetic images have a stem of their own (else both origins share one).
        contrast: "constant": images are centred and divided by `GREY_STD`; "own": the field around is taken
            away and what is left divided by the image's own contrast.
        sizes: whether it also says how large the cells are (`log_diameter`).
        doubts: whether it forecasts how far a count may be off.
    """

    def __init__(
        self,
        width: int = 32,
        depth: int = 2,
        twin: bool = False,
        contrast: str = "constant",
        sizes: bool = False,
        doubts: bool = False,
    ) -> None:
        super().__init__()
        self.stems = nn.ModuleDict({"natural": stem(width)})
        if twin:
            self.stems["synthetic"] = stem(width)
        self.core = Core(width, depth)
        self.head = Head(width, sizes)
        self.contrast = contrast
        self.familiarity = OODScore(width)
        self.forecast = ErrorForecast(2 * width + 3 + MEASURES) if doubts else None
        self.gain: Tensor
        self.register_buffer("gain", torch.ones(()))  # counts are multiplied by it, see `calibrated_gain`

    def normalise(self, images: Tensor) -> Tensor:
        """Grey levels (B, 1, H, W) in [0, 1] to zero mean per image and a common contrast.

        Training images have been turned and shifted between pixels, which softens them; untouched images,
        which the network counts in eval mode, are softened here. Else new chambers are overcounted.
        """
        if self.contrast == "own":
            deviations = images - field(images)
            soft = soften(deviations)
            scale = own_contrast(deviations, soft) / OUTSTANDING_STD
            return (deviations if self.training else soft) / scale
        centred = images - images.mean((1, 2, 3), keepdim=True)
        return (centred if self.training else soften(centred)) / GREY_STD

    def features(self, images: Tensor, natural: Tensor | None = None) -> Tensor:
        """Shared maps (B, width, H / 4, W / 4); `natural` (B,) bool says which stem reads which image."""
        pixels = self.normalise(images)
        if natural is None or "synthetic" not in self.stems or bool(natural.all()):
            return self.core(self.stems["natural"](pixels))
        maps = self.stems["synthetic"](pixels[~natural])
        if bool(natural.any()):
            drawn, own = maps, self.stems["natural"](pixels[natural])
            maps = own.new_empty((len(pixels), *own.shape[1:]))
            maps[natural], maps[~natural] = own, drawn
        return self.core(maps)

    def density(self, maps: Tensor) -> Tensor:
        """Shared maps (B, width, h, w) to cells per element (B, 1, h, w), not negative."""
        return F.softplus(self.head(maps).float()) * DENSITY_SCALE * self.gain

    def look(self, images: Tensor) -> Look:
        """Counts natural images (B, 1, H, W), and says how much each count is worth."""
        maps = self.features(images).float()
        density = self.density(maps)
        count = density.sum((1, 2, 3))
        # Cells make peaks; a blur, or a field that is none, spreads the same count over the map.
        peaks = torch.stack([density.amax((1, 2, 3)), (density**2).sum((1, 2, 3)) / (count + 1e-3)], 1)
        own, novelty = self.familiarity.features(maps), self.familiarity(maps) ** SHARPNESS
        features = torch.cat([own, (count + 1).log()[:, None], (peaks + 1e-4).log(), measured(images)], 1)
        if self.forecast is not None:
            novelty = torch.maximum(novelty, self.forecast(features))
        return Look(density, count, features, novelty)

    def log_diameter(self, maps: Tensor, density: Tensor) -> Tensor:
        """(B,) natural logarithm of the diameter in units of `NOMINAL` px, the mean over the cells found.

        Args:
            maps: (B, width, h, w) shared maps.
            density: (B, 1, h, w) cells per element, which weigh the map of sizes.
        """
        weights = density.detach().float() + 1e-6
        return (self.head.size(maps).float() * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3))

    def forget_sizes(self) -> None:
        """Drops the map of sizes, so that images are no longer scaled by what it says."""
        if hasattr(self.head, "size"):
            del self.head.size

    def forward(self, images: Tensor, natural: Tensor | None = None) -> Tensor:
        """Cells per map element (B, 1, H / 4, W / 4); its sum is the count."""
        return self.density(self.features(images, natural))
