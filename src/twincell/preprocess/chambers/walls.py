"""Where the walls are: the straight, lasting edges that registration may lean on and cells may not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d

from twincell.io.readers.base import FrameError

Image = NDArray[np.floating]

SMOOTH = 1.0
"""px; every image is smoothed alike before it is compared."""
RUN = 25
"""px an edge must run straight to be taken for a wall."""
MOST = 20_000
"""Wall pixels used; enough for 0.01 px, few enough to be quick."""


@dataclass(frozen=True)
class WallPoints:
    """The pixels of a reference image that lie on walls.

    Attributes:
        xy: (N, 2) float, their x and y in px.
        value: (N,) the smoothed reference there.
        gradient: (N, 2) its derivatives across x and across y, per px.
        weight: (N,) 0..1, how much a pixel is to be trusted: 1 where it never changes.
    """

    xy: NDArray[np.float64]
    value: NDArray[np.float64]
    gradient: NDArray[np.float64]
    weight: NDArray[np.float64]


def smoothed(frame: NDArray) -> NDArray[np.float32]:
    """The frame as float32, smoothed as all images that are compared."""
    return gaussian_filter(frame.astype(np.float32), SMOOTH)


def gradients(image: Image) -> tuple[Image, Image]:
    """Central differences across x and across y, zero at the border."""
    gx, gy = np.zeros_like(image), np.zeros_like(image)
    gx[:, 1:-1] = (image[:, 2:] - image[:, :-2]) / 2
    gy[1:-1] = (image[2:] - image[:-2]) / 2
    return gx, gy


def turned(image: Image, angle: float, order: int = 1) -> Image:
    """The image turned upright: a chip that lies at `angle` degrees lies at 0. Same shape, edges repeated."""
    H, W = image.shape
    c = np.array([(H - 1) / 2, (W - 1) / 2])
    ys, xs = np.mgrid[0:H, 0:W] - c[:, None, None]
    a = np.deg2rad(angle)
    at = [np.sin(a) * xs + np.cos(a) * ys + c[0], np.cos(a) * xs - np.sin(a) * ys + c[1]]
    return map_coordinates(image, at, order=order, mode="nearest", output=np.float32)


def line_support(upright: Image, run: int = RUN) -> tuple[Image, Image]:
    """How strongly each pixel of an upright image lies on an up-down edge and on a left-right edge.

    The signed derivative is averaged along the wall's direction: walls add up, curved rims and grain cancel.

    Returns:
        Two images like the input: |average across x| and |average across y|.
    """
    gx, gy = gradients(upright)
    return np.abs(uniform_filter1d(gx, run, axis=0)), np.abs(uniform_filter1d(gy, run, axis=1))


def refuse_flat(strength: Image) -> None:
    """Stops at an image in which nothing stands out, by the strength of its edges.

    Raises:
        FrameError: all of them are 0.
    """
    if not strength.any():
        raise FrameError("flat", "one flat field without any edge")


def wall_points(reference: Image, spread: Image, angle: float, most: int = MOST) -> WallPoints:
    """Picks the wall pixels of a reference.

    Args:
        reference: (H, W) smoothed temporal median.
        spread: (H, W) how much each pixel changes over time (a robust deviation), same unit.
        angle: the chip's turn in degrees.
        most: so many points at most, the best ones.

    Raises:
        FrameError: there is no edge but at the border.
    """
    gx, gy = gradients(reference)
    # Support is found in the upright image and brought back, so that slanted walls are judged alike.
    upright = turned(reference, angle)
    across, down = line_support(upright)
    support = turned(np.maximum(across, down), -angle)
    steep = np.hypot(gx, gy)
    steadiness = steep / (steep + spread + 1e-12)
    merit = np.minimum(support, steep) * steadiness**2
    edge = max(8, min(reference.shape) // 40)
    merit[:edge], merit[-edge:], merit[:, :edge], merit[:, -edge:] = 0, 0, 0, 0
    refuse_flat(merit)
    # Walls are the few percent that stand far above the rest; a pixel at a third of the best still helps.
    strong = np.quantile(merit, 0.995)
    keep = np.flatnonzero(merit.ravel() >= strong / 3)
    if keep.size > most:
        keep = keep[np.argpartition(merit.ravel()[keep], -most)[-most:]]
        keep.sort()
    ys, xs = np.unravel_index(keep, reference.shape)
    return WallPoints(
        xy=np.stack([xs, ys], 1).astype(np.float64),
        value=reference[ys, xs].astype(np.float64),
        gradient=np.stack([gx[ys, xs], gy[ys, xs]], 1).astype(np.float64),
        weight=steadiness[ys, xs].astype(np.float64),
    )
