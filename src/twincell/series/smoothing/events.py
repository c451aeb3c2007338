"""Divisions and losses: where the count steps up or down, and how likely it is that it did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.series.smoothing.chamber import Posterior

WINDOW = 3
"""Steps in the same direction at most this many frames apart are one event, and an event's probability asks
for a change between this many frames before and after: no frame model places a division more exactly."""

SUDDEN_CELLS = 3
"""A loss is an escape (and a gain an influx) when it is at least this many cells ..."""
SUDDEN_SHARE = 1 / 3
"""... and at least this share of the cells that were there. One cell may die; a third of them at once do not.
"""


@dataclass(frozen=True)
class Event:
    """One change of a chamber's count.

    Attributes:
        chamber: its name.
        frame: frame at which the new count is first seen.
        kind: "division" or "loss"; "influx" or "escape" when sudden and large.
        before: count before it.
        after: count after it.
        probability: share of the count paths drawn from the posterior that go this way here, 0..1.
    """

    chamber: str
    frame: int
    kind: str
    before: int
    after: int
    probability: float


def events(posteriors: Sequence[Posterior], least: float = 0.5) -> list[Event]:
    """All events of all chambers, in their order.

    Args:
        posteriors: read with `paths` > 0.
        least: events less likely than this are left out, 0..1.
    """
    return [
        event
        for posterior in posteriors
        for event in _chamber_events(posterior)
        if event.probability >= least
    ]


def event_table(found: Sequence[Event]) -> pd.DataFrame:
    """Events as a table with the attributes of `Event` as columns."""
    return pd.DataFrame([vars(event) for event in found], columns=list(Event.__dataclass_fields__))


def _chamber_events(posterior: Posterior) -> list[Event]:
    assert posterior.paths is not None, "events need paths drawn from the posterior"
    count, paths, recording = posterior.median, posterior.paths.astype(int), posterior.recording
    frame_of = _frame_of(recording.place, recording.frames, len(count))
    found = []
    for first, last in _steps(np.diff(count)):
        before, after = int(count[first]), int(count[last])
        from_, to = max(first - WINDOW + 1, 0), min(last + WINDOW - 1, len(count) - 1)
        change = paths[to] - paths[from_]
        agreed = float(np.mean(change > 0 if after > before else change < 0))
        found.append(
            Event(
                recording.chamber,
                int(frame_of[first + 1]),
                _kind(before, after, last - first),
                before,
                after,
                agreed,
            )
        )
    return found


def _steps(change: NDArray[np.int64]) -> list[tuple[int, int]]:
    # Runs of steps in one direction, at most WINDOW apart: (index before the first, index after the last).
    runs: list[tuple[int, int]] = []
    for t in np.flatnonzero(change):
        if runs and t - runs[-1][1] < WINDOW and np.sign(change[t]) == np.sign(change[runs[-1][0]]):
            runs[-1] = (runs[-1][0], int(t) + 1)
        else:
            runs.append((int(t), int(t) + 1))
    return runs


def _kind(before: int, after: int, frames: int) -> str:
    size = abs(after - before)
    sudden = size >= SUDDEN_CELLS and frames <= 2 * WINDOW
    if after < before:
        return "escape" if sudden and size >= SUDDEN_SHARE * before else "loss"
    # Every cell may divide at once, but no cell twice: more than double came from outside.
    return "influx" if sudden and after > 2 * before else "division"


def _frame_of(place: NDArray[np.int64], frames: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    # Frame numbers of grid places that had no row lie between those of their neighbours.
    return np.round(np.interp(np.arange(length), place, frames)).astype(np.int64)
