"""How far the chip is turned: its walls are straight, so they all agree on one angle."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.stats import theilslopes

from twincell.data.recordings.wall_map import WallMap
from twincell.data.recordings.walls import Image, gradients, turned

STRONGEST = (
    0.15  # share of the pixels that take part in the first search: walls cover a few percent of a field
)
COARSE_STEP = 0.5  # degrees; a wall 100 px long blurs over 1 px when it is half a degree off
PLACES = 3  # places per pixel in a profile
BLUR = 1.2  # px; profiles are blurred by this much
HALF_STRIP = 7  # px to each side of a run in which its wall is looked for
WINDOW = 2.5  # px; the wall's own breadth, for both lines of a double one
LEAST_SCATTER = 0.03  # px^2; no wall is drawn straighter than this, however sharp it looks
BAND = 4  # rows whose edges are summed into one place of the wall

Floats = NDArray[np.floating]


def rotation_angle(image: Image, within: float = 45.0) -> float:
    """The chip's turn in degrees, in (-45, 45]: positive from the camera's x axis towards its y axis (down).

    The image's derivatives across x and across y are summed along every direction near the axes. Where the
    direction is that of the walls, each wall falls into one place and the profile has the sharpest peaks.
    Cells and rings have no direction and stay a floor under the peaks. A line fitted along each straight
    run then gives the last tenths of a degree.

    Args:
        image: (H, W), best the temporal median of a recording; any unit.
        within: search -within..within degrees. Quarter turns cannot be told from the walls alone.
    """
    smooth = gaussian_filter(np.asarray(image, np.float32), 1.0)
    first = rough_angle(image, within)
    # The first search may be off by some tenths of a degree where cells outnumber the walls; with each look
    # through the walls alone the runs get straighter and the choice of pixels better.
    for _ in range(2):
        first = _lines_angle(smooth, first)
    return first + 90.0 if first <= -45.0 else first - 90.0 if first > 45.0 else first


def rough_angle(image: Image, within: float = 45.0) -> float:
    """The angle within half a degree, from the strongest edges of any shape; see `rotation_angle`."""
    smooth = gaussian_filter(np.asarray(image, np.float32), 1.0)
    gx, gy = gradients(smooth)
    strength = np.hypot(gx, gy)
    _blank_border(strength)
    ys, xs = np.nonzero(strength >= np.quantile(strength, 1 - STRONGEST))
    # Strong specks and rims count no more than a wall: what matters is how many pixels line up.
    limit = np.quantile(strength[ys, xs], 0.3)
    scale = np.minimum(1.0, limit / np.maximum(strength[ys, xs], 1e-12))
    gx, gy = gx[ys, xs] * scale, gy[ys, xs] * scale
    x, y = xs - smooth.shape[1] / 2, ys - smooth.shape[0] / 2

    def energy(angle: float) -> float:
        a = np.deg2rad(angle)
        return _profile_energy(
            np.cos(a) * x + np.sin(a) * y, np.cos(a) * gx + np.sin(a) * gy
        ) + _profile_energy(np.cos(a) * y - np.sin(a) * x, np.cos(a) * gy - np.sin(a) * gx)

    angles = np.arange(-within, within, COARSE_STEP)
    return float(angles[np.argmax([energy(a) for a in angles])])


def _lines_angle(smooth: Image, near: float) -> float:
    """The angle to some hundredths of a degree: the slope that the straight runs of wall have in common."""
    upright = turned(smooth, near, order=3)
    slopes, weights = [], []
    for image, sign in ((upright, -1.0), (np.ascontiguousarray(upright.T), 1.0)):
        gx, _ = gradients(image)
        runs = WallMap(image).segments()
        for x, top, bottom in runs[(runs[:, 2] - runs[:, 1]) >= 0.4 * np.ptp(runs[:1, 1:])]:
            slope, weight = _slope(np.abs(gx), x, int(top), int(bottom))
            slopes.append(sign * slope)
            weights.append(weight)
    if not slopes:
        return near
    order = np.argsort(slopes)
    share = np.cumsum(np.array(weights)[order])
    middle = float(np.array(slopes)[order][np.searchsorted(share, share[-1] / 2)])
    close = np.abs(np.array(slopes) - middle) < np.tan(np.deg2rad(0.5))
    return near + float(
        np.rad2deg(np.arctan(np.average(np.array(slopes)[close], weights=np.array(weights)[close])))
    )


def _slope(edge: Image, x: float, top: int, bottom: int) -> tuple[float, float]:
    """How far an up-down wall near x leans, px across per px down, and how much that is worth.

    The wall's place is measured in bands of a few rows, as the middle of the edge strength seen through a
    soft window, and a line fitted through the places, leaving out those that a cell or a corner pulls aside.
    The window then follows the line and the places are measured again, so that it cuts off nothing on one
    side.
    """
    low = max(0, round(x) - HALF_STRIP)
    strip = edge[top + 2 : bottom - 2, low : round(x) + HALF_STRIP + 1].astype(np.float64)
    bands = strip.shape[0] // BAND
    if bands < 4:
        return 0.0, 0.0
    strip = strip[: bands * BAND].reshape(bands, BAND, -1).sum(1)
    strip = strip - strip.min(1, keepdims=True)
    columns, rows = np.arange(strip.shape[1]), (np.arange(bands) + 0.5) * BAND
    slope, level, scatter, used = 0.0, x - low, 1.0, rows
    for k in range(4):
        window = np.exp(-0.5 * ((columns - (level + slope * rows)[:, None]) / WINDOW) ** 2)
        places = (strip * window @ columns) / ((strip * window).sum(1) + 1e-12)
        if k == 0:  # nothing known yet: the line that most pairs of places agree on
            slope, level, _, _ = theilslopes(places, rows)
        residual = np.abs(places - level - slope * rows)
        used = residual <= 3 * 1.4826 * np.median(residual) + 1e-9
        slope, level = np.polyfit(rows[used], places[used], 1)
        scatter = float(np.mean((places[used] - level - slope * rows[used]) ** 2))
    spread = rows[used] - rows[used].mean()
    return float(slope), float((spread**2).sum() / (scatter + LEAST_SCATTER))


def _blank_border(image: Image) -> None:
    """Sets the outermost 3 px to zero: repeated edges make false lines there."""
    image[:3], image[-3:], image[:, :3], image[:, -3:] = 0, 0, 0, 0


def _profile_energy(place: Floats, value: Floats) -> float:
    """Energy of the values summed into fine places, blurred.

    Places finer than a pixel and the blur together hide the pixel grid, which lines up at 0 degrees and would
    win there without any wall.
    """
    index = np.rint((place - place.min()) * PLACES).astype(np.intp)
    profile = gaussian_filter1d(np.bincount(index, value), BLUR * PLACES, mode="constant")
    return float((profile**2).sum())
