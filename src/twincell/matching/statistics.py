"""What is compared between real and drawn images: numbers of one image each, in groups.

All are taken at the size at which cells are counted, most of them relative to the image's own contrast. The
features come from a network that ships and is not trained on the images, so they are the same for all.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.matching.rings import rings
from twincell.models.components.ood_score import OODScore
from twincell.models.density_network.contrast import field, own_contrast
from twincell.models.density_network.network import DensityNetwork, soften

LEVELS = (0.002, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.998)
"""Quantiles of the grey levels."""
EXTREMES = (0.002, 0.02, 0.98, 0.998)
"""Quantiles of the blob filters: the strongest dark and bright blobs of a size."""
SIGMAS = (1.0, 1.5, 2.25, 3.4, 5.0)
"""px, standard deviations of the blobs looked for."""
BANDS = 12
"""Rings of the power spectrum, equally wide in the logarithm of the frequency."""
PATCH = 16
"""px, side of the patches whose contrast is local."""
BATCH = 64
"""Images looked at together."""


@dataclass(frozen=True)
class Statistics:
    """Numbers of N images.

    Attributes:
        values: (N, F) float32, finite.
        groups: F names of groups: level, histogram, spectrum, blobs, gradient, contrast, lines, rings,
            counts, features.
    """

    values: Tensor
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def column(self, group: str, number: int = 0) -> Tensor:
        """(N,) one number of a group."""
        return self.values[:, [g == group for g in self.groups]][:, number]

    @staticmethod
    def cat(parts: "list[Statistics]") -> "Statistics":
        """Those of several sets of images behind one another."""
        return Statistics(torch.cat([part.values for part in parts]), parts[0].groups)


@torch.inference_mode()
def statistics(images: Tensor, network: DensityNetwork) -> Statistics:
    """Looks at images.

    Args:
        images: (N, 1, H, W) float32 in [0, 1], sides multiples of 8; cells about 9 px across.
        network: with sizes, in eval mode; gives features and counts.
    """
    parts = [_statistics(part, network) for part in images.split(BATCH)]
    names = tuple(name for name, values in parts[0].items() for _ in range(values.shape[1]))
    return Statistics(torch.cat([torch.cat(list(part.values()), 1) for part in parts]).float(), names)


def _statistics(images: Tensor, network: DensityNetwork) -> dict[str, Tensor]:
    around = field(images)
    deviations = images - around
    soft = soften(deviations)
    contrast = own_contrast(deviations, soft)
    seen = soft / contrast
    noise = (deviations - soft).abs().flatten(1).median(1).values[:, None] * 1.9
    maps = network.features(images)
    density = network.density(maps)
    own = contrast.flatten(1)
    return {
        "level": torch.cat(
            [
                images.mean((2, 3)),
                (around.std((2, 3)) + 1e-3).log(),
                own.log(),
                (noise / own).clamp(min=0.01).log(),
            ],
            1,
        ),
        "histogram": _quantiles(seen, LEVELS),
        "spectrum": _spectrum(seen),
        "blobs": _blobs(seen),
        "gradient": _quantiles(_slope(seen)[..., ::2, ::2], (0.5, 0.9, 0.99, 0.998)),
        "contrast": _local(seen),
        "lines": _lines(seen),
        "rings": rings(seen, density),
        "counts": _counts(density, network.log_diameter(maps, density)),
        "features": _features(maps, density),
    }


def _quantiles(values: Tensor, shares: tuple[float, ...]) -> Tensor:
    """(N, len(shares)) quantiles over each image (N, 1, H, W)."""
    return torch.quantile(values.flatten(1), torch.tensor(shares), dim=1).T


def _spectrum(seen: Tensor) -> Tensor:
    """(N, BANDS) logarithm of the mean power in rings of frequency."""
    height, width = seen.shape[-2:]
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.rfft2(seen[:, 0] * window).abs() ** 2 / (height * width)
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width))
    edges = torch.logspace(torch.tensor(0.02).log2(), -1, BANDS + 1, base=2)
    inside = [(frequency >= low) & (frequency < high) for low, high in itertools.pairwise(edges)]
    bands = [power[:, ring].mean(1) if bool(ring.any()) else power.new_zeros(len(power)) for ring in inside]
    return (torch.stack(bands, 1) + 1e-4).log()


def _blobs(seen: Tensor) -> Tensor:
    """(N, ..) extremes of differences of Gaussians, one filter a size; every second pixel will do."""
    height, width = seen.shape[-2:]
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width))
    spectrum = torch.fft.rfft2(seen)
    widths = (*SIGMAS, SIGMAS[-1] * 1.5)
    smooth = [torch.exp(-2 * (math.pi * sigma * frequency) ** 2) for sigma in widths]
    bands = [spectrum * (a - b) for a, b in itertools.pairwise(smooth)]
    found = [torch.fft.irfft2(band, s=(height, width))[..., ::2, ::2] for band in bands]
    return torch.cat([_quantiles(band, EXTREMES) for band in found], 1)


def _slope(seen: Tensor) -> Tensor:
    """(N, 1, H - 1, W - 1) length of the gradient."""
    return torch.hypot(seen.diff(dim=2)[..., :-1], seen.diff(dim=3)[..., :-1, :])


def _local(seen: Tensor) -> Tensor:
    """(N, 6) how contrast is spread: quantiles over patches, and shares of pixels that stand out."""
    mean = F.avg_pool2d(seen, PATCH)
    spread = (F.avg_pool2d(seen**2, PATCH) - mean**2).clamp(min=0).sqrt()
    shares = [(seen > 0.5), (seen < -0.5), (seen.abs() > 0.25)]
    return torch.cat([_quantiles(spread, (0.1, 0.5, 0.9)), *[s.float().mean((2, 3)) for s in shares]], 1)


def _lines(seen: Tensor) -> Tensor:
    """(N, 3) what walls and rules show: the strongest row and column mean, and how much gradients agree."""
    rows, columns = seen.mean(3).abs().amax(2), seen.mean(2).abs().amax(2)
    x, y = seen.diff(dim=3)[..., :-1, :], seen.diff(dim=2)[..., :-1]
    xx, yy, xy = ((a * b).mean((2, 3)) for a, b in ((x, x), (y, y), (x, y)))
    coherence = torch.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-6)
    return torch.cat([torch.maximum(rows, columns), torch.minimum(rows, columns), coherence], 1)


def _counts(density: Tensor, log_diameter: Tensor) -> Tensor:
    """(N, 4): cells the network finds, places where it finds some, their size, the most at one."""
    cells = density.sum((1, 2, 3))
    around = F.avg_pool2d(density, 3, 1, 1) * 9
    peak = (F.max_pool2d(around, 3, 1, 1) == around) & (around > 0.25)
    size = torch.where(cells > 0.3, log_diameter, 0.0)
    return torch.stack([cells, peak.float().sum((1, 2, 3)), size, around.amax((1, 2, 3))], 1)


def _features(maps: Tensor, density: Tensor) -> Tensor:
    """(N, 3 * width) means and spreads of the network's maps, and their means where it finds cells."""
    weights = density + 1e-6
    there = (maps * weights).sum((2, 3)) / weights.sum((2, 3))
    return torch.cat([OODScore.features(maps), there], 1)
