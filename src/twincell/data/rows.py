"""The rows of a manifest file: read as text, judged one by one, then given their types."""

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from twincell.data.modality import misspelt, modality_of
from twincell.faults import Fault, FaultError, error, warning
from twincell.io.readers import is_image_file
from twincell.io.tables import unguarded

COLUMNS = ("image", "count", "split", "modality", "origin", "chamber", "frame", "time_h", "page")
MAY_BE_LEFT_OUT = ("chamber", "frame", "time_h", "page")
"""Columns of images that each stand alone, of unknown time, of one image a file."""
SPLITS = ("train", "val", "test")
ORIGINS = ("natural", "synthetic")
LONGEST = 15  # digits of a whole number; none that is meant has more


class _Rule(NamedTuple):
    """What a cell must be; `what` and `cure` say so where `holds` says no."""

    holds: Callable[[str], bool]
    what: str
    cure: str


def read_rows(path: Path) -> pd.DataFrame:
    """The file as text, one string per cell, blanks as "", spaces around cells stripped; modalities by their
    usual words (bf for "bright field").

    Returns:
        One row per image, indexed by its line in the file (the header is line 1).

    Raises:
        FaultError: missing, empty, not UTF-8 or not a table.
    """
    if not path.is_file():
        raise FaultError(error(path, "is missing", "name a manifest.csv, or a folder that holds one"))
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = {}
            for cells in reader:
                if any(cells):
                    lines[reader.line_num] = [cell.strip() for cell in cells]
    except UnicodeDecodeError as failure:
        raise FaultError(
            error(path, f"is not UTF-8 text ({failure.reason})", "save it as UTF-8 CSV")
        ) from failure
    except csv.Error as failure:
        raise FaultError(error(path, f"is not a CSV table ({failure})", "save it as UTF-8 CSV")) from failure
    if not lines:
        raise FaultError(error(path, "is empty", f"start it with the line {','.join(COLUMNS)}"))
    header = lines.pop(min(lines))
    ragged = [line for line, cells in lines.items() if len(cells) != len(header)]
    if ragged:
        what = f"has another number of cells than its header ({len(header)}) on line {_listed(ragged)}"
        raise FaultError(error(path, what, "give each line one cell per column"))
    rows = pd.DataFrame(list(lines.values()), index=list(lines), columns=header, dtype=str)
    rows = rows.map(unguarded)
    if list(rows.columns).count("modality") == 1:
        rows["modality"] = rows["modality"].map(modality_of)
    return rows


def examine(rows: pd.DataFrame, path: Path) -> tuple[list[Fault], np.ndarray]:
    """Everything wrong with the table itself and with the presence of its files; opens no image.

    Returns:
        The faults in the order of lines, and which rows are free of errors, (N,) bool.
    """
    usable = np.zeros(len(rows), bool)
    if faults := list(_column_faults(rows, path)):
        return faults, usable
    if rows.empty:
        return [error(path, "has no rows", "list at least one image")], usable
    found = [
        *_cells(rows),
        *_misspelt(rows),
        *_half_alone(rows),
        *_duplicates(rows),
        *_files(rows, path.parent),
    ]
    found.sort(key=lambda pair: pair[0])
    usable[:] = True
    usable[[row for row, fault in found if fault.severity == "error"]] = False
    return [replace(fault, where=f"{path}, line {rows.index[row]}") for row, fault in found], usable


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without errors as numbers and words; the manifest's columns first, then the extra ones."""
    table = rows[["image"]].copy()
    table["count"] = _floats(rows["count"])
    for name in ("split", "modality", "origin"):
        table[name] = rows[name]
    chamber = _column(rows, "chamber")
    table["chamber"] = chamber.where(chamber != "", alone(rows.assign(page=pages(rows))))
    table["frame"] = _column(rows, "frame").replace("", "0").astype("int64")
    table["time_h"] = _floats(rows["time_h"]) if "time_h" in rows else math.nan
    table["page"] = pages(rows)
    return pd.concat([table, rows[[name for name in rows.columns if name not in COLUMNS]]], axis=1)


def alone(rows: pd.DataFrame) -> pd.Series:
    """The chamber's name of images that stand alone, each its own: that of the image, with its page."""
    page = rows["page"].astype(str)
    return rows["image"] + ("#" + page).where(page != "0", "")


def pages(rows: pd.DataFrame) -> pd.Series:
    """The index inside the stack, 0 where it is blank or no number; (N,) int."""
    if "page" not in rows:
        return pd.Series(0, index=rows.index)
    return rows["page"].where(rows["page"].map(_whole).astype(bool), "0").astype("int64")


