"""Tables as CSV: points (`image, x, y`), boxes (`image, xmin, ymin, xmax, ymax`) and napari's points.

Boxes are given by their edges in pixels from the corner of the first pixel. napari counts from the first
pixel's centre and names its axes `axis-0`, `axis-1` (rows, columns); in stacks an axis of pages comes first.
"""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from twincell.io.points_formats.table import Point, table, unreadable
from twincell.io.tables import unguarded

Row = dict[str, str]
IMAGE_NAMES = ("image", "filename", "file", "image_path")
LABEL_NAMES = ("label", "class", "name")


def read(path: Path) -> pd.DataFrame:
    """The points of a table, by the names of its columns, whatever their case."""
    rows, header = _rows(path)
    reader = next((reader for needed, reader in READERS if needed <= header), None)
    if reader is None:
        raise unreadable(
            path,
            f"its columns are {', '.join(sorted(header))}",
            "name them image, x, y or image, xmin, ymin, xmax, ymax",
        )
    return table(_point(path, line, row, reader) for line, row in rows)


def _rows(path: Path) -> tuple[list[tuple[int, Row]], set[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = [name.strip().lower() for name in next(lines, [])]
            rows = []
            for cells in lines:
                if any(cells):
                    if len(cells) != len(header):
                        raise unreadable(
                            path, f"line {lines.line_num} has {len(cells)} cells of {len(header)}"
                        )
                    rows.append((lines.line_num, dict(zip(header, map(str.strip, cells), strict=True))))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise unreadable(path, problem, "save it as UTF-8 CSV with commas") from problem
    return rows, set(header)


def _point(path: Path, line: int, row: Row, reader: Callable[[Row], tuple[int, float, float]]) -> Point:
    try:
        page, x, y = reader(row)
    except ValueError as problem:
        raise unreadable(path, f"line {line}: {problem}", "write numbers") from problem
    if not (math.isfinite(x) and math.isfinite(y)):
        raise unreadable(path, f"line {line}: x {x:g}, y {y:g}", "write numbers, or drop the row")
    image, label = (next((row[n] for n in names if n in row), "") for names in (IMAGE_NAMES, LABEL_NAMES))
    return unguarded(image), page, x, y, unguarded(label)


def _of_point(row: Row) -> tuple[int, float, float]:
    return int(row.get("page") or 0), float(row["x"]), float(row["y"])


def _of_box(row: Row) -> tuple[int, float, float]:
    left, top, right, bottom = (float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
    if left > right or top > bottom:
        raise ValueError(f"the box goes from ({left:g}, {top:g}) to ({right:g}, {bottom:g})")
    return int(row.get("page") or 0), (left + right) / 2, (top + bottom) / 2


def _of_napari(row: Row) -> tuple[int, float, float]:
    if "axis-3" in row:
        raise ValueError("more than three axes; save the points of one channel and plane")
    *page, y, x = (float(row[name]) for name in ("axis-0", "axis-1", "axis-2") if name in row)
    return round(page[0]) if page else 0, x + 0.5, y + 0.5


READERS: list[tuple[set[str], Callable[[Row], tuple[int, float, float]]]] = [
    ({"axis-0", "axis-1"}, _of_napari),
    ({"xmin", "ymin", "xmax", "ymax"}, _of_box),
    ({"x", "y"}, _of_point),
]
