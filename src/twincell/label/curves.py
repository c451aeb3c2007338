"""Each chamber's series as it is known now: the model's counts, corrected by what people counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.counting.table import COLUMNS
from twincell.io.tables import read_table
from twincell.label.dataset import Dataset, Series
from twincell.series.growth.rate import fit_growth
from twincell.series.smoothing.chamber import ChamberSeries, chamber_series
from twincell.series.smoothing.error_model import ErrorModel
from twincell.series.smoothing.posterior import infer
from twincell.series.smoothing.smooth import smooth

Known = Mapping[int, int]
"""Cells by row: what people counted."""
PREDICTED = ("row", "count_frame", "count", "lower", "upper", "novelty", "flag")
MORE = 10
"""Further frames that the hint to stop speaks of."""
TRIES = 5
"""Likely outcomes of them that are looked at."""
FOLDS = 5


@dataclass(frozen=True)
class Predictions:
    """What one model said of all frames.

    Attributes:
        table: indexed by row, columns `PREDICTED` but for row; NaN where a frame could not be read.
        model: its name.
        number: which count of this data set it is.
    """

    table: pd.DataFrame
    model: str
    number: int

    @classmethod
    def read(cls, path: Path, model: str, number: int) -> "Predictions":
        """Read what `write` wrote."""
        table = read_table(path, PREDICTED[:-1], ["flag"]).set_index("row")
        return cls(table.assign(flag=table["flag"].fillna("")), model, number)

    def of(self, series: Series) -> pd.DataFrame:
        """The rows of a series in order; blank ones where nothing was said."""
        found = self.table.reindex(series.rows)
        return found.assign(flag=found["flag"].fillna(""))


def read_series(
    series: Series, frames: list[int], predictions: Predictions | None, known: Known
) -> pd.DataFrame:
    """A series with its counts, (N,) rows in order.

    Args:
        series: of the data set.
        frames: the data set's frame numbers, by row.
        predictions: None before a model has counted: then only what people said is known.
        known: cells by row.

    Returns:
        row, frame, count_frame, count, lower, upper, flag, counted (NaN where nobody counted).
    """
    counted = np.array([float(known[row]) if row in known else np.nan for row in series.rows.tolist()])
    base = pd.DataFrame(
        {"row": series.rows, "frame": [frames[row] for row in series.rows.tolist()], "counted": counted}
    )
    if predictions is None:
        return base.assign(count_frame=np.nan, count=counted, lower=counted, upper=counted, flag="")
    said = predictions.of(series).reset_index(drop=True)
    base = pd.concat([base, said.drop(columns=["novelty"])], axis=1)
    if series.in_time and np.isfinite(counted).any() and base["count_frame"].notna().any():
        read = _smoothed(base, ErrorModel())
        for name in ("count", "lower", "upper"):
            base[name] = read[name].to_numpy(float)
    elif not series.in_time:  # nobody's neighbour: a counted image is what the person says
        for name in ("count", "lower", "upper"):
            base[name] = base[name].where(base["counted"].isna(), base["counted"])
    return base


def _smoothed(rows: pd.DataFrame, errors: ErrorModel) -> pd.DataFrame:
    asked = rows[["frame", "count_frame"]].assign(chamber="one")
    people = asked[["chamber", "frame"]].assign(count=rows["counted"]).dropna(subset="count")
    return smooth(asked, people.drop_duplicates("frame"), errors)


def one_series(rows: pd.DataFrame, errors: ErrorModel) -> ChamberSeries:
    """A table of `read_series` as the smoother takes it."""
    return chamber_series(rows[["frame", "count_frame", "counted"]].assign(chamber="one"), errors)[0]


def growth_rate(rows: pd.DataFrame, hours: NDArray[np.floating]) -> float:
    """Growth per hour (or per frame, where no time is known) of a series; NaN where none can be fitted."""
    time = hours if np.isfinite(hours).all() else rows["frame"].to_numpy(float)
    count = rows["count"].to_numpy(float)
    fine = np.isfinite(count)
    return float(fit_growth(time[fine], count[fine]).rate_whole) if fine.sum() > 2 else float("nan")


def change_by_more(
    rows: pd.DataFrame,
    hours: NDArray[np.floating],
    choose: Callable[[pd.DataFrame, set[int]], int],
    more: int = MORE,
    seed: int = 0,
) -> float | None:
    """By what share the growth rate would likely change if so many more frames were counted.

    Counts of those frames are drawn from what is known of them now, a few times; the growth is fitted anew
    each time. The mean change is given: some fifth of the tries change it by more.

    Args:
        rows: of `read_series`, of a time-lapse with predictions.
        hours: (N,) of its frames.
        choose: the queue's rule: the next place, from the rows and the places known.
        more: frames.
        seed: of the draws.

    Returns:
        The share, such as 0.02; None where no growth can be fitted.
    """
    now = growth_rate(rows, hours)
    if not np.isfinite(now) or now == 0 or rows["count_frame"].isna().all():
        return None
    places = set(np.flatnonzero(rows["counted"].notna()).tolist())
    asked: list[int] = []
    for _ in range(min(more, len(rows) - len(places))):
        at = choose(rows, places)
        asked.append(at)
        places.add(at)
    errors = ErrorModel()
    series = one_series(rows, errors)
    (posterior,) = infer([series], errors, paths=TRIES, seed=seed)
    assert posterior.paths is not None
    changes = []
    for path in posterior.paths[series.place].T.astype(float):
        supposed = rows.assign(counted=rows["counted"].where(~np.isin(np.arange(len(rows)), asked), path))
        again = growth_rate(rows.assign(count=_smoothed(supposed, errors)["count"].to_numpy(float)), hours)
        changes.append(abs(again / now - 1) if np.isfinite(again) else 1.0)
    return float(np.mean(changes))


def left_out_error(rows: pd.DataFrame) -> list[tuple[int, float, float]]:
    """Each counted frame as the series reads it without that count: (label, series, image alone)."""
    at = np.flatnonzero(rows["counted"].notna() & rows["count_frame"].notna())
    found = []
    for k in range(min(FOLDS, len(at))):
        out = at[k :: min(FOLDS, len(at))]
        without = rows.assign(counted=rows["counted"].where(~np.isin(np.arange(len(rows)), out)))
        read = _smoothed(without, ErrorModel())["count"].to_numpy(float)
        labels, alone = rows["counted"].to_numpy(float), rows["count_frame"].to_numpy(float)
        found += [(int(labels[i]), float(read[i]), float(alone[i])) for i in out]
    return found


def counts_table(dataset: Dataset, predictions: Predictions, known: Known) -> pd.DataFrame:
    """All series in the columns of counts.csv; what people counted corrects them."""
    parts = []
    for series in dataset.series:
        rows = read_series(series, dataset.frames, predictions, known)
        rows["chamber"] = series.name if series.in_time else ""
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True)
    at = table["row"].tolist()
    table["time_h"] = [dataset.hours[row] for row in at]
    table["image"] = [dataset.images[row] for row in at]
    return table[list(COLUMNS)]


def doubt(rows: pd.DataFrame) -> NDArray[np.float64]:
    """How doubtful each row of `read_series` is, cells: the interval's width, and what image and series
    differ."""
    width = (rows["upper"] - rows["lower"]).to_numpy(float)
    apart = (rows["count"] - rows["count_frame"]).abs().to_numpy(float)
    return np.nan_to_num(width) + np.nan_to_num(apart)
