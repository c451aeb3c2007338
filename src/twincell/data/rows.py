"""The rows of a manifest file: read as text, judged one by one, then given their types."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from twincell.data.faults import Fault, error, warning
from twincell.errors import UserError

COLUMNS = ("image", "count", "split", "modality", "origin", "chamber", "frame", "time_h", "page")
MAY_BE_LEFT_OUT = ("time_h", "page")  # unknown time; a file that holds one image
SPLITS = ("train", "val", "test")
ORIGINS = ("natural", "synthetic")


def read_rows(path: Path) -> pd.DataFrame:
    """The file as text, one string per cell, blanks as "", column names stripped.

    Raises:
        UserError: missing, empty, not UTF-8 or not a table.
    """
    if not path.is_file():
        raise UserError(f"{path}: is missing; name a manifest.csv, or a folder that holds one")
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        raise UserError(f"{path}: is empty; a manifest starts with the line {','.join(COLUMNS)}") from None
    except UnicodeDecodeError as fault:
        raise UserError(f"{path}: is not UTF-8 text ({fault.reason}); save it as CSV in UTF-8") from fault
    except pd.errors.ParserError as fault:
        raise UserError(
            f"{path}: is not a CSV table ({fault}); give each row the same number of cells"
        ) from fault
    rows.columns = [str(name).strip() for name in rows.columns]
    return rows.apply(lambda column: column.str.strip())


def row_faults(rows: pd.DataFrame, path: Path) -> list[Fault]:
    """Everything wrong with the table itself and with the presence of its files; opens no image."""
    missing = [name for name in COLUMNS if name not in rows and name not in MAY_BE_LEFT_OUT]
    if missing:
        return list(_column_faults(rows, path, missing))
    if rows.empty:
        return [error(path, "has no rows", "list at least one image")]
    # Line numbers as an editor shows them: the header is line 1.
    where = [f"{path}, line {line}" for line in range(2, len(rows) + 2)]
    faults: list[Fault] = []
    for name, judge in _JUDGES.items():
        if name in rows:
            for value, problem in ((value, judge(value)) for value in rows[name].unique()):
                if problem:
                    at = np.flatnonzero(rows[name] == value)
                    faults += [error(where[row], *problem) for row in at]
    faults += _duplicates(rows, where)
    faults += _files(rows, path.parent, where)
    return sorted(faults, key=_line)


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without errors, as numbers and words; the manifest's columns first, extra columns kept after them."""
    table = pd.DataFrame(index=rows.index)
    table["image"] = rows["image"]
    table["count"] = _floats(rows["count"])
    for name in ("split", "modality", "origin", "chamber"):
        table[name] = rows[name]
    table["frame"] = rows["frame"].astype("int64")
    table["time_h"] = _floats(rows["time_h"]) if "time_h" in rows else math.nan
    table["page"] = rows["page"].replace("", "0").astype("int64") if "page" in rows else 0
    extra = [name for name in rows.columns if name not in COLUMNS]
    return pd.concat([table, rows[extra]], axis=1)


def _column_faults(rows: pd.DataFrame, path: Path, missing: list[str]) -> Iterator[Fault]:
    found = ",".join(map(str, rows.columns))
    if len(rows.columns) == 1 and (";" in found or "\t" in found):
        yield error(path, "is separated by semicolons or tabs, not commas", "save it as comma-separated CSV")
        return
    for name in missing:
        yield error(
            path,
            f"has no column {name!r} (it has {found})",
            f"add the column {name!r}, also where it is blank",
        )


def _judge_count(value: str) -> tuple[str, str] | None:
    if value == "":
        return None
    number = _number(value)
    if number is None:
        return (
            f"count {value!r} is not a number",
            "write the number of cells, or leave it blank for an unlabelled image",
        )
    if number < 0:
        return (
            f"count {value} is negative",
            "write the number of cells, or leave it blank for an unlabelled image",
        )
    if number != int(number):
        return (
            f"count {value} is not a whole number",
            "write whole cells, or leave it blank for an unlabelled image",
        )
    return None


