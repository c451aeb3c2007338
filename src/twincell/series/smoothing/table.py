"""Checks of the tables that come in, all faults at once."""

import numpy as np
import pandas as pd

from twincell.errors import UserError

NEEDED = ("chamber", "frame", "count_frame")
LAST_FRAME = 2**53
"""Whole numbers up to here are told apart as doubles too."""


def as_numbers(column: pd.Series) -> pd.Series:
    """The column as numbers: blanks and words are NaN, what no double can hold is infinite."""
    try:
        return pd.to_numeric(column, errors="coerce")
    except OverflowError:  # a whole number of more than 308 digits
        return column.map(_as_number)


def _as_number(value: object) -> float:
    try:
        return float(pd.to_numeric(value, errors="coerce"))  # type: ignore[call-overload]
    except OverflowError:
        return np.inf


def check_counts(table: pd.DataFrame, needed: tuple[str, ...] = NEEDED) -> None:
    """Refuses a counts table that cannot be read.

    Raises:
        UserError: one sentence for each missing column and each column with values that are no numbers.
    """
    problems = [
        f"counts table: column {name!r} is missing (it has: {', '.join(map(str, table.columns))}); "
        "`twincell count` writes the format"
        for name in needed
        if name not in table
    ]
    if not problems and not len(table):
        problems.append("counts table: it has no rows; count some images first")
    for name in ("frame", "count_frame", "count", "time_h"):
        if name in table:
            problems += _number_faults(table[name], name, blank=name != "frame", negative=name == "time_h")
    if problems:
        raise UserError(problems)


def contradictions(
    table: pd.DataFrame, where: str = "counts table", word: str = "row", first: int = 0
) -> list[str]:
    """One sentence for each frame that a chamber has twice with different counts; the same twice is no fault.

    Args:
        table: has the columns chamber, frame and count or count_frame.
        where: what the table is called.
        word, first: what its rows are called, and the number of the first.
    """
    given = [name for name in ("count", "count_frame") if name in table]
    rows = table.assign(row=np.arange(len(table)) + first)[["chamber", "frame", "row", *given]]
    rows = rows[rows["chamber"].notna() & (rows["chamber"].astype(str).str.strip() != "")]
    rows = rows[rows.duplicated(["chamber", "frame"], keep=False)]
    problems = []
    for (chamber, frame), same in rows.groupby(["chamber", "frame"], sort=False):
        several = [name for name in given if same[name].nunique(dropna=False) > 1]
        if several:
            values = " and ".join(dict.fromkeys(f"{value:g}" for value in as_numbers(same[several[0]])))
            lines = ", ".join(map(str, same["row"]))
            problems.append(
                f"{where}, {word}s {lines}: chamber {str(chamber)!r} frame {frame} has several values of "
                f"{several[0]} ({values}); keep one row, or name the chambers apart"
            )
    return problems


def with_counted(table: pd.DataFrame, counted: pd.DataFrame | None) -> pd.DataFrame:
    """A copy with numbers as numbers, a chamber in every row, and a person's counts as `counted`.

    Raises:
        UserError: counted frames that are not in the table, or counts that are no counts.
    """
    rows = table.reset_index(drop=True).copy()
    rows["count_frame"] = as_numbers(rows["count_frame"])
    rows["frame"] = as_numbers(rows["frame"]).astype(np.int64)
    nameless = rows["chamber"].isna() | (rows["chamber"].astype(str).str.strip() == "")
    rows["chamber"] = rows["chamber"].astype(str)
    # Single images have no time-lapse: each is a chamber of one frame.
    rows.loc[nameless, "chamber"] = [f"\0single {i}" for i in rows.index[nameless]]
    rows["counted"] = np.nan
    if counted is None:
        return rows
    labelled = _checked_labels(counted, rows)
    key = pd.MultiIndex.from_frame(rows[["chamber", "frame"]])
    rows["counted"] = labelled.reindex(key).to_numpy()
    return rows


def _checked_labels(counted: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    problems = [
        f"counted frames: column {name!r} is missing (they have: {', '.join(map(str, counted.columns))})"
        for name in ("chamber", "frame", "count")
        if name not in counted
    ]
    if not problems:
        problems = _number_faults(counted["frame"], "frame", blank=False, where="counted frames")
        problems += _number_faults(counted["count"], "count", blank=True, where="counted frames")
    if problems:
        raise UserError(problems)
    labelled = counted[as_numbers(counted["count"]).notna()]
    names, frames = labelled["chamber"].astype(str), as_numbers(labelled["frame"]).astype(np.int64)
    series = pd.Series(
        as_numbers(labelled["count"]).to_numpy(float), pd.MultiIndex.from_arrays([names, frames])
    )
    known = pd.MultiIndex.from_frame(rows[["chamber", "frame"]])
    for name, frame in series.index[~series.index.isin(known)]:
        problems.append(
            f"counted frames: chamber {name!r} frame {frame} is not in the counts table; count that image too"
        )
    for name, frame in series.index[series.index.duplicated()].unique():
        problems.append(f"counted frames: chamber {name!r} frame {frame} is counted twice; keep one row")
    if problems:
        raise UserError(problems)
    return series


def _number_faults(
    column: pd.Series, name: str, blank: bool, negative: bool = False, where: str = "counts table"
) -> list[str]:
    numbers = as_numbers(column)
    empty = column.isna() | (column.astype(str).str.strip() == "")
    problems = []
    for row in column.index[numbers.isna() & ~empty]:
        problems.append(
            f"{where}, row {row}: {name} is {column[row]!r}, which is no number; correct or blank it"
        )
    if not blank:
        problems += [
            f"{where}, row {row}: {name} is blank; every row needs one" for row in column.index[empty]
        ]
    for row in column.index[np.isinf(numbers.to_numpy(float))]:
        problems.append(f"{where}, row {row}: {name} is infinite; correct or blank it")
    if not negative:
        for row in column.index[(numbers < 0).to_numpy()]:
            problems.append(f"{where}, row {row}: {name} is {column[row]}, below zero; correct or blank it")
    if name == "frame":
        for row in column.index[((numbers % 1) != 0).to_numpy() & numbers.notna().to_numpy()]:
            problems.append(f"{where}, row {row}: frame is {column[row]}, not a whole number; correct it")
        for row in column.index[(numbers > LAST_FRAME).to_numpy() & np.isfinite(numbers.to_numpy(float))]:
            problems.append(f"{where}, row {row}: frame is {column[row]}, too large a number; correct it")
    return problems
