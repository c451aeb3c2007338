"""How far the chip is turned: its walls are straight, so they all agree on one angle."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from twincell.preprocess.chambers.walls import Image, gradients, line_support, refuse_flat, turned

STRONGEST = 0.15
"""Share of the pixels in the first search: walls cover a few percent of a field."""
COARSE_STEP = 0.5
"""Degrees; a wall 100 px long blurs over 1 px when it is half a degree off."""
FINE_STEP = 0.05
"""Degrees between the angles of the fine search."""
REACH = 0.8
"""Degrees that the fine search goes to each side."""
TOP = 0.7
"""Part of a peak's height, from above, that a parabola is fitted to."""
PLACES = 3
"""Places per pixel in a profile."""
BLUR, FINE_BLUR = 1.2, 0.6
"""px; profiles of the first and the second search are blurred by this much."""
RUN = 15
"""px along which an edge must agree with itself to be a wall."""
STRONG, WALL = 0.98, 1 / 3
"""Walls are the pixels above that part of that quantile."""

Floats = NDArray[np.floating | np.integer]


def rotation_angle(image: Image, within: float = 45.0) -> float:
    """The chip's turn in degrees, in (-45, 45]: positive from the camera's x axis towards its y axis (down).

    The image's derivatives across x and across y are summed along every direction near the axes. Where the
    direction is that of the walls, each wall falls into one place and the profile has the sharpest peaks.
    Cells and rings have no direction and stay a floor under the peaks. A first search finds the angle to half
    a degree from all strong edges, a second one to some hundredths from the walls that are seen then; walls
    of chambers that stand in one row fall into one place, so the whole field serves as the ruler.

    Args:
        image: (H, W), best the temporal median of a recording; any unit.
        within: search -within..within degrees. Quarter turns cannot be told from the walls alone.

    Raises:
        FrameError: the image has no edge at all.
    """
    smooth = gaussian_filter(np.asarray(image, np.float32), 1.0)
    angle = rough_angle(image, within)
    # The first look straightens the picture, the second chooses the walls in it better.
    for _ in range(2):
        angle = _fine_angle(smooth, angle)
    return angle + 90.0 if angle <= -45.0 else angle - 90.0 if angle > 45.0 else angle


def rough_angle(image: Image, within: float = 45.0) -> float:
    """The angle within half a degree, from the strongest edges of any shape; see `rotation_angle`."""
    smooth = gaussian_filter(np.asarray(image, np.float32), 1.0)
    gx, gy = gradients(smooth)
    strength = _inner(np.hypot(gx, gy))
    ys, xs = np.nonzero(strength >= np.quantile(strength, 1 - STRONGEST))
    # Strong specks and rims count no more than a wall: what matters is how many pixels line up.
    gx, gy = gx[ys, xs], gy[ys, xs]
    length = np.hypot(gx, gy)
    scale = np.minimum(1.0, np.quantile(length, 0.3) / np.maximum(length, 1e-12))
    edges = _Edges(xs, ys, (gx * scale, gy * scale), smooth.shape, BLUR)
    angles = np.arange(-within, within, COARSE_STEP)
    return float(angles[np.argmax([edges.energy(a) for a in angles])])


def _fine_angle(smooth: Image, near: float) -> float:
    """The angle within `REACH` of `near` at which the walls line up best."""
    upright = turned(smooth, near, order=3)
    gx, gy = gradients(upright)
    across, down = line_support(upright, RUN)
    strength = _inner(np.maximum(across, down))
    # Weights fade at the walls' flanks: a hard choice of pixels would follow the pixel grid.
    wall = max(WALL * float(np.quantile(strength, STRONG)), 1e-12)
    weight = np.clip(strength / wall, 0, 1) ** 2
    ys, xs = np.nonzero(weight > 0.01)
    weight, standing = weight[ys, xs], (across >= down)[ys, xs]
    gx, gy = gx[ys, xs] * weight * standing, gy[ys, xs] * weight * ~standing
    limit = np.median(np.hypot(gx, gy)[weight >= 1])
    edges = _Edges(xs, ys, (np.clip(gx, -limit, limit), np.clip(gy, -limit, limit)), smooth.shape, FINE_BLUR)
    angles = np.arange(-REACH, REACH + FINE_STEP / 2, FINE_STEP)
    energy = np.array([edges.energy(a) for a in angles])
    best = int(np.argmax(energy))
    # The middle of the upper part of the peak: a narrow one in a wide field, a broad one with noise on top
    # where a single chamber is all there is to tell by.
    top = energy >= energy[best] - TOP * (energy[best] - np.median(energy))
    top[max(0, best - 1) : best + 2] = True  # a parabola needs three points
    bend, slope, _ = np.polyfit(angles[top] - angles[best], energy[top], 2)
    shift = -slope / (2 * bend) if bend < 0 else 0.0
    return near + float(angles[best] + np.clip(shift, -5 * FINE_STEP, 5 * FINE_STEP))


class _Edges:
    """Edge pixels, and how sharply they fall into lines along a direction and across it.

    Args:
        xs, ys: their places, px.
        gradient: their derivatives across x and across y.
        shape: of the image.
        blur: of the profiles, px.
    """

    def __init__(
        self, xs: Floats, ys: Floats, gradient: tuple[Floats, Floats], shape: tuple, blur: float
    ) -> None:
        self._x, self._y, self._blur = xs - shape[1] / 2, ys - shape[0] / 2, blur
        self._gx, self._gy = gradient

    def energy(self, angle: float) -> float:
        """The energy of both profiles, along and across `angle` degrees."""
        a = np.deg2rad(angle)
        across = np.cos(a) * self._x + np.sin(a) * self._y, np.cos(a) * self._gx + np.sin(a) * self._gy
        down = np.cos(a) * self._y - np.sin(a) * self._x, np.cos(a) * self._gy - np.sin(a) * self._gx
        return _profile_energy(*across, self._blur) + _profile_energy(*down, self._blur)


def _inner(strength: Image) -> Image:
    """The strength of edges with the outermost 3 px set to zero: repeated edges make false lines there.

    Raises:
        FrameError: nothing is left.
    """
    strength[:3], strength[-3:], strength[:, :3], strength[:, -3:] = 0, 0, 0, 0
    refuse_flat(strength)
    return strength


def _profile_energy(place: Floats, value: Floats, blur: float) -> float:
    """Energy of the values summed into fine places, blurred.

    Places finer than a pixel and the blur together hide the pixel grid, which lines up at 0 degrees and would
    win there without any wall.
    """
    at = (place - place.min()) * PLACES
    index = at.astype(np.intp)
    right = at - index  # each value is shared by the two places it lies between
    n = int(index.max()) + 2
    profile = np.bincount(index, value * (1 - right), n) + np.bincount(index + 1, value * right, n)
    profile = gaussian_filter1d(profile, blur * PLACES, mode="constant")
    return float((profile**2).sum())
