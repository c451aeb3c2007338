"""Counts that people keep beside their images: a table `image, count`, names as people write them."""

import csv
from dataclasses import dataclass
from pathlib import Path

from twincell.faults import FaultError, error, refuse

IMAGE = ("image", "filename", "file name", "file", "name", "image_path", "path")
COUNT = ("count", "counts", "cells", "cell count", "number", "n")
PREDICTED = "count_frame"  # a column that `twincell count` writes: no person counted these


@dataclass(frozen=True)
class CountedLine:
    """One line of a table: its place in the file, the image as named there, and the cells counted in it."""

    line: int
    image: str
    page: int
    count: int


def kind_of_table(path: Path) -> str:
    """What a CSV holds by its header: "counts", "points", "manifest", "predicted" or "other"."""
    try:
        names = set(_read(path)[0][1])
    except (FaultError, IndexError):
        return "other"
    if {"image", "split"} <= names:
        return "manifest"
    if PREDICTED in names:
        return "predicted"
    if {"x", "y"} <= names or {"xmin", "ymin", "xmax", "ymax"} <= names:
        return "points"
    return "counts" if _first(names, IMAGE) and _first(names, COUNT) else "other"


def read_counts(path: str | Path) -> list[CountedLine]:
    """The lines of a table of counts; those whose count is blank are left out.

    Commas, semicolons and tabs part the cells; columns are found by their names (`image` or `filename`,
    `count` or `cells`, perhaps `page`), whatever their case.

    Raises:
        UserError: no such table, counts that are no whole numbers from 0, images counted twice differently.
    """
    path = Path(path)
    lines = _read(path)
    header = lines[0][1] if lines else []
    image, count = _first(header, IMAGE), _first(header, COUNT)
    if not image or not count:
        cure = "name them image and count"
        raise FaultError(error(path, f"its columns are {', '.join(header) or 'none'}", cure))
    found: dict[tuple[str, int], CountedLine] = {}
    faults = []
    for line, cells in lines[1:]:
        row = dict(zip(header, cells, strict=False))
        number, page = _whole(row.get(count, "")), _whole(row.get("page") or "0")
        if len(cells) != len(header):
            faults.append(error(f"{path}, line {line}", "has not one cell a column", "write it again"))
        elif number is None or page is None:
            what = f"{count} {row[count]!r}" if number is None else f"page {row['page']!r}"
            cure = "write the number of cells, or leave it blank where nobody counted"
            faults.append(error(f"{path}, line {line}", f"{what} is not a whole number from 0", cure))
        elif number >= 0:
            before = found.setdefault((row[image], page), CountedLine(line, row[image], page, number))
            if before.count != number:
                what = f"{row[image]} has count {number}, and {before.count} on line {before.line}"
                faults.append(error(f"{path}, line {line}", what, "drop one of the two"))
    refuse(faults)
    return list(found.values())


def _read(path: Path) -> list[tuple[int, list[str]]]:
    """Lines that are not empty with their numbers; the header in small letters."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=head.count))
            lines = [(reader.line_num, [c.strip() for c in cells]) for cells in reader if any(cells)]
    except OSError as problem:
        raise FaultError(error(path, f"cannot be read ({problem.strerror})", "check the path")) from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise FaultError(error(path, f"is no table ({problem})", "save it as UTF-8 CSV")) from problem
    return [(lines[0][0], [name.lower() for name in lines[0][1]]), *lines[1:]] if lines else []


def _first(header: "list[str] | set[str]", names: tuple[str, ...]) -> str:
    return next((name for name in names if name in header), "")


def _whole(text: str) -> int | None:
    """The whole number written (also as 4.0), -1 where it is blank, None for anything else."""
    if not text:
        return -1
    bare = text.removesuffix(".0")
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) <= 9 else None
