"""The bias of the frame model in one chamber, as far as its counted frames tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from twincell.series.smoothing.chamber import ChamberSeries
from twincell.series.smoothing.error_model import ErrorModel, running_median, spread

Floats = NDArray[np.float64]

BESIDE = 1
"""Frames on either side whose median stands for the estimate at a counted frame: one bad frame is outvoted.
"""

SLIP = 4.0
"""Errors beyond this many standard deviations are taken for this many: rather a slip of the pen than a bias.
"""


@dataclass(frozen=True)
class ChamberBias:
    """The slow error of one chamber, as far as its counted frames tell.

    Attributes:
        mean: (F,) in units of sqrt(n + 1), positive where the model counts too many.
        deviation: (F,) standard deviation of what is left unknown.
        evidence: log density of the errors seen at the counted frames; 0 where nobody counted.
    """

    mean: Floats
    deviation: Floats
    evidence: float


def chamber_bias(recording: ChamberSeries, errors: ErrorModel) -> ChamberBias:
    """The slow error as a Gaussian process, given its values at the counted frames (kriging).

    Covariance between two frames d apart: slow^2 (persistent + (1 - persistent) exp(-d / memory)), a part
    that a chamber keeps and one that passes (Rasmussen & Williams 2006, equations 2.25, 2.26 and 2.30). What
    is seen of it at a counted frame is (estimate - count) / sqrt(n + 1), with the errors of person and frame.

    Args:
        recording: a chamber, counted or not.
        errors: constants.

    Returns:
        The mean `bias` and the deviation `slow` in every frame where nobody counted.
    """
    length = len(recording.estimate)
    if not (recording.counted >= 0).any():
        return ChamberBias(np.full(length, errors.bias), np.full(length, errors.slow), 0.0)
    near = running_median(recording.estimate[:, None], BESIDE)[:, 0]
    at = np.flatnonzero((recording.counted >= 0) & np.isfinite(near))
    mean, deviation = np.full(length, errors.bias), np.full(length, errors.slow)
    if not len(at):
        return ChamberBias(mean, deviation, 0.0)
    count = recording.counted[at].astype(float)
    noise = errors.label**2 + recording.fast**2
    limit = SLIP * np.hypot(errors.slow, np.sqrt(noise))
    seen = np.clip((near[at] - count) / spread(0.5 * (near[at] + count)) - errors.bias, -limit, limit)
    inner = _covariance(at, at, errors) + noise * np.eye(len(at))
    factor = cho_factor(inner)
    across = _covariance(np.arange(length), at, errors)
    solved = cho_solve(factor, across.T)
    mean += across @ cho_solve(factor, seen)
    deviation = np.sqrt(np.maximum(errors.slow**2 - (across * solved.T).sum(1), 1e-4 * errors.slow**2))
    fit = seen @ cho_solve(factor, seen) + 2.0 * np.log(np.diag(factor[0])).sum()
    return ChamberBias(mean, deviation, -0.5 * float(fit + len(at) * np.log(2.0 * np.pi)))


def _covariance(a: NDArray[np.intp], b: NDArray[np.intp], errors: ErrorModel) -> Floats:
    apart = np.abs(a[:, None] - b[None, :])
    return errors.slow**2 * (errors.persistent + (1.0 - errors.persistent) * np.exp(-apart / errors.memory))
