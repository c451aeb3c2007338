"""Growth of every chamber of a counts table, and of conditions made of chambers."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from twincell.errors import UserError
from twincell.series.growth.conditions import Comparison, compare
from twincell.series.growth.rate import NOT_READ, Growth, fit_growth, not_read
from twincell.series.growth.survival import CultureModel, survival
from twincell.series.smoothing.flags import (
    DUPLICATE,
    OTHER_MODALITY,
    OVERFULL,
    UNLIKE_TRAINING,
    UNREADABLE,
)
from twincell.series.smoothing.smooth import smooth
from twincell.series.smoothing.table import as_numbers, check_counts, contradictions

NOT_TO_BE_READ = (UNLIKE_TRAINING, OTHER_MODALITY)
"""The model says of such a frame that it does not know what it counts there."""
LEFT_OUT = (UNREADABLE, DUPLICATE, OVERFULL, *NOT_TO_BE_READ)
"""Frames with one of these flags take no part in a fit. The others have a count from their neighbours."""


def growth(
    counts: pd.DataFrame,
    by: str | None = None,
    first: int = 150,
    horizon: int = 200,
    culture: CultureModel | None = None,
    counted: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Growth rate, doubling time, phases and survival of every chamber.

    Args:
        counts: the table of `twincell count`; rows without a chamber are single images and left out. Without
            `count`, or with `count_frame` only, it is smoothed first.
        by: column that names the condition of each chamber; kept in the result.
        first: frames of each chamber from which its survival is foretold.
        horizon: frames that survival looks ahead.
        culture: constants of survival.
        counted: frames that a person counted (see `smooth`); they help to foretell survival.

    Returns:
        One row per chamber: chamber, the condition, verdict, reason, unit ("h", or "frame" where a chamber
            has no
        `time_h`), rate, rate_low, rate_high (95 %; 1/unit), rate_whole (over the whole recording, phases or
        not), doubling, doubling_low, doubling_high (units), fold, lag_end, plateau_start (units; blank
        where there is none), influx, escape (times, "; " between), first, last (cells), frames, flagged,
        survival (probability).

    Raises:
        UserError: a table that is no counts table, a condition that is no column or changes within a chamber.
    """
    table = prepared(counts, by)
    rows = [growth_row(own, fit, by) for own, fit in fits(table)]
    found = pd.DataFrame(rows)
    found["survival"] = foretold(table, first, horizon, culture, counted)
    found.loc[found["verdict"] == NOT_READ, "survival"] = np.nan
    return found


def prepared(counts: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """The rows of time-lapses, checked and smoothed where they were not, with a column `time` in one unit.

    Raises:
        UserError: see `growth`.
    """
    check_counts(counts, ("chamber", "frame", "count" if "count_frame" not in counts else "count_frame"))
    table = counts.copy()
    table["chamber"] = table["chamber"].fillna("").astype(str)
    table = table[table["chamber"].str.strip() != ""].reset_index(drop=True)
    if not len(table):
        raise UserError("counts table: no row names a chamber, and growth needs time-lapses")
    if problems := contradictions(table):
        raise UserError(problems)
    if by is not None:
        check_condition(table, by)
    unsmoothed = "count" not in table or table["count"].isna().all() or "lower" not in table
    if unsmoothed and "count_frame" in table:
        table = smooth(table)
    table["count"] = as_numbers(table["count"])
    table["flag"] = table["flag"].fillna("").astype(str) if "flag" in table else ""
    timed = "time_h" in table and as_numbers(table["time_h"]).notna().all()
    # One unit for the whole table: rates per hour and per frame do not belong into one column.
    table["time"] = as_numbers(table["time_h" if timed else "frame"]).astype(float)
    table["unit"] = "h" if timed else "frame"
    return table.sort_values(["chamber", "frame"], kind="stable").reset_index(drop=True)


def fits(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, Growth]]:
    """All rows and the fit, to the usable ones, of each chamber of a prepared table."""
    for _, rows in table.groupby("chamber", sort=False):
        usable = rows[usable_frames(rows)]
        if len(usable):
            fit = fit_growth(usable["time"].to_numpy(), usable["count"].to_numpy())
            yield rows, replace(fit, reason=fit.reason + _standing_on(len(usable), rows))
        else:
            yield rows, not_read(_why_none(rows))


def usable_frames(rows: pd.DataFrame) -> np.ndarray:
    """Which rows take part in a fit, (N,) bool."""
    return (rows["count"].notna() & ~_flagged(rows, LEFT_OUT) & ~rows["time"].duplicated()).to_numpy()


