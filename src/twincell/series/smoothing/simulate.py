"""Simulated chambers with true counts, a frame model's errors and a person's: to test what series claims."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Culture:
    """How a simulated chamber grows. Rates are per cell and frame, times in frames.

    Attributes:
        division: rate of divisions once the lag is over.
        loss: rate of deaths, all the time.
        start: cells at the beginning.
        lag: frames before the first division may happen.
        plateau: frame after which no cell divides any more (none: never).
        escape: frame at which most cells leave at once (none: never).
        full: the recording stops above this count, as the published ones do.
    """

    division: float = 0.014
    loss: float = 0.002
    start: int = 3
    lag: int = 0
    plateau: int | None = None
    escape: int | None = None
    full: int = 30


@dataclass(frozen=True)
class Errors:
    """How a simulated frame model and a person err. All in units of sqrt(n + 1) cells.

    Attributes:
        fast: scale of the error that is new in every frame (Student t, 4 degrees of freedom).
        slow: standard deviation of the error that lasts.
        memory: frames after which the slow error has fallen to 1/e.
        outlier: share of frames with an estimate from anywhere between 0 and 40.
        label: mean size of a person's error (rounded to whole cells).
        every: a person counts every so many frames.
    """

    fast: float = 0.08
    slow: float = 0.15
    memory: float = 60.0
    outlier: float = 0.01
    label: float = 0.14
    every: int = 12


def true_counts(culture: Culture, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts of one chamber, (F <= frames,): a birth-death process in steps of one frame.

    Each cell divides or is lost with the probability that an exponential waiting time gives for one frame.
    """
    divides, dies = -np.expm1(-culture.division), -np.expm1(-culture.loss)
    counts, n = [], culture.start
    for t in range(frames):
        counts.append(n)
        lost = rng.binomial(n, dies)
        if t >= culture.lag and (culture.plateau is None or t < culture.plateau):
            n += rng.binomial(n - lost, divides)
        n -= lost
        if culture.escape == t:
            n = n // 4
        if n > culture.full:
            break
    return np.array(counts, np.int64)


def observe(counts: NDArray[np.int64], errors: Errors, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Raw estimates (F,) >= 0 of a frame model, and a person's counts (F,) with NaN where nobody counted."""
    F, unit = len(counts), np.sqrt(counts + 1.0)
    keep = np.exp(-1.0 / errors.memory)
    slow = np.empty(F)
    slow[0] = rng.normal()
    kicks = rng.normal(size=F) * np.sqrt(1 - keep**2)
    for t in range(1, F):
        slow[t] = keep * slow[t - 1] + kicks[t]
    estimate = counts + unit * (errors.slow * slow + errors.fast * rng.standard_t(4, F))
    bad = rng.random(F) < errors.outlier
    estimate[bad] = rng.uniform(0, 40, bad.sum())
    label = np.full(F, np.nan)
    at = np.arange(int(rng.integers(errors.every)), F, errors.every)
    label[at] = np.maximum(np.round(counts[at] + unit[at] * errors.label * rng.laplace(size=len(at))), 0)
    return np.clip(estimate, 0.0, None), label


def recordings_table(
    cultures: list[Culture], errors: Errors | list[Errors], frames: int = 300, seed: int = 0
) -> pd.DataFrame:
    """A counts table of simulated chambers.

    Args:
        cultures: one per chamber. Chamber i depends on (seed, i) only, not on how many there are.
        errors: one for all chambers, or one each.
        frames: longest recording.
        seed: of all chance.

    Returns:
        Columns chamber ("sim0001", ...), frame (from 1), count_frame, label (a person's, NaN where none),
        truth.
    """
    parts = []
    for i, culture in enumerate(cultures):
        rng = np.random.default_rng([seed, i])
        truth = true_counts(culture, frames, rng)
        estimate, label = observe(truth, errors[i] if isinstance(errors, list) else errors, rng)
        parts.append(
            pd.DataFrame(
                {
                    "chamber": f"sim{i:04d}",
                    "frame": np.arange(1, len(truth) + 1),
                    "count_frame": estimate,
                    "label": label,
                    "truth": truth,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
