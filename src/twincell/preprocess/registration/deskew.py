"""The reference turned upright on a canvas that holds all of it, and the way back to the camera."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from twincell.preprocess.chambers.walls import Image
from twincell.preprocess.registration.registration import centre


@dataclass(frozen=True)
class Upright:
    """An upright picture of a position.

    Attributes:
        image: (H', W') float32; where the camera saw nothing, the reference's median.
        inside: (H', W') bool, where the camera saw something.
        angle: how far the chip is turned in the reference, degrees.
        shape: the reference's (H, W).
    """

    image: NDArray[np.float32]
    inside: NDArray[np.bool_]
    angle: float
    shape: tuple[int, int]

    def to_reference(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Upright points (..., 2) x, y as points of the reference."""
        return (xy - centre(self.canvas)) @ _turn(self.angle).T + centre(self.shape)

    def from_reference(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the reference (..., 2) x, y as upright points."""
        return (xy - centre(self.shape)) @ _turn(-self.angle).T + centre(self.canvas)

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        return self.image.shape[0], self.image.shape[1]


def stand_upright(reference: Image, angle: float) -> Upright:
    """Turns the reference by -angle onto a canvas large enough for its corners."""
    H, W = reference.shape
    a = np.deg2rad(angle)
    height = int(np.ceil(abs(H * np.cos(a)) + abs(W * np.sin(a))))
    width = int(np.ceil(abs(W * np.cos(a)) + abs(H * np.sin(a))))
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float64)
    xs, ys = xs - (width - 1) / 2, ys - (height - 1) / 2
    x = np.cos(a) * xs - np.sin(a) * ys + (W - 1) / 2
    y = np.sin(a) * xs + np.cos(a) * ys + (H - 1) / 2
    inside = (x >= 0) & (x <= W - 1) & (y >= 0) & (y <= H - 1)
    image = map_coordinates(reference, [y, x], order=1, mode="nearest", output=np.float32)
    image[~inside] = np.median(reference)
    return Upright(image, inside, angle, (H, W))


def _turn(angle: float) -> NDArray[np.float64]:
    a = np.deg2rad(angle)
    return np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