def _flagged(rows: pd.DataFrame, reasons: Collection[str]) -> "pd.Series[bool]":
    """Which rows have one of these reasons in their flag."""
    return rows["flag"].map(lambda flag: any(word.split(":")[0] in reasons for word in flag.split("; ")))


def _standing_on(used: int, rows: pd.DataFrame) -> str:
    """What share of the frames a fit stands on, where it is not all of them."""
    frames = rows["frame"].nunique()
    return f"; fitted to {used} of {frames} frames, the others are flagged or blank" if used < frames else ""


def _why_none(rows: pd.DataFrame) -> str:
    words = rows["flag"].str.split("; ").explode().str.split(":").str[0]
    numbers = words[words.isin(LEFT_OUT)].value_counts()
    said = ", ".join(f"{reason} ({number})" for reason, number in numbers.items())
    return f"none of {len(rows)} frames can be used: {said or 'no counts'}"


def growth_row(rows: pd.DataFrame, fit: Growth, by: str | None) -> dict[str, object]:
    """A row of growth.csv (see `growth`), but for the survival."""
    phases = fit.phases
    usable = rows[usable_frames(rows)]
    return {
        "chamber": rows["chamber"].iloc[0],
        **({by: rows[by].iloc[0]} if by else {}),
        "verdict": fit.verdict,
        "reason": fit.reason,
        "unit": rows["unit"].iloc[0],
        "rate": fit.rate,
        "rate_low": fit.rate_low,
        "rate_high": fit.rate_high,
        "rate_whole": fit.rate_whole,
        "doubling": fit.doubling,
        "doubling_low": fit.doubling_low,
        "doubling_high": fit.doubling_high,
        "fold": fit.fold,
        "lag_end": phases.start if phases.lag else np.nan,
        "plateau_start": phases.end if phases.plateau else np.nan,
        "influx": "; ".join(f"{t:g}" for t in phases.influx),
        "escape": "; ".join(f"{t:g}" for t in phases.escape),
        "first": fit.first,
        "last": fit.last,
        "frames": len(usable),
        "flagged": int((rows["flag"] != "").sum()),
    }


def foretold(
    table: pd.DataFrame,
    first: int,
    horizon: int = 200,
    culture: CultureModel | None = None,
    counted: pd.DataFrame | None = None,
) -> np.ndarray:
    """Survival of every chamber of a prepared table from its first frames alone, (chambers,)."""
    start = table.groupby("chamber", sort=False)["frame"].transform("min")
    early = table[table["frame"] < start + first]
    if "count_frame" in early:
        # The table's counts know the whole recording: what the first frames alone say has to be read afresh.
        labelled = counted
        if counted is not None:
            seen = pd.MultiIndex.from_frame(early[["chamber", "frame"]])
            labelled = counted[pd.MultiIndex.from_frame(counted[["chamber", "frame"]]).isin(seen)]
        doubted = _flagged(early, NOT_TO_BE_READ)
        early = early.assign(count_frame=early["count_frame"].mask(doubted))
        early = smooth(early.drop(columns=["count", "lower", "upper", "flag"], errors="ignore"), labelled)
    series = []
    for _, rows in early.groupby("chamber", sort=False):
        known = rows[rows["count"].notna()].drop_duplicates("frame")
        series.append((known["frame"].to_numpy(), known["count"].to_numpy(float)))
    return survival(series, culture, horizon)


def compared(found: pd.DataFrame, by: str) -> Comparison:
    """The conditions of a growth table against each other (see `conditions.compare`)."""
    return compare(
        found["rate"].to_numpy(float), found[by].astype(str).to_numpy(), found["verdict"].to_numpy()
    )


def check_condition(table: pd.DataFrame, by: str) -> None:
    """Refuses a condition that is no column, is blank, or changes within a chamber.

    Raises:
        UserError: one sentence for each chamber concerned.
    """
    if by not in table:
        raise UserError(
            f"condition {by!r} is no column of the counts table, which has "
            f"{', '.join(map(str, table.columns))}; name one of them, or the manifest that has it "
            "with --manifest"
        )
    values = table.groupby("chamber", sort=False)[by]
    problems = [
        f"chamber {name!r}: {by} is blank in some frames; fill it in or leave it blank in no frame"
        for name, blank in table[by].isna().groupby(table["chamber"], sort=False).any().items()
        if blank
    ]
    problems += [
        f"chamber {name!r}: {by} has {n} values; a condition must be the same in all frames of a chamber"
        for name, n in values.nunique().items()
        if n > 1
    ]
    if problems:
        raise UserError(problems)
