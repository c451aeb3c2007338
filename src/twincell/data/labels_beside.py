"""Labels that lie beside images: tables of counts, and points, boxes or regions of other programs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twincell.data.count_tables import kind_of_table, read_counts
from twincell.errors import UserError
from twincell.io.filenames import listed
from twincell.io.image_names import ImageNames
from twincell.io.points import FORMATS, read_points
from twincell.io.readers import format_of
from twincell.words import number

NONE = "none"
MARKS = [suffix for suffix in FORMATS if suffix in (".xml", ".json", ".zip", ".roi")]
"""Files that are marks by their suffix; tables are told by their header, masks are only taken when named."""


@dataclass(frozen=True)
class Labels:
    """What was found.

    Attributes:
        counts: (N,) float64, cells per image; NaN = not counted.
        points: one row a cell: `row` (of the table of images), page, x, y, label.
        notes: what was taken, and every line that means no image.
        files: that were taken for labels.
    """

    counts: np.ndarray
    points: pd.DataFrame
    notes: list[str]
    files: list[Path]


def labels_beside(
    table: pd.DataFrame, inputs: Sequence[Path], counts: str | None, points: str | None
) -> Labels:
    """Find the labels of some images.

    Args:
        table: N images, with `path` and `page`.
        inputs: what the user named: looked through for labels, with the folders of the images.
        counts, points: a file (points: or a folder), "none", or None: what is found.

    Raises:
        UserError: tables that cannot be read, names of no image at all, contradicting counts.
    """
    folders = dict.fromkeys(
        [*(p if p.is_dir() else p.parent for p in inputs), *(Path(p).parent for p in table["path"].unique())]
    )
    found, notes = _files(folders)
    count_files = found["counts"] if counts is None else [Path(counts)] if counts != NONE else []
    point_files = found["points"] if points is None else [Path(points)] if points != NONE else []
    images = _Images(table)
    counted = np.full(len(table), np.nan)
    problems: list[str] = []
    for file in count_files:
        try:
            notes += _take_counts(file, images, counted, named=counts is not None)
        except UserError as problem:
            problems += problem.problems
    places = [pd.DataFrame(columns=["row", "page", "x", "y", "label"])]
    for file in point_files:
        try:
            taken, said = _take_points(file, images, named=points is not None)
            places.append(taken)
            notes += said
        except UserError as problem:
            problems += problem.problems
    marked = pd.concat([part for part in places if len(part)] or places[:1], ignore_index=True)
    marked = marked.drop_duplicates(["row", "x", "y"])
    problems += _contradictions(table, counted, marked)
    if problems:
        raise UserError(problems)
    numbers = marked.groupby("row").size()
    rows = numbers.index.to_numpy(dtype=int)
    counted[rows] = numbers.to_numpy()
    return Labels(counted, marked, notes, [*count_files, *point_files])


class _Images:
    """Rows by the names that tables give them."""

    def __init__(self, table: pd.DataFrame) -> None:
        resolved = [Path(path).resolve().as_posix() for path in table["path"]]
        self.names = ImageNames(resolved)
        self._rows = {key: row for row, key in enumerate(zip(resolved, table["page"], strict=True))}

    def row(self, name: str, page: int, folder: Path) -> int | str:
        """The row meant, or why there is none."""
        found = self.names.meant((folder / name).resolve().as_posix()) if name else []
        if len(found) != 1:
            found = self.names.meant(name) if name else []
        if len(found) != 1:
            return f"means {len(found)} images" if found else "is no image here"
        if (found[0], page) not in self._rows:
            return f"has no page {page} here"
        return self._rows[found[0], page]


def _files(folders: Iterable[Path]) -> tuple[dict[str, list[Path]], list[str]]:
    """Tables of counts and files of marks in some folders, and what else was seen and left."""
    found: dict[str, list[Path]] = {"counts": [], "points": []}
    notes = []
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if not file.is_file() or file.name.startswith("."):
                continue
            if file.suffix.lower() in MARKS and format_of(file) is None and file.name != "manifest.json":
                found["points"].append(file)
            elif file.suffix.lower() == ".csv":
                kind = kind_of_table(file)
                if kind in found:
                    found[kind].append(file)
                elif kind == "predicted":
                    notes.append(f"{file}: left alone, since a model made these counts and no person")
                else:
                    notes.append(f"{file}: left alone, no table of counts or points by its header")
    return found, notes


def _take_counts(file: Path, images: _Images, counted: np.ndarray, named: bool) -> list[str]:
    taken, lost, problems = 0, [], []
    for line in read_counts(file):
        row = images.row(line.image, line.page, file.parent)
        if isinstance(row, str):
            lost.append(f"line {line.line} ({line.image}) {row}")
            continue
        if not np.isnan(counted[row]) and counted[row] != line.count:
            problems.append(
                f"{file}, line {line.line}: {line.image} has count {line.count}, another table says "
                f"{counted[row]:g}; correct one, or name the right one with --counts"
            )
        counted[row] = line.count
        taken += 1
    if problems:
        raise UserError(problems)
    if named and not taken:
        raise UserError(
            f"{file}: no line means one of these images ({listed(lost)}); name the images as their files"
        )
    return [f"{file}: {number(taken, 'count')} taken", *(f"{file}: {reason}; left out" for reason in lost)]


def _take_points(file: Path, images: _Images, named: bool) -> tuple[pd.DataFrame, list[str]]:
    try:
        read = read_points(file)
    except UserError:
        if named:
            raise
        return pd.DataFrame(), [f"{file}: left alone, no file of marked cells"]
    keys = read[["image", "page"]].drop_duplicates()
    rows = {(name, page): images.row(name, page, file.parent) for name, page in keys.itertuples(index=False)}
    row = pd.Series([rows[key] for key in zip(read["image"], read["page"], strict=True)], dtype=object)
    known = row.map(lambda r: not isinstance(r, str))
    lost = [
        f"{file}: {name or 'its name'} {why}; left out"
        for (name, _), why in rows.items()
        if isinstance(why, str)
    ]
    if named and not known.any():
        raise UserError(f"{file}: marks no cell in one of these images; name the images as their files")
    taken = read[known.to_numpy(bool)].assign(row=row[known].astype(int).to_numpy())
    what = f"{file}: {number(len(taken), 'cell')} marked in {number(taken['row'].nunique(), 'image')}"
    return taken[["row", "page", "x", "y", "label"]], [what, *lost]


def _contradictions(table: pd.DataFrame, counted: np.ndarray, marked: pd.DataFrame) -> list[str]:
    rows, marks = np.unique(marked["row"].to_numpy(int), return_counts=True)
    differ = [
        f"{Path(table['path'].iloc[row]).name} ({counted[row]:g} and {n})"
        for row, n in zip(rows.tolist(), marks.tolist(), strict=True)
        if not np.isnan(counted[row]) and counted[row] != n
    ]
    if not differ:
        return []
    return [
        f"{number(len(differ), 'image')} with another count than marked cells: {listed(differ)}; "
        "correct one, or leave one out with --counts none or --points none"
    ]
