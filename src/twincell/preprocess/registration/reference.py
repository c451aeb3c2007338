"""What a position looks like without its cells and without drift: the picture every frame is laid against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from twincell.preprocess.chambers.walls import Image, WallPoints, smoothed, wall_points
from twincell.preprocess.registration.registration import Coarse, Motion, centre, register
from twincell.preprocess.registration.rotation import rotation_angle, rough_angle

ROUNDS = 3
"""A sharper median gives better motions, which give a sharper median; three rounds settle it."""
AGREES = 0.3
"""Score from which a sample takes part in the median."""
STARTS = 3
"""Samples tried as the first picture, should one show something else."""


@dataclass(frozen=True)
class Reference:
    """A position at rest.

    Attributes:
        image: (H, W) float32 temporal median of the aligned samples, smoothed, in source units.
        spread: (H, W) float32 robust deviation over time, 0 for a single sample.
        angle: the chip's turn in it, degrees.
        walls: its wall pixels.
        coarse: the coarse search against it.
        motions: of the samples.
    """

    image: NDArray[np.float32]
    spread: NDArray[np.float32]
    angle: float
    walls: WallPoints
    coarse: Coarse
    motions: Sequence[Motion]


def build_reference(frames: Sequence[NDArray]) -> Reference:
    """Aligns sample frames to each other and takes their median.

    Args:
        frames: undamaged frames (H, W) of one position, spread over its time; 1 or more. Their number and
            size
            bound the memory: some 12 bytes a pixel each.
    """
    images = [smoothed(frame) for frame in frames]
    starts = _starts(len(images))
    best = _settle(images, starts[0])
    for start in starts[1:]:
        if _agreement(best) >= AGREES:
            break
        best = max(best, _settle(images, start), key=_agreement)
    image, spread, motions = best
    return restore_reference(image, spread, rotation_angle(image), motions)


def restore_reference(
    image: NDArray[np.float32], spread: NDArray[np.float32], angle: float, motions: Sequence[Motion] = ()
) -> Reference:
    """A reference from its pictures, as they were kept on disk."""
    return Reference(image, spread, angle, wall_points(image, spread, angle), Coarse(image), motions)


def lay_back(frame: Image, motion: Motion) -> NDArray[np.float32]:
    """A frame moved onto the reference; edges repeated."""
    H, W = frame.shape
    ys, xs = np.mgrid[0:H, 0:W].astype(np.float32)
    a = np.deg2rad(motion.angle)
    cx, cy = centre((H, W))
    xs, ys = xs - cx, ys - cy
    at = [
        np.sin(a) * xs + np.cos(a) * ys + cy + motion.dy,
        np.cos(a) * xs - np.sin(a) * ys + cx + motion.dx,
    ]
    return map_coordinates(frame, at, order=1, mode="nearest", output=np.float32)


def _agreement(found: tuple[NDArray[np.float32], NDArray[np.float32], list[Motion]]) -> float:
    """How well most samples fit the median made of them."""
    return float(np.median([m.score for m in found[2]]))


def _starts(n: int) -> list[int]:
    """Samples to start from: the middle one first, as it is nearest to all others."""
    return list(dict.fromkeys([n // 2, 0, n - 1]))[:STARTS]


def _settle(
    images: Sequence[Image], start: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], list[Motion]]:
    """The median, the deviation and the motions that fit each other."""
    image = np.asarray(images[start], np.float32)
    spread = np.zeros_like(image)
    motions = [Motion()] * len(images)
    for _ in range(ROUNDS if len(images) > 1 else 0):
        walls, coarse = wall_points(image, spread, rough_angle(image)), Coarse(image)
        motions = [register(im, walls, coarse, m) for im, m in zip(images, motions, strict=True)]
        agreeing = [i for i, m in enumerate(motions) if m.score >= AGREES] or [start]
        aligned = np.stack([lay_back(images[i], motions[i]) for i in agreeing])
        # Brightness steps must not pass for changes of the scene.
        for one in aligned:
            one /= max(float(np.median(one / np.maximum(image, 1e-6))), 1e-6)
        image = np.median(aligned, axis=0)
        spread = (1.4826 * np.median(np.abs(aligned - image), axis=0)).astype(np.float32)
    return image, spread, motions
