"""Cuts a chamber out of a frame: drift, rotation, quarter turns and scale undone in one resampling."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from twincell.preprocess.chambers.find import Box
from twincell.preprocess.chambers.framing import Framing
from twincell.preprocess.registration.deskew import Upright
from twincell.preprocess.registration.registration import Motion


@dataclass(frozen=True)
class Cutter:
    """Where a chamber's crop lies in the reference.

    Attributes:
        points: (n * size, n * size, 2) x, y in the reference of each sample; n samples a pixel and axis.
        size: side of the crop in px.
        scale: source pixels per pixel of the crop.
        shape: (H, W) of a frame.
    """

    points: NDArray[np.float64]
    size: int
    scale: float
    shape: tuple[int, int]

    def cut(self, frame: NDArray, motion: Motion) -> tuple[NDArray[np.float32], float]:
        """The crop (size, size) in the frame's own unit, and which part of it lies outside the frame, 0..1.

        Pixels outside repeat the frame's edge. Where a crop pixel spans several source pixels it is their
        mean, so that fine grain does not alias.
        """
        H, W = self.shape
        at = motion.apply(self.points.reshape(-1, 2), self.shape)
        outside = (at[:, 0] < -0.5) | (at[:, 0] > W - 0.5) | (at[:, 1] < -0.5) | (at[:, 1] > H - 0.5)
        # Cubic splines keep the sharpness the same whatever part of a pixel the drift is; the filter they
        # need is applied to the neighbourhood of the crop alone.
        low = np.clip(np.floor(at.min(0)).astype(int) - 8, 0, [W - 2, H - 2])
        high = np.clip(np.ceil(at.max(0)).astype(int) + 9, low + 2, [W, H])
        part = frame[low[1] : high[1], low[0] : high[0]].astype(np.float32)
        sampled = map_coordinates(part, [at[:, 1] - low[1], at[:, 0] - low[0]], order=3, mode="nearest")
        n = len(self.points) // self.size
        crop = sampled.reshape(self.size, n, self.size, n).mean((1, 3))
        return crop.astype(np.float32), float(outside.mean())


def make_cutter(box: Box, upright: Upright, frame: Framing, size: int, turn: int) -> Cutter:
    """Prepares the crop of one chamber.

    Args:
        box: its walls in the upright picture.
        frame: how it fills the crop.
        size: side of the crop, px.
        turn: quarter turns, 0, 90, 180 or 270 degrees clockwise, that bring its top to the top.
    """
    height, width = (box.h, box.w) if turn % 180 == 0 else (box.w, box.h)
    side = max(height / frame.fill, width * 1.04)  # never narrower than the chamber
    scale = side / size
    n = max(1, math.ceil(scale - 0.25))
    places = (np.arange(n * size) + 0.5) / (n * size)
    across, down = np.meshgrid(places - frame.middle[0], places - frame.middle[1])
    # A picture turned clockwise shows at its top what was at its left; so crop axes are turned back.
    a = -np.deg2rad(turn)
    x = box.x + box.w / 2 + side * (np.cos(a) * across - np.sin(a) * down)
    y = box.y + box.h / 2 + side * (np.sin(a) * across + np.cos(a) * down)
    points = upright.to_reference(np.stack([x, y], -1))
    return Cutter(points, size, scale, upright.shape)
