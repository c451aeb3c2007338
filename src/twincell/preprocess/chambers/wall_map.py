"""A map of straight walls in an upright image: what stretch is wall, and where the long runs are."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_closing,
    binary_erosion,
    binary_opening,
    find_objects,
    gaussian_filter,
    label,
    maximum_filter1d,
    uniform_filter1d,
)

from twincell.preprocess.chambers.walls import Image, gradients

RUN = 9
"""px over which an edge must agree with itself."""
LONG = 31
"""px; no cell's rim is straight for so long."""
NEAR = 2
"""px a wall may stray from its line and still be on it."""
MOST_SEGMENTS = 160
"""Longest straight runs looked at in each direction."""


Numbers = NDArray | float


class WallMap:
    """Where an upright image has up-down and left-right walls, and how much of any stretch is wall.

    Args:
        upright: (H, W) with walls along rows and columns.
        inside: (H, W) bool, where the image shows anything; walls near the rest are not believed.
    """

    def __init__(self, upright: Image, inside: NDArray[np.bool_] | None = None) -> None:
        smooth = gaussian_filter(np.asarray(upright, np.float32), 0.7)
        gx, gy = gradients(smooth)
        across, down = np.abs(uniform_filter1d(gx, RUN, axis=0)), np.abs(uniform_filter1d(gy, RUN, axis=1))
        shown = np.ones(smooth.shape, bool) if inside is None else inside
        shown = binary_erosion(shown, np.ones((3, 3)), iterations=4)
        across, down = across * shown, down * shown
        both = np.maximum(across, down)
        level = max(0.25 * float(np.quantile(both[shown], 0.998)), 5.0 * float(np.median(both[shown])))
        self.upright_walls = (across >= level) & (across >= down)  # an up-down wall has its edge across x
        self.level_walls = (down >= level) & (down >= across)
        self._down = _sums_down(self.upright_walls)
        self._along = _sums_down(self.level_walls.T)
        self._runs_down = _sums_down(_long_runs(self.upright_walls))
        self._runs_along = _sums_down(_long_runs(self.level_walls.T))

    def upright_part(self, x: Numbers, top: Numbers, bottom: Numbers, long: bool = False) -> NDArray:
        """Which part of the stretch top..bottom at x is up-down wall, 0..1; numbers or arrays that broadcast.

        With `long`, only walls that run straight for `LONG` px count, which cells do not do.
        """
        return _part(self._runs_down if long else self._down, x, top, bottom)

    def level_part(self, y: Numbers, left: Numbers, right: Numbers, long: bool = False) -> NDArray:
        """Which part of the stretch left..right at y is left-right wall, 0..1; as `upright_part`."""
        return _part(self._runs_along if long else self._along, y, left, right)

    def segments(self) -> NDArray[np.float64]:
        """Straight up-down runs of wall, longest first: (N, 3) x, top, bottom."""
        closed = binary_closing(np.pad(self.upright_walls, ((8, 8), (0, 0))), np.ones((13, 1)))[8:-8]
        runs = binary_opening(closed, np.ones((15, 1)))  # a corner must not join two walls
        marks, _ = label(maximum_filter1d(runs, 3, axis=1), np.ones((3, 3)))
        shortest = max(16, min(closed.shape) // 25)
        found = []
        for k, place in enumerate(find_objects(marks), 1):
            rows, columns = place
            if rows.stop - rows.start < shortest:
                continue
            inside = self.upright_walls[place] & (marks[place] == k)
            strength = inside.sum(0).astype(float)
            middle = columns.start + float(np.average(np.arange(strength.size), weights=strength + 1e-9))
            found.append((middle, rows.start, rows.stop))
        found.sort(key=lambda s: s[1] - s[2])
        return np.array(found[:MOST_SEGMENTS], np.float64).reshape(-1, 3)


def _long_runs(walls: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The up-down walls that run straight for `LONG` px, small breaks closed."""
    closed = binary_closing(np.pad(walls, ((4, 4), (0, 0))), np.ones((5, 1)))[4:-4]
    return binary_opening(closed, np.ones((LONG, 1)))


def _sums_down(walls: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Running sums down the columns of walls widened by `NEAR`, with a row of zeros on top."""
    near = maximum_filter1d(walls, 2 * NEAR + 1, axis=1)
    return np.pad(np.cumsum(near, axis=0, dtype=np.int32), ((1, 0), (0, 0)))


def _part(sums: NDArray[np.int32], place: Numbers, low: Numbers, high: Numbers) -> NDArray:
    """The share of wall between two ends, 2 px in from the corners, at least one place long."""
    column = np.clip(np.rint(place).astype(int), 0, sums.shape[1] - 1)
    a = np.clip(np.rint(low).astype(int) + 2, 0, sums.shape[0] - 1)
    b = np.clip(np.maximum(np.rint(high).astype(int) - 2, a + 1), 0, sums.shape[0] - 1)
    return (sums[b, column] - sums[a, column]) / np.maximum(b - a, 1)
