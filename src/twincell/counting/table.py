"""From what each image says to `counts.csv`: the whole time-lapse read, intervals and flags filled in."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.counting.inputs import Frames
from twincell.data.modality import others
from twincell.io.tables import csv_for_people
from twincell.models.base.file import ModelCard
from twincell.series.conformal import FEWEST, conformal_interval, pooled_spread, scores, widening
from twincell.series.smoothing.flags import OTHER_MODALITY, UNLIKE_TRAINING, UNREADABLE
from twincell.series.smoothing.singles import single_images
from twincell.series.smoothing.smooth import smooth
from twincell.series.smoothing.static_objects import static_density

COLUMNS = ("chamber", "frame", "time_h", "image", "count", "count_frame", "lower", "upper", "flag")
NINETY = 1.6449  # standard deviations either side that hold 90 % of a normal distribution
CHAMBERS_AT_ONCE = 50
WORTH_TELLING = 0.1  # cells of standing dirt in a chamber
MapsOf = Callable[[NDArray[np.integer]], NDArray[np.float32] | None]


def counts_table(
    frames: Frames,
    read: pd.DataFrame,
    card: ModelCard,
    use_counted: bool = True,
    progress: Callable[[int], None] | None = None,
    maps_of: MapsOf | None = None,
) -> pd.DataFrame:
    """One row per frame in the columns of counts.csv.

    Frames of a time-lapse are read together with their neighbours and with the frames that a person counted;
    a image for itself keeps its own count, with the spread the model gives it.

    Args:
        frames: what was counted.
        read: the table of `Parts.join`, row by row that of the frames.
        card: the model's, for its modalities.
        use_counted: let the counts in a manifest correct the time-lapses they stand in.
        progress: called with the number of chambers done since the last call.
        maps_of: density maps of given rows, to take standing dirt off the counts of a time-lapse.

    Returns:
        The table; `attrs["standing"]` holds the cells taken off each chamber that had any to speak of.
    """
    table = pd.concat(
        [frames.table.reset_index(drop=True), read.drop(columns="row").reset_index(drop=True)], axis=1
    )
    # The same chamber may have been recorded in two modalities, or drawn: these are different time-lapses.
    key = table["modality"] + "\0" + (table["series"].astype(int)).astype(str) + "\0" + table["chamber"]
    table = table.assign(key=key, count=np.nan, lower=np.nan, upper=np.nan, flag="")
    groups = list(table[table["series"]].groupby("key", sort=False).indices)
    in_series = table[table["series"]]
    still = _standing(in_series, maps_of)
    in_series = in_series.assign(count_frame=(in_series["count_frame"] - still).clip(lower=0))
    for start in range(0, len(groups), CHAMBERS_AT_ONCE):
        chosen = in_series[in_series["key"].isin(groups[start : start + CHAMBERS_AT_ONCE])]
        _fill(table, _smoothed(chosen, use_counted, progress))
    for _, singles in table[~table["series"]].groupby("modality", sort=False):
        _fill(table, alone(singles, card.spread, use_counted))
    table["flag"] = [
        _flag(flag, fault, noted, other)
        for flag, fault, noted, other in zip(
            table["flag"],
            table["fault"].fillna(""),
            table["noted"],
            _other_modality(table["modality"], card),
            strict=True,
        )
    ]
    table["count_frame"] = table["count_frame"].round(3)
    found = still.groupby(table.loc[still.index, "chamber"]).max()
    table = table[list(COLUMNS)]
    table.attrs["standing"] = found[found >= WORTH_TELLING].round(2).to_dict()
    return table


def _standing(rows: pd.DataFrame, maps_of: MapsOf | None) -> "pd.Series[float]":
    """Cells to take off each row: what stands still through its chamber's recording."""
    still = pd.Series(0.0, index=rows.index)
    if maps_of is not None:
        for _, part in rows.groupby("key", sort=False):
            maps = maps_of(part.index[part["count_frame"].notna()].to_numpy())
            if maps is not None:
                still.loc[part.index] = float(static_density(maps).sum())
    return still


