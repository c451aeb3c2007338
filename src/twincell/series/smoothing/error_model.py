"""What a frame model and a person get wrong: the few constants behind the hidden birth-death process."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twincell.series.smoothing.birth_death import STATES, slow_grid

Floats = NDArray[np.floating]

SHOWN = 5
"""Counted frames that a person with a new chamber is asked for; half of the calibration may see so many."""


@dataclass(frozen=True)
class ErrorModel:
    """Constants of the process and of both kinds of counter; every one was estimated on chambers left out.

    Errors are in units of `spread(n) = sqrt(n + 1)`: cells are mistaken one by one, so the variance grows
    with the count (on the published labels the scatter divided by it is flat from 1 to 30 cells).
    """

    churn: float = 0.076
    """The count goes up, and down, this times sqrt(n + 1) times per frame, before growth is added."""
    growth: float = 0.005
    """Net growth per cell and frame, where a chamber is too short to show its own."""
    jump: float = 0.0005
    """Jumps to any count (flushed in, escaped), per chamber and frame."""
    bias: float = -0.054
    """Mean error of the frame model in chambers it has not seen."""
    slow: float = 0.25
    """Standard deviation of the slow error: a clump misread for many frames, a chamber whose cells look
    larger."""
    persistent: float = 0.214
    """Share of its variance that a chamber keeps throughout."""
    memory: float = 86.0
    """Frames after which the rest has forgotten itself to 1/e."""
    fast: float = 1.72
    """The fast error of a frame is this times the one seen between neighbouring frames of its chamber."""
    weight: float = 0.543
    """What a frame says is raised to this power: neighbouring frames err alike, and two of them say hardly
    more than one."""
    fast_prior: float = 0.15
    """Chambers too short to tell their own fast error share this one."""
    outlier: float = 0.005
    """Share of frames whose estimate says nothing."""
    label: float = 0.056
    """Mean size of a person's error."""
    frame_share: float = 0.5
    """Share of what a frame says beyond its series that its best count takes: the mean of both met withheld
    labels of known chambers best."""
    level: float = 0.747
    """Probability that the label lies in the interval's nominal set, chosen so that 90 % of labels do."""
    level_counted: float = 0.62
    """The same where `SHOWN` frames of the chamber or more were counted."""

    def level_for(self, counted: int) -> float:
        """The level of a chamber with so many counted frames; between both where they are few."""
        return self.level + (self.level_counted - self.level) * min(counted, SHOWN) / SHOWN

    def with_(self, **changes: float) -> "ErrorModel":
        """A copy with some constants changed."""
        return replace(self, **changes)


def spread(count: NDArray) -> NDArray[np.float64]:
    """Unit of every error at a count: sqrt(n + 1) cells."""
    return np.sqrt(np.maximum(count, 0.0) + 1.0)


LEVELS = 13
"""Levels of the slow error. Thirteen put them 0.4 standard deviations apart; with nine, results still hung on
where they fell."""

# Median of |a - b| for two independent Student t3 variables of scale 1 (simulated with 10^7 draws).
_MEDIAN_DIFFERENCE = 1.228

# Chambers with fewer differences than this lean on the shared fast error.
_PRIOR_DIFFERENCES = 10


def fast_error(estimate: Floats, errors: ErrorModel) -> float:
    """Scale of the fast error of one chamber, from differences of neighbouring frames.

    A median, so that divisions and single bad frames do not count; a difference over more than one missing
    frame is left out.

    Args:
        estimate: (F,) raw counts on a regular grid of frames, NaN where missing.
        errors: for the shared value that short chambers lean on, and the factor.

    Returns:
        Scale of a Student t3 distribution, in units of `spread(n)`.
    """
    level = spread(0.5 * (estimate[1:] + estimate[:-1]))
    step = np.abs(np.diff(estimate)) / level
    step = step[np.isfinite(step)]
    seen = float(np.median(step)) / _MEDIAN_DIFFERENCE if len(step) else errors.fast_prior
    mixed = (len(step) * seen + _PRIOR_DIFFERENCES * errors.fast_prior) / (len(step) + _PRIOR_DIFFERENCES)
    # Below a fraction of the grid of slow levels the likelihood would fall between two of them.
    floor = 0.35 * errors.slow * float(np.diff(slow_grid(LEVELS))[0])
    return max(errors.fast * mixed, floor)


