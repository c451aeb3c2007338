"""One chamber's time-lapse on a regular grid of frames, and what is known of its counts afterwards."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.series.conformal import widening
from twincell.series.smoothing.error_model import ErrorModel, fast_error, usual_growth

LONGEST_GAP = 100
"""A gap longer than this many steps is treated as this long: the process has forgotten by then, and a
recording resumed next week must not cost a week of states."""


@dataclass(frozen=True)
class ChamberSeries:
    """What was seen of one chamber, on a regular grid of frames.

    Attributes:
        chamber: its name.
        frames: (N,) frame numbers of the table's rows, ascending, each once.
        place: (N,) index of each row on the grid.
        estimate: (F,) raw count of the frame model, NaN where there is none.
        counted: (F,) a person's count, -1 where there is none.
        fast: scale of the frame model's fast error here, in units of sqrt(n + 1).
        growth: growth per cell and frame of the estimates as they stand.
        wider: (N,) how many times as wide as usual each row's interval has to be (see `widening`).
    """

    chamber: str
    frames: NDArray[np.int64]
    place: NDArray[np.int64]
    estimate: NDArray[np.float64]
    counted: NDArray[np.int64]
    fast: float
    growth: float
    wider: NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """What is known of one chamber's counts after the whole time-lapse was read.

    Attributes:
        recording: what it was read from.
        probability: (F, 61) probability of 0..60 cells in every frame of the grid, missing ones included.
        expected: (F,) where the frame model's estimate was expected, its slow error included.
        slow: (F,) mean slow error, in units of sqrt(n + 1): positive where the frame model counts too many.
        paths: (F, D) whole count paths drawn from the posterior, where asked for.
    """

    recording: ChamberSeries
    probability: NDArray[np.float32]
    expected: NDArray[np.float64]
    slow: NDArray[np.float64]
    paths: NDArray[np.uint8] | None = None

    @property
    def mean(self) -> NDArray[np.float64]:
        """Posterior mean count of every frame of the grid, (F,)."""
        return self.probability @ np.arange(self.probability.shape[1], dtype=np.float64)

    @property
    def median(self) -> NDArray[np.int64]:
        """Posterior median count of every frame of the grid, (F,): least mean error of all."""
        return (self.probability.cumsum(1) < 0.5).sum(1)


def on_grid(
    chamber: str,
    frames: NDArray,
    estimates: NDArray,
    counted: NDArray,
    errors: ErrorModel,
    novelty: NDArray | None = None,
) -> ChamberSeries:
    """Puts the rows of one chamber on a grid.

    Args:
        chamber: its name.
        frames: (N,) frame numbers, ascending, each once.
        estimates: (N,) raw counts, NaN where an image could not be read.
        counted: (N,) a person's counts, NaN where there is none.
        errors: for the fast error.
        novelty: (N,) the frame model's doubts, NaN where not known.
    """
    gaps = np.diff(frames)
    stride = max(1, int(np.gcd.reduce(gaps))) if len(gaps) else 1
    place = np.concatenate([[0], np.cumsum(np.minimum(gaps // stride, LONGEST_GAP))]).astype(np.int64)
    length = int(place[-1]) + 1
    estimate = np.full(length, np.nan)
    estimate[place] = np.clip(estimates, 0.0, 70.0)
    labelled = np.full(length, -1, np.int64)
    labelled[place] = np.where(np.isfinite(counted), np.round(np.nan_to_num(counted)), -1).astype(np.int64)
    return ChamberSeries(
        chamber=chamber,
        frames=np.asarray(frames, np.int64),
        place=place,
        estimate=estimate,
        counted=labelled,
        fast=fast_error(estimate, errors),
        growth=usual_growth(estimate, errors),
        wider=np.broadcast_to(widening(novelty), len(place)),
    )


def chamber_series(table: pd.DataFrame, errors: ErrorModel) -> list[ChamberSeries]:
    """Every chamber of a table with columns chamber, frame, count_frame, and counted and novelty if known."""
    found = []
    for name, rows in table.groupby("chamber", sort=False):
        rows = rows.sort_values("frame", kind="stable").drop_duplicates("frame")
        counted = rows["counted"].to_numpy(float) if "counted" in rows else np.full(len(rows), np.nan)
        novelty = rows["novelty"].to_numpy(float) if "novelty" in rows else None
        frames, estimates = rows["frame"].to_numpy(), rows["count_frame"].to_numpy(float)
        found.append(on_grid(str(name), frames, estimates, counted, errors, novelty))
    return found
