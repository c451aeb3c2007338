"""Brightness: the lamp's steps undone frame by frame, and one fixed scale for the whole series of a chamber.

Only what never changes may tell how bright the lamp is. The level of the flat, steady background is compared
with the reference's; cells are outliers to a median as long as they cover less than half of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from twincell.preprocess.chambers.framing import Framing
from twincell.preprocess.chambers.walls import Image, gradients
from twincell.preprocess.registration.registration import Motion

POINTS = 20_000


@dataclass(frozen=True)
class Background:
    """Flat and steady places of the reference, (N, 2) x, y, and its level there, (N,)."""

    xy: NDArray[np.float64]
    level: NDArray[np.float64]

    def gain(self, frame: Image, motion: Motion) -> float:
        """How many times brighter a smoothed frame is than the reference."""
        at = motion.apply(self.xy, (frame.shape[0], frame.shape[1]))
        H, W = frame.shape
        inside = (at[:, 0] >= 0) & (at[:, 0] <= W - 1) & (at[:, 1] >= 0) & (at[:, 1] <= H - 1)
        if not inside.any():
            return 1.0
        seen = map_coordinates(frame, [at[inside, 1], at[inside, 0]], order=1, mode="nearest")
        return float(np.median(seen / self.level[inside]))


def background(reference: Image, spread: Image) -> Background:
    """Picks background places.

    Args:
        reference: (H, W) smoothed temporal median.
        spread: (H, W) robust deviation over time.
    """
    gx, gy = gradients(reference)
    level = max(float(np.median(reference)), 1e-6)
    restless = np.hypot(gx, gy) + spread
    edge = max(4, min(reference.shape) // 40)
    inner = np.zeros(reference.shape, bool)
    inner[edge:-edge, edge:-edge] = True
    inner &= reference > 0.2 * level
    calm = inner & (restless <= np.median(restless[inner]))
    places = np.flatnonzero(calm)
    if places.size > POINTS:
        places = places[:: places.size // POINTS + 1]
    ys, xs = np.unravel_index(places, reference.shape)
    return Background(np.stack([xs, ys], 1).astype(np.float64), reference[ys, xs].astype(np.float64))


@dataclass(frozen=True)
class GreyScale:
    """One linear scale for all frames of a chamber: grey = 255 * (slope * value + lift), 0..255."""

    slope: float
    lift: float

    def grey(self, crop: NDArray[np.floating], gain: float) -> NDArray[np.uint8]:
        """A crop in source units as (H, W) uint8, its frame's gain undone."""
        return np.clip(np.rint(255 * (self.slope * crop / gain + self.lift)), 0, 255).astype(np.uint8)


def grey_scale(median: NDArray[np.floating], brightest: float, darkest: float, frame: Framing) -> GreyScale:
    """The scale that brings a chamber's series to the levels models have seen.

    Args:
        median: (size, size) crop of the reference, source units.
        brightest, darkest: extremes seen in a few frames' crops, gain undone; used where the framing names no
            level.
        frame: the levels to reach.
    """
    middle = float(np.median(median))
    if frame.background is None:
        reach = max(brightest - darkest, 1e-6)
        return GreyScale(0.9 / reach, 0.05 - 0.9 * darkest / reach)
    if frame.bright is None:
        return GreyScale(frame.background / max(middle, 1e-6), 0.0)
    high = float(np.percentile(median, 99))
    slope = (frame.bright - frame.background) / max(high - middle, 1e-6)
    return GreyScale(slope, frame.background - slope * middle)