_BLOCKS, _BLOCK_FRAMES = 20, 4
"""Blocks of frames whose medians show the growth of a chamber, and the fewest frames each should have."""

_GROWTH_STEP, _FASTEST = 0.002, 0.04
"""Growth is put on multiples of this, per frame, within these bounds; it only has to be about right."""


def usual_growth(estimate: Floats, errors: ErrorModel) -> float:
    """Growth per cell and frame of one chamber's estimates: a line through log counts of block medians.

    Were all chambers given the same growth, fast ones would be read too low at their end.

    Args:
        estimate: (F,) raw counts on a regular grid of frames, NaN where missing.
        errors: for the growth of chambers with too few frames.
    """
    blocks = min(_BLOCKS, len(estimate) // _BLOCK_FRAMES)
    if blocks < 5:
        return errors.growth
    parts = [
        part for part in np.array_split(np.arange(len(estimate)), blocks) if np.isfinite(estimate[part]).any()
    ]
    time = np.array([part.mean() for part in parts])
    count = np.array([np.nanmedian(estimate[part]) for part in parts])
    if len(parts) < 5:
        return errors.growth
    slope = np.polyfit(time, np.log(count + 0.5), 1, w=np.sqrt(count + 0.5))[0]
    return float(np.clip(np.round(slope / _GROWTH_STEP) * _GROWTH_STEP, 0.0, _FASTEST))


def frame_likelihood(
    estimate: Floats, fast: Floats, slow: NDArray[np.float32], errors: ErrorModel
) -> NDArray[np.float32]:
    """Likelihood of raw estimates: Student t3 around count + slow error, over a floor.

    The floor is for frames that say nothing. The width goes by the local level of the estimates, the same
    for every state. Were it to go by the state, each frame would favour low counts a little (a narrower
    density is a higher one), and hundreds of frames a lot.

    Args:
        estimate: (F, C) raw counts, NaN where missing (likelihood 1).
        fast: (C,) fast error of each chamber (see `fast_error`).
        slow: (F, C, LEVELS) slow error at each level, in units of `spread(n)`.
        errors: constants.

    Returns:
        (F, C, LEVELS, 61) float32.
    """
    n = np.arange(STATES, dtype=np.float32)
    level = np.nan_to_num(running_median(estimate, _AROUND))
    scale = (fast * spread(level)).astype(np.float32)[:, :, None, None]
    z = slow[:, :, :, None] * -spread(n).astype(np.float32)
    z += np.nan_to_num(estimate).astype(np.float32)[:, :, None, None] - n
    z /= scale
    # Density of Student's t with 3 degrees of freedom: 2 / (pi sqrt(3)) / (1 + z^2 / 3)^2.
    z *= z
    z /= 3.0
    z += 1.0
    density = np.float32(2 / (np.pi * np.sqrt(3)) * (1 - errors.outlier)) / (z * z * scale)
    density += np.float32(errors.outlier / STATES)
    np.power(density, np.float32(errors.weight), out=density)
    density[~np.isfinite(estimate)] = 1.0
    return density


_AROUND = 5
"""Frames on either side that make up the local level."""


def running_median(estimate: Floats, around: int) -> Floats:
    """Median of the estimates (F, C) over `around` frames on either side; NaN where all are missing."""
    padded = np.pad(estimate, ((around, around), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1, axis=0)
    ranked = np.sort(windows, axis=-1)  # NaN last
    known = np.isfinite(windows).sum(-1)
    return np.take_along_axis(ranked, np.maximum(known - 1, 0)[..., None] // 2, -1)[..., 0]


@lru_cache(maxsize=64)
def label_kernel(label: float) -> NDArray[np.float32]:
    """Probability that a person writes column j for row i cells, (61, 61), rows sum to 1.

    Two-sided geometric (a discrete Laplace) with mean size `label * spread(n)`, as dividing and overlapping
    cells are a matter of opinion, and a slip once in 200.
    """
    n = np.arange(STATES)
    size = label * spread(n.astype(float))
    # Mean |e| of the discrete Laplace is 2 q / (1 - q^2); solved for q.
    ratio = (np.sqrt(1 + size**2) - 1) / size
    kernel = ratio[:, None] ** np.abs(n[None, :] - n[:, None])
    kernel /= kernel.sum(1, keepdims=True)
    return (0.995 * kernel + 0.005 / STATES).astype(np.float32)
