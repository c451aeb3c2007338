"""Counts, conditions and counted frames, read and checked together before any fit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twincell.errors import UserError
from twincell.io.tables import read_table
from twincell.series.growth.analysis import check_condition
from twincell.series.growth.options import GrowthOptions
from twincell.series.smoothing.table import as_numbers, check_counts, contradictions, with_counted

OF_IMAGES = {"image", "count", "frame", "time_h", "page", "chamber"}
"""Columns of a manifest that describe an image and are no conditions of a chamber."""
NUMBERS = ("frame", "time_h", "count", "count_frame", "lower", "upper", "novelty", "sharpness")
NAMES = ("chamber", "flag", "image")


@dataclass(frozen=True)
class Job:
    """Everything needed, checked.

    Attributes:
        counts: the counts table, with `time_h` and the column of conditions where known.
        people: chamber, frame and count of the frames that a person counted; None unless asked for.
        options: as asked for.
        notes: what was decided or left out, to be printed.
    """

    counts: pd.DataFrame
    people: pd.DataFrame | None
    options: GrowthOptions
    notes: list[str]


def read_job(counts: Path, options: GrowthOptions) -> Job:
    """Read and check both tables.

    Raises:
        UserError: every fault of options and tables that can be seen at once.
    """
    problems = _faults(counts, options)
    if problems:
        raise UserError(problems)
    table = read_counts(counts)
    check_counts(table, ("chamber", "frame", "count" if "count_frame" not in table else "count_frame"))
    if (options.counted or options.events) and "count_frame" not in table:
        raise UserError(f"{counts}: has no column 'count_frame', which --counted and --events read anew")
    if problems := contradictions(table, str(counts), "line", 2):  # the header is line 1
        raise UserError(problems)
    table = table[table["chamber"].str.strip() != ""].reset_index(drop=True)
    if not len(table):
        raise UserError(f"{counts}: no row names a chamber, and growth needs time-lapses")
    notes: list[str] = []
    people = None
    if options.manifest is not None:
        listed = _read_manifest(options.manifest)
        if options.by is not None and options.by not in table:
            table = _with_condition(table, listed, options.by, options.manifest)
        if options.counted:
            people = _counted(table, listed, options.manifest, notes)
    if options.by is not None:
        check_condition(table, options.by)
    return Job(_timed(table, counts, options.minutes, notes), people, options, notes)


def _counted(table: pd.DataFrame, listed: pd.DataFrame, path: Path, notes: list[str]) -> pd.DataFrame:
    people = listed.loc[listed["count"].notna(), ["chamber", "frame", "count"]]
    known = pd.MultiIndex.from_frame(people[["chamber", "frame"]]).isin(
        pd.MultiIndex.from_frame(table[["chamber", "frame"]])
    )
    if not known.any():
        raise UserError(
            f"{path}: no image of the counts table has a count there; count some, or leave out --counted"
        )
    if not known.all():
        notes.append(
            f"{(~known).sum()} counted frames of {path} are not in the counts table and were left out"
        )
    with_counted(table, people[known])
    return people[known].reset_index(drop=True)


def _timed(table: pd.DataFrame, path: Path, minutes: float | None, notes: list[str]) -> pd.DataFrame:
    time = as_numbers(table["time_h"]) if "time_h" in table else pd.Series(np.nan, table.index)
    if minutes is not None:
        if time.notna().any():
            raise UserError(f"{path}: has times in time_h already; leave out --minutes")
        return table.assign(time_h=as_numbers(table["frame"]) * minutes / 60)
    if time.notna().all():
        return table
    if time.notna().any():
        lacking = ", ".join(table.loc[time.isna(), "chamber"].unique()[:5])
        notes.append(f"time_h is blank in some frames (chambers {lacking}), so all rates are per frame")
    else:
        notes.append("no time_h: rates are per frame, doubling times in frames; --minutes makes them hours")
    return table.drop(columns="time_h", errors="ignore")


def read_counts(path: Path) -> pd.DataFrame:
    """A counts table as `twincell count` writes it; chamber names stay text.

    Raises:
        UserError: a file that is missing, empty or no table.
    """
    try:
        table = read_table(path, NUMBERS, NAMES)
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path}: is empty; `twincell count` writes the format") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: is no table with commas ({reason}); `twincell count` writes one") from error
    for name in ("chamber", "flag"):
        if name in table:
            table[name] = table[name].fillna("")
    return table


def _faults(counts: Path, options: GrowthOptions) -> list[str]:
    problems = []
    if not counts.is_file():
        problems.append(f"{counts}: no such file; name the table that `twincell count` wrote")
    if options.counted and options.manifest is None:
        problems.append("--counted needs the manifest with the counts; add --manifest FILE")
    if options.plots not in ("png", "svg", "none"):
        problems.append(f"--plots {options.plots!r} is not known; choose png, svg or none")
    for name in ("first", "horizon"):
        if getattr(options, name) < 10:
            problems.append(f"--{name} {getattr(options, name)} is too few frames; give 10 or more")
    if options.minutes is not None and not (np.isfinite(options.minutes) and options.minutes > 0):
        problems.append(f"--minutes {options.minutes:g}: the time between frames must be above 0")
    return problems


def _read_manifest(path: Path) -> pd.DataFrame:
    # Only names and numbers are needed, so the images may lie elsewhere: the rows are read, not the files.
    from twincell.data.manifest import manifest_path

    place = manifest_path(path)
    if not place.is_file():
        raise UserError(f"{place}: no such file; name a manifest.csv or its folder")
    listed = read_table(place, NUMBERS, NAMES)
    missing = [name for name in ("chamber", "frame", "count") if name not in listed]
    if missing:
        raise UserError(f"{place}: column {', '.join(missing)} is missing; `twincell check` says more")
    return listed


def _with_condition(table: pd.DataFrame, listed: pd.DataFrame, by: str, path: Path) -> pd.DataFrame:
    if by not in listed or by in OF_IMAGES:
        usable = [str(name) for name in listed.columns if name not in OF_IMAGES]
        raise UserError(
            f"condition {by!r} is neither a column of the counts table nor one of {path}; "
            f"that has {', '.join(usable)}"
        )
    values = listed[["chamber", by]].dropna().drop_duplicates()
    problems = [
        f"chamber {name!r}: {by} has several values in {path}; a whole chamber must have the same"
        for name in values["chamber"][values["chamber"].duplicated()].unique()
    ]
    of_chamber = dict(zip(values["chamber"], values[by], strict=True))
    problems += [
        f"chamber {name!r}: {path} has no {by} for it; fill it in"
        for name in table["chamber"].unique()
        if str(name).strip() and name not in of_chamber
    ]
    if problems:
        raise UserError(problems)
    return table.assign(**{by: table["chamber"].map(of_chamber)})
