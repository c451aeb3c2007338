"""Where in a recording a chamber grows: jumps, lag, plateau, by a segmented birth-death fit."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

BLOCKS = 40
"""Counts are averaged over blocks before breaks are looked for; this many at most. A block is then some ten
frames, in which a chamber changes by about as much as its count is uncertain."""

BREAK_GAIN = 5.0
"""Gain in log-likelihood that each break has to bring (per unit of dispersion). The best of 40 places gains
4.2 or more in one of twenty simulated chambers without any break."""

FLAT_SHARE = 1 / 3
"""A part before or after the growth phase is a lag or a plateau when it grows at less than this share of its
rate."""

JUMP_PROBABILITY = 1e-3
"""A change between two blocks is a jump when growth alone would bring it with less than this probability ...
"""
JUMP_CELLS = 4
"""... and it is at least so many cells,"""
ESCAPE_CELLS, ESCAPE_SHARE = 3, 0.5
"""or, downward, at least so many cells and this share of those that were there."""


@dataclass(frozen=True)
class Phases:
    """The parts of one recording.

    Attributes:
        start: time at which the growth phase begins.
        end: time at which it ends.
        lag: whether the time before it is a lag (hardly any growth).
        plateau: whether the time after it is a plateau.
        influx: times at which many cells came in at once, ascending.
        escape: times at which many were lost at once, ascending.
    """

    start: float
    end: float
    lag: bool
    plateau: bool
    influx: tuple[float, ...]
    escape: tuple[float, ...]


def find_phases(time: Floats, count: Floats) -> Phases:
    """Splits a recording into lag, growth and plateau, with the jumps between.

    The count follows a birth process whose rate per cell changes at most twice: of all pairs of breaks the
    one with the highest Poisson likelihood of the births (net change) given the exposure (cells x time),
    each break kept only when it gains enough. Jumps are left out of births and exposure.

    Args:
        time: (N,) ascending, hours or frames.
        count: (N,) cells.
    """
    if len(time) < 4 or not count.any():
        at = (float(time[0]), float(time[-1])) if len(time) else (float("nan"), float("nan"))
        return Phases(*at, False, False, (), ())
    t, n = _blocks(time, count)
    births, exposure = np.diff(n), 0.5 * (n[1:] + n[:-1]) * np.diff(t)
    jump = _jumps(births, exposure, n)
    births, exposure = np.where(jump, 0.0, births), np.where(jump, 0.0, exposure)
    first, last = _breaks(births, exposure)
    change = np.diff(n)
    rate = births[first:last].sum() / max(exposure[first:last].sum(), 1e-12)
    return Phases(
        start=float(time[0] if first == 0 else t[first]),
        end=float(time[-1] if last == len(births) else t[last]),
        lag=bool(first > 0 and births[:first].sum() < FLAT_SHARE * rate * exposure[:first].sum()),
        plateau=bool(last < len(births) and births[last:].sum() < FLAT_SHARE * rate * exposure[last:].sum()),
        influx=_centres(t, change, jump & (change > 0)),
        escape=_centres(t, change, jump & (change < 0)),
    )


def _centres(t: Floats, change: Floats, jump: NDArray[np.bool_]) -> tuple[float, ...]:
    # One time for each run of neighbouring intervals: a jump inside a block spreads over both its sides.
    middle, found = 0.5 * (t[1:] + t[:-1]), []
    for run in np.split(np.flatnonzero(jump), np.flatnonzero(np.diff(np.flatnonzero(jump)) > 1) + 1):
        if len(run):
            found.append(float(np.average(middle[run], weights=np.abs(change[run]))))
    return tuple(found)


def _blocks(time: Floats, count: Floats) -> tuple[Floats, Floats]:
    if len(time) <= BLOCKS:
        return time, count
    parts = np.array_split(np.arange(len(time)), BLOCKS)
    return np.array([time[p].mean() for p in parts]), np.array([count[p].mean() for p in parts])


def _jumps(births: Floats, exposure: Floats, n: Floats) -> NDArray[np.bool_]:
    from scipy.stats import poisson  # slow to load, and counting needs it not

    # The usual rate, from all intervals but those already known as jumps; twice, as a jump spoils the first.
    jump = np.zeros(len(births), bool)
    for _ in range(3):
        rate = max(births[~jump].sum(), 1.0) / exposure[~jump].sum()
        unlikely = poisson.sf(np.ceil(births - 0.5) - 1, rate * exposure) < JUMP_PROBABILITY
        up = (births >= JUMP_CELLS) & unlikely
        down = -births >= np.maximum(ESCAPE_CELLS, ESCAPE_SHARE * n[:-1])
        jump = up | down
        if jump.all():
            return np.zeros(len(births), bool)
    return jump


def _breaks(births: Floats, exposure: Floats) -> tuple[int, int]:
    """First and one past the last interval of the growth phase."""
    M = len(births)
    sums = _Sums(np.concatenate([[0.0], births.cumsum()]), np.concatenate([[0.0], exposure.cumsum()]))
    a, b = np.triu_indices(M + 1, 3)
    start, end = np.zeros_like(a), np.full_like(b, M)
    gain = sums.gain(start, a) + sums.gain(a, b) + sums.gain(b, end) - sums.gain(start, end)
    # Only breaks into and out of growth count: a slower part in the middle is no phase of its own.
    flat = FLAT_SHARE * sums.rate(a, b)
    allowed = ((a == 0) | (sums.rate(start, a) < flat)) & ((b == M) | (sums.rate(b, end) < flat))
    gain = np.where(allowed, gain, -np.inf)
    free = int(np.argmax(gain))
    value = gain / _dispersion(births, exposure, (0, int(a[free]), int(b[free]), M))
    value = value - BREAK_GAIN * ((a > 0).astype(float) + (b < M))
    best = int(np.argmax(value))
    return (int(a[best]), int(b[best])) if value[best] > 0 else (0, M)


@dataclass(frozen=True)
class _Sums:
    """Running sums of births and exposure, each (M + 1,), and what they say of the blocks from a up to b."""

    births: Floats
    exposure: Floats

    def rate(self, a: Places, b: Places) -> Floats:
        return self._born(a, b) / self._lived(a, b)

    def gain(self, a: Places, b: Places) -> Floats:
        # Log-likelihood of the births at their own rate, but for a constant. Half a birth is added in the
        # logarithm: it keeps it finite where nothing was born.
        born = np.maximum(self._born(a, b), 0.0)
        return xlogy(born, (born + 0.5) / self._lived(a, b)) - born

    def _born(self, a: Places, b: Places) -> Floats:
        return self.births[b] - self.births[a]

    def _lived(self, a: Places, b: Places) -> Floats:
        return np.maximum(self.exposure[b] - self.exposure[a], 1e-12)


def _dispersion(births: Floats, exposure: Floats, ends: tuple[int, ...]) -> float:
    # Variance of the net change per expected birth, around each part's own rate: above 1 where cells die or
    # counts are noisy.
    expected = np.zeros_like(births)
    for a, b in pairwise(ends):
        if b > a:
            expected[a:b] = max(births[a:b].sum(), 0.5) / max(exposure[a:b].sum(), 1e-12) * exposure[a:b]
    return float(max(1.0, np.sum((births - expected) ** 2) / expected.sum()))