def csv_text(table: pd.DataFrame) -> str:
    """The table as counts.csv holds it: blank where a value is unknown, whole numbers without a point."""
    shown = table.copy()
    shown["time_h"] = ["" if math.isnan(t) else f"{t:.4f}".rstrip("0").rstrip(".") for t in table["time_h"]]
    for name in ("count", "count_frame"):
        shown[name] = ["" if math.isnan(v) else f"{v:.3f}".rstrip("0").rstrip(".") for v in table[name]]
    for name in ("lower", "upper"):
        shown[name] = ["" if math.isnan(v) else f"{v:.0f}" for v in table[name]]
    return csv_for_people(shown)


def _smoothed(rows: pd.DataFrame, use_counted: bool, progress: Callable[[int], None] | None) -> pd.DataFrame:
    asked = rows[["frame", "count_frame", "novelty", "sharpness"]].assign(chamber=rows["key"])
    people = asked[["chamber", "frame"]].assign(count=rows["counted"]).dropna(subset="count")
    counted = people if use_counted and len(people) else None
    found = smooth(asked, counted=counted, progress=progress)
    return found.set_axis(rows.index)


def alone(rows: pd.DataFrame, spread: float | None = None, use_counted: bool = True) -> pd.DataFrame:
    """Images for themselves: the model's own count and spread, or the usual spread where it has none.

    Args:
        rows: of one modality, with columns frame, count_frame, std, novelty and counted.
        spread: of the model's card, where labels gave it.
        use_counted: let images that a person counted say how wide the others' intervals have to be.
    """
    found = single_images(rows["count_frame"].to_numpy(float), rows["novelty"].to_numpy(float))
    found = found.set_axis(rows.index).astype({"lower": float, "upper": float})
    found["count"] = rows["count_frame"].round(3)
    width = NINETY * rows["std"]
    own = rows["std"].notna()
    found.loc[own, "lower"] = (rows["count_frame"] - width).round().clip(lower=0)[own]
    found.loc[own, "upper"] = (rows["count_frame"] + width).round()[own]
    wider = widening(rows["novelty"])
    known = rows[rows["counted"].notna() & rows["count_frame"].notna()] if use_counted else rows[:0]
    if len(known) >= FEWEST:
        widened = widening(known["novelty"])
        spread = pooled_spread(scores(known["count_frame"], known["counted"], widened), spread)
    if spread is not None:
        found["lower"], found["upper"] = conformal_interval(rows["count_frame"], spread, wider)
    unread = rows["count_frame"].isna()
    found.loc[unread, ["lower", "upper"]] = np.nan
    found.loc[unread, "flag"] = UNREADABLE
    return found


def _fill(table: pd.DataFrame, found: pd.DataFrame) -> None:
    for name in ("count", "lower", "upper"):
        table.loc[found.index, name] = found[name].astype(float)
    table.loc[found.index, "flag"] = found["flag"]


def _other_modality(modalities: pd.Series, card: ModelCard) -> pd.Series:
    return modalities.isin([word for word in modalities.unique() if others([word], card.modalities)])


def _flag(flag: str, fault: str, noted: str, other: bool) -> str:
    """All reasons, each once: the time-lapse's, the file's, the importer's and the model's."""
    reasons = [reason for reason in flag.split("; ") if reason]
    reasons += [reason for reason in noted.split("; ") if reason and reason not in reasons]
    if fault:
        reasons = [f"{UNREADABLE}: {fault.replace('; ', ', ')}", *(r for r in reasons if r != UNREADABLE)]
    if other:
        reasons.append(OTHER_MODALITY)
    return "; ".join(reasons)


__all__ = ["COLUMNS", "OTHER_MODALITY", "UNLIKE_TRAINING", "alone", "counts_table", "csv_text"]
