"""Counts made without looking at any image: what a model must beat before its figures mean anything.

Frames of one chamber resemble each other and chambers fill in much the same way, so a good part of a low
error can come from the labels alone. Two baselines show how much:

- `constant_median`: every frame gets the median of the training labels.
- `time_interpolation`: a chamber with known labels gets them interpolated over its frames (before the first
  and after the last known label the nearest one holds). On the published split, whose test frames lie a few
  frames from labelled ones, this alone scores an MAE of 0.5-0.7: the split leaks in time. A chamber
  **without** a known label - any held-out chamber of leave-chamber-out - must not look at its own labels; it
  gets the *typical curve*: the median, over the chambers with labels, of their interpolated counts at the
  same frame number. Only chambers whose labels span that frame speak; where none does, all do, each with its
  nearest label.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.errors import UserError

Floats = NDArray[np.float64]


def constant_median(known: pd.DataFrame, asked: pd.DataFrame) -> Floats:
    """The median of the labels in `known` for every row of `asked`: (N,) cells per image."""
    return np.full(len(asked), float(np.median(_labelled(known)["count"].to_numpy())))


def time_interpolation(known: pd.DataFrame, asked: pd.DataFrame) -> Floats:
    """Labels interpolated in time, per chamber; the typical curve for chambers without one.

    Args:
        known: manifest rows (`chamber, frame, count`) whose labels may be used; unlabelled rows are skipped.
        asked: manifest rows (`chamber, frame`) to count; a column `count` is never read.

    Returns:
        (N,) cells per image.
    """
    curves = {str(name): _curve(rows) for name, rows in _labelled(known).groupby("chamber")}
    result = np.empty(len(asked))
    chambers = asked["chamber"].astype(str).to_numpy()
    frames = asked["frame"].to_numpy(dtype=np.float64)
    for name in np.unique(chambers):
        here = chambers == name
        if name in curves:
            result[here] = np.interp(frames[here], *curves[name])
        else:
            result[here] = _typical(curves, frames[here])
    return result


def _curve(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Frame numbers in order and the label at each; several labels of one frame are averaged."""
    mean = rows.groupby("frame")["count"].mean().sort_index()
    return mean.index.to_numpy(dtype=np.float64), mean.to_numpy(dtype=np.float64)


def _typical(curves: dict[str, tuple[Floats, Floats]], frames: Floats) -> Floats:
    at = np.stack([np.interp(frames, *curve) for curve in curves.values()])
    spans = np.stack([(frames >= x[0]) & (frames <= x[-1]) for x, _ in curves.values()])
    speaks = np.where(spans.any(axis=0), spans, True)
    return np.asarray(np.nanmedian(np.where(speaks, at, np.nan), axis=0))


def _labelled(known: pd.DataFrame) -> pd.DataFrame:
    rows = known[known["count"].notna()]
    if rows.empty:
        raise UserError(
            "baselines: no labelled row to learn from; the manifest's train split has no count filled in"
        )
    return rows
