"""Counts per frame in, counts per time-lapse out: the table that `twincell count` writes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from twincell.series.smoothing.chamber import Posterior, chamber_series
from twincell.series.smoothing.error_model import ErrorModel
from twincell.series.smoothing.events import Event, events
from twincell.series.smoothing.flags import DUPLICATE, flags
from twincell.series.smoothing.posterior import PATHS, infer
from twincell.series.smoothing.table import check_counts, with_counted
from twincell.series.smoothing.written import Written, levels, write


@dataclass(frozen=True)
class Smoothed:
    """Everything read from the time-lapses of a table.

    Attributes:
        table: the input's rows in their order, with `count`, `lower`, `upper` and `flag` filled in.
        events: divisions and losses of all chambers.
        posteriors: by chamber.
    """

    table: pd.DataFrame
    events: list[Event]
    posteriors: dict[str, Posterior]


def smooth(
    table: pd.DataFrame,
    counted: pd.DataFrame | None = None,
    errors: ErrorModel | None = None,
    progress: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Best count, 90 % interval and flag of every frame, from the whole time-lapse of its chamber.

    Args:
        table: one row per image with columns `chamber`, `frame` and `count_frame` (raw estimate from the
            image alone, cells, blank where the image could not be read); `novelty` and `sharpness` are used
            for flags where present. Rows without a chamber are single images: they keep their own estimate.
        counted: frames that a person counted: columns `chamber`, `frame`, `count` (blank rows are skipped).
            They correct the count around them and the model's bias in that chamber.
        errors: constants of the process and the counters; the shipped ones by default.
        progress: called with the number of chambers done since the last call.

    Returns:
        The rows in their order and all their columns, with `count` (cells, see `best_count`), `lower` and
        `upper` (90 % interval for what a person would count) and `flag` (empty, or why not to trust the
        frame).

    Raises:
        UserError: missing columns, text or negative numbers where counts should be, counted frames that do
            not exist.
    """
    return smooth_all(table, counted, errors, progress=progress).table


def smooth_all(
    table: pd.DataFrame,
    counted: pd.DataFrame | None = None,
    errors: ErrorModel | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Smoothed:
    """Like `smooth`, with the events and the posteriors behind the table.

    Args:
        table: see `smooth`.
        counted: see `smooth`.
        errors: see `smooth`.
        seed: of the drawn paths from which the events take their probability.
        progress: see `smooth`.
    """
    errors = errors or ErrorModel()
    check_counts(table)
    rows = with_counted(table, counted)
    recordings = chamber_series(rows, errors)
    found = infer(recordings, errors, paths=PATHS, seed=seed, progress=progress)
    level = dict(zip((one.chamber for one in recordings), levels(recordings, errors), strict=True))
    posteriors = {posterior.recording.chamber: posterior for posterior in found}
    steps = {name: events([posterior]) for name, posterior in posteriors.items()}

    parts = []
    for name, own in rows.groupby("chamber", sort=False):
        read = write(posteriors[str(name)], errors, level[str(name)])
        parts.append(_filled(own, posteriors[str(name)], read, steps[str(name)]))
    filled = pd.concat(parts).loc[rows.index] if parts else rows
    result = table.copy()
    for column in ("count", "lower", "upper", "flag"):
        result[column] = filled[column].to_numpy()
    return Smoothed(result, [event for own in steps.values() for event in own], posteriors)


def _filled(rows: pd.DataFrame, posterior: Posterior, read: Written, steps: list[Event]) -> pd.DataFrame:
    ordered = rows.sort_values("frame", kind="stable")
    repeated = ordered["frame"].duplicated().to_numpy()
    once = ordered[~repeated]
    read_once = pd.DataFrame(
        {
            "count": np.round(read.count, 3),
            "lower": read.lower,
            "upper": read.upper,
            "flag": flags(once, posterior, read.count, steps),
        },
        index=once["frame"],
    )
    filled = read_once.loc[ordered["frame"]].set_axis(ordered.index)
    # A frame that stands in the table twice is used once.
    filled.loc[repeated, "flag"] = [
        f"{flag}; {DUPLICATE}" if flag else DUPLICATE for flag in filled["flag"][repeated]
    ]
    return filled
