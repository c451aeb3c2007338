"""Training images varied at random, a whole batch at once on its device (paper 2.3.4); test images never are.

All geometric changes of an image are one affine map, applied in one resampling; cell centres and density maps
follow the same map, so labels stay true.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.batches.wear import worn
from twincell.config import AugmentSettings

CALM_SCALE = 1 / 3
"""Share of the usual variation in scale that calm images have."""


@dataclass(frozen=True)
class Warp:
    """One affine map per image, from places in the varied image to places in the original.

    Attributes:
        matrix: (B, 2, 3) float32, in coordinates from -1 (left, top edge) to 1 (right, bottom edge), x first.
    """

    matrix: Tensor

    @property
    def area(self) -> Tensor:
        """(B,) float64, area of the original that one pixel of the varied image shows, in pixels."""
        return torch.linalg.det(self.matrix[:, :, :2].double()).abs()

    def images(self, images: Tensor) -> Tensor:
        """(B, C, H, W) resampled bilinearly; beyond the edge the image is mirrored."""
        return F.grid_sample(images, self._grid(images), padding_mode="reflection", align_corners=False)

    def density(self, density: Tensor) -> Tensor:
        """(B, C, h, w) of cells per pixel: resampled and scaled by area: cells in view keep their sum."""
        warped = F.grid_sample(density, self._grid(density), padding_mode="zeros", align_corners=False)
        return warped * self.area.to(density)[:, None, None, None]

    def points(self, points: Tensor, size: int) -> Tensor:
        """(B, K, 2) places x, y in pixels of an image of side `size`; the first pixel spans 0 to 1.

        NaN stays NaN; places out of view lie outside 0 .. size afterwards.
        """
        at = points.double() / size * 2 - 1
        turn, move = self.matrix[:, :, :2].double(), self.matrix[:, None, :, 2].double()
        back = torch.linalg.solve(turn[:, None], (at - move)[..., None])[..., 0]
        return ((back + 1) / 2 * size).to(points)

    def _grid(self, images: Tensor) -> Tensor:
        return F.affine_grid(self.matrix.to(images), list(images.shape), align_corners=False)


@dataclass(frozen=True)
class Augmented:
    """A varied batch: `images` (B, 1, H, W) in [0, 1], `points` (B, K, 2) or None, and the map used."""

    images: Tensor
    points: Tensor | None
    warp: Warp


def augment(
    images: Tensor, generator: torch.Generator, settings: AugmentSettings, points: Tensor | None = None
) -> Augmented:
    """Varies images, and cell centres alike.

    Args:
        images: (B, 1, H, W) float32 in [0, 1], H = W.
        generator: on the CPU; the same state gives the same result.
        settings: what is varied and how far.
        points: optional (B, K, 2) cell centres x, y in pixels (the first pixel spans 0 to 1), NaN = no cell.
    """
    calm = torch.rand(len(images), generator=generator) < settings.calm if settings.calm else None
    warp = draw_warp(len(images), generator, settings, images.shape[-1], calm).matrix.to(images.device)
    warped = Warp(warp)
    moved = None
    if points is not None:
        size = images.shape[-1]
        around = mirrored(points, size) if settings.mirrored else points
        moved = warped.points(around.to(images.device), size)
        moved = only_seen(moved, size) if settings.mirrored else moved
    varied = grey_levels(warped.images(images), generator, settings)
    return Augmented(worn(varied, generator, settings, calm), moved, warped)


def mirrored(points: Tensor, size: int) -> Tensor:
    """(B, K, 2) places and their mirror images beyond each border and corner of an image: (B, 9 K, 2)."""
    x, y = points.unbind(-1)
    across, down = torch.cat([x, -x, 2 * size - x], 1), torch.cat([y, y, y], 1)
    return torch.stack([torch.cat([across] * 3, 1), torch.cat([down, -down, 2 * size - down], 1)], -1)


def only_seen(points: Tensor, size: int) -> Tensor:
    """(B, K, 2) places without those out of view: (B, most of an image, 2), the rest NaN."""
    seen = ((points >= 0) & (points < size)).all(-1)
    most = max(1, int(seen.sum(1).max()))
    order = seen.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
    kept = points.gather(1, order[..., None].expand(-1, -1, 2))
    return kept.where(seen.gather(1, order)[..., None], torch.nan)


def draw_warp(
    n: int,
    generator: torch.Generator,
    settings: AugmentSettings,
    size: int,
    calm: Tensor | None = None,
) -> Warp:
    """Random maps for n images: small rotation, scale and shift, crop window, quarter turns and flips.

    Args:
        calm: (n,) bool, images whose scale is varied by `CALM_SCALE` of the usual only.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    # Every number is drawn whatever is switched on: a setting changes only what it names.
    angle = torch.deg2rad(uniform(-settings.rotation, settings.rotation))
    turns = torch.randint(0, 4, (n,), generator=generator) * settings.quarter_turns
    flips = 1.0 - 2.0 * (torch.rand(n, 2, generator=generator) < 0.5) * settings.flips
    zoom = 1 / uniform(1 - settings.scale, 1 + settings.scale)
    if calm is not None:
        zoom = torch.where(calm, 1 / (1 + CALM_SCALE * (1 / zoom - 1)), zoom)
    shift = 2 * uniform(-settings.shift, settings.shift, 2)
    window = round(settings.crop * size)
    corner = (torch.rand(n, 2, generator=generator) * (size - window + 1)).floor()

    # A point p of the result comes from: zoom * R(angle) * (share * Q * flip * p + corner) + shift.
    crop_centre = (2 * corner + window) / size - 1
    outer = zoom[:, None, None] * _rotation(angle)
    inner = window / size * _rotation(turns * (torch.pi / 2)) * flips[:, None, :]
    move = (outer @ crop_centre[:, :, None])[..., 0] + shift
    return Warp(torch.cat([outer @ inner, move[:, :, None]], dim=2))


def grey_levels(images: Tensor, generator: torch.Generator, settings: AugmentSettings) -> Tensor:
    """Contrast, brightness and pixel noise varied per image; the result is cut to [0, 1]."""

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(len(images), 1, 1, 1, generator=generator) * (high - low) + low
        return drawn.to(images.device)

    gain, offset = uniform(1 - settings.gain, 1 + settings.gain), uniform(-settings.offset, settings.offset)
    strength = uniform(*settings.noise)
    if settings.gain or settings.offset:
        mean = images.mean((1, 2, 3), keepdim=True)
        images = (images - mean) * gain + mean + offset
    if max(settings.noise) > 0:
        images = images + strength * _noise(images, generator)
    return images.clamp(0, 1)


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def _noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise drawn where the images are: a batch of it is too much to copy every step."""
    if images.device.type == "cpu":
        return torch.randn(images.shape, generator=generator)
    there = torch.Generator(images.device)
    there.manual_seed(int(torch.randint(0, 2**62, (1,), generator=generator)))
    return torch.randn(images.shape, generator=there, device=images.device)