def _number(value: str) -> float:
    """The number written, NaN for anything else."""
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _whole(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= LONGEST


_COUNT_CURE = "write the number of cells, or leave it blank for an unlabelled image"
_RULES: dict[str, list[_Rule]] = {
    "image": [_Rule(bool, "image is blank", "write the image's path, relative to the manifest")],
    "count": [
        _Rule(lambda v: v == "" or not math.isnan(_number(v)), "count {!r} is not a number", _COUNT_CURE),
        _Rule(lambda v: v == "" or _number(v) >= 0, "count {} is negative", _COUNT_CURE),
        _Rule(lambda v: v == "" or _number(v).is_integer(), "count {} is not a whole number", _COUNT_CURE),
    ],
    "split": [_Rule(SPLITS.__contains__, "split {!r} is not known", f"write one of {', '.join(SPLITS)}")],
    "origin": [_Rule(ORIGINS.__contains__, "origin {!r} is not known", f"write one of {', '.join(ORIGINS)}")],
    "modality": [_Rule(bool, "modality is blank", "write bf, pc or a word of your own")],
    "frame": [
        _Rule(
            lambda v: v == "" or _whole(v),
            "frame {!r} is not a whole number from 0",
            "write the frame's number",
        )
    ],
    "time_h": [
        _Rule(
            lambda v: v == "" or _number(v) >= 0,
            "time_h {!r} is not a number of hours from 0",
            "write the hours since the start, or leave it blank",
        )
    ],
    "page": [
        _Rule(
            lambda v: v == "" or _whole(v),
            "page {!r} is not a whole number from 0",
            "write the index inside the stack, or leave it blank",
        )
    ],
}

# A fault and the row it stands in, before the row is written as a line of the file.
_Found = Iterator[tuple[int, Fault]]


def _column_faults(rows: pd.DataFrame, path: Path) -> Iterator[Fault]:
    header = ",".join(rows.columns)
    if len(rows.columns) == 1 and (";" in header or "\t" in header):
        yield error(path, "is separated by semicolons or tabs", "save it as CSV with commas")
        return
    for name in rows.columns[rows.columns.duplicated()]:
        yield error(path, f"has the column {name!r} twice", "drop one of the two")
    for name in COLUMNS:
        if name not in rows and name not in MAY_BE_LEFT_OUT:
            yield error(
                path,
                f"has no column {name!r} (its columns: {header})",
                "add it; its cells may be blank" if name == "count" else "add it, filled in for each image",
            )


def _cells(rows: pd.DataFrame) -> _Found:
    for name, rules in _RULES.items():
        for value in rows[name].unique() if name in rows else ():
            broken = next((rule for rule in rules if not rule.holds(value)), None)
            if broken:
                for row in np.flatnonzero(rows[name] == value):
                    yield int(row), error("", broken.what.format(value), broken.cure)


def _misspelt(rows: pd.DataFrame) -> _Found:
    for word in rows["modality"].unique():
        if meant := misspelt(word):
            for row in np.flatnonzero(rows["modality"] == word):
                yield int(row), error("", f"modality {word!r} is not known", f"write {meant}")


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column that may be left out, blank then."""
    return rows[name] if name in rows else pd.Series("", index=rows.index)


def _half_alone(rows: pd.DataFrame) -> _Found:
    """An image has a chamber and a frame, or neither; the only one of its chamber needs no frame."""
    chamber, frame = _column(rows, "chamber"), _column(rows, "frame")
    for row in np.flatnonzero((chamber == "") & (frame != "")):
        what = f"chamber is blank, but frame is {frame.iloc[row]}"
        cure = (
            "write one name for all frames of a time-lapse, or leave both blank where an image stands alone"
        )
        yield int(row), error("", what, cure)
    several = chamber.ne("") & rows.assign(c=chamber).duplicated(["c", "modality", "origin"], keep=False)
    for row in np.flatnonzero(several & (frame == "")):
        what = f"frame is blank in chamber {chamber.iloc[row]}, which has several images"
        yield int(row), error("", what, "number its frames from 0")


def _duplicates(rows: pd.DataFrame) -> _Found:
    table = rows.assign(
        page=pages(rows), line=rows.index, chamber=_column(rows, "chamber"), frame=_column(rows, "frame")
    )
    same_image = table["image"].ne("") & table.duplicated(["image", "page"])
    first = table.groupby(["image", "page"])["line"].transform("min")
    for row in np.flatnonzero(same_image):
        name, page = table["image"].iloc[row], table["page"].iloc[row]
        what = f"image {name}{f' page {page}' if page else ''} stands on line {first.iloc[row]} already"
        yield int(row), error("", what, "drop one of the two rows")
    key = ["origin", "modality", "chamber", "frame"]
    first = table.groupby(key)["line"].transform("min")
    for row in np.flatnonzero(table.duplicated(key) & ~same_image & table["frame"].ne("")):
        chamber, frame = table["chamber"].iloc[row], table["frame"].iloc[row]
        what = f"frame {frame} of chamber {chamber} stands on line {first.iloc[row]} already"
        yield int(row), error("", what, "give each frame of a time-lapse its own number")


def _files(rows: pd.DataFrame, root: Path) -> _Found:
    first = rows["image"].ne("") & ~rows["image"].duplicated()
    for row in np.flatnonzero(first):
        name = rows["image"].iloc[row]
        if not is_image_file(root / name):
            what = f"image {name} is missing (looked for {root / name})"
            yield int(row), error("", what, "put the file back, or drop the row")
        elif PurePosixPath(name).is_absolute():
            what = f"image {name} is an absolute path"
            yield int(row), warning("", what, "write it relative to the manifest, so that both can move")


def _listed(lines: list[int]) -> str:
    return ", ".join(map(str, lines[:10])) + (f" and {len(lines) - 10:,} more" if len(lines) > 10 else "")


def _floats(column: pd.Series) -> pd.Series:
    return column.replace("", "nan").astype("float64")