def _judge_split(value: str) -> tuple[str, str] | None:
    return None if value in SPLITS else (f"split {value!r} is not known", f"write one of {', '.join(SPLITS)}")


def _judge_origin(value: str) -> tuple[str, str] | None:
    return (
        None if value in ORIGINS else (f"origin {value!r} is not known", f"write one of {', '.join(ORIGINS)}")
    )


def _judge_modality(value: str) -> tuple[str, str] | None:
    return None if value else ("modality is blank", "write bf, pc or a word of your own")


def _judge_chamber(value: str) -> tuple[str, str] | None:
    return None if value else ("chamber is blank", "write a name that all frames of one time-lapse share")


def _judge_frame(value: str) -> tuple[str, str] | None:
    return (
        None
        if _whole(value)
        else (f"frame {value!r} is not a whole number from 0", "write the frame's number")
    )


def _judge_page(value: str) -> tuple[str, str] | None:
    problem = (
        f"page {value!r} is not a whole number from 0",
        "write the index inside the stack, or leave it blank",
    )
    return None if value == "" or _whole(value) else problem


def _judge_time(value: str) -> tuple[str, str] | None:
    number = _number(value)
    problem = (
        f"time_h {value!r} is not a number of hours from 0",
        "write hours since the start, or leave it blank",
    )
    return None if value == "" or (number is not None and number >= 0) else problem


def _judge_image(value: str) -> tuple[str, str] | None:
    return None if value else ("image is blank", "write the image's path, relative to the manifest")


_JUDGES = {
    "image": _judge_image,
    "count": _judge_count,
    "split": _judge_split,
    "modality": _judge_modality,
    "origin": _judge_origin,
    "chamber": _judge_chamber,
    "frame": _judge_frame,
    "time_h": _judge_time,
    "page": _judge_page,
}


def _duplicates(rows: pd.DataFrame, where: list[str]) -> Iterator[Fault]:
    page = rows["page"].replace("", "0") if "page" in rows else pd.Series("0", index=rows.index)
    image = rows.assign(page=page)[["image", "page"]]
    again = image.duplicated().to_numpy()
    for row in np.flatnonzero(again & (rows["image"] != "").to_numpy()):
        first = int(np.flatnonzero((image == image.iloc[row]).all(axis=1))[0])
        name = image["image"].iloc[row] + (
            f" page {image['page'].iloc[row]}" if image["page"].iloc[row] != "0" else ""
        )
        yield error(where[row], f"{name} stands on line {first + 2} already", "drop one of the two rows")
    key = ["origin", "modality", "chamber", "frame"]
    for row in np.flatnonzero(rows[key].duplicated().to_numpy() & ~again):
        first = int(np.flatnonzero((rows[key] == rows[key].iloc[row]).all(axis=1))[0])
        seen = f"chamber {rows['chamber'].iloc[row]!r} has frame {rows['frame'].iloc[row]} on line {first + 2} already"
        yield error(where[row], seen, "give each frame of a time-lapse its own number")


def _files(rows: pd.DataFrame, root: Path, where: list[str]) -> Iterator[Fault]:
    for name in rows["image"].unique():
        if name and not (root / name).is_file():
            row = int(np.flatnonzero(rows["image"] == name)[0])
            cure = "put the file back, or drop its row"
            yield error(where[row], f"{name} is missing (looked for {root / name})", cure)
        elif PurePosixPath(name).is_absolute():
            row = int(np.flatnonzero(rows["image"] == name)[0])
            yield warning(
                where[row],
                f"{name} is an absolute path",
                "write it relative to the manifest, so that both move",
            )


def _floats(column: pd.Series) -> pd.Series:
    return column.replace("", "nan").astype("float64")


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _line(fault: Fault) -> int:
    return int(fault.where.rpartition(" ")[2])
