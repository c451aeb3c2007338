"""Where cells are: `points.csv`, and the files of other programs read as such.

One row a cell: `image, x, y, label`, in pixels from the corner of the first pixel, so that the centre of
the first pixel is (0.5, 0.5). `image` is relative to the file's own folder; `page` may be added for stacks;
`label` is free (living, dead, dividing) and may be left out.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from twincell.errors import UserError
from twincell.faults import FaultError, error, refuse
from twincell.files import write_kept
from twincell.io.image_names import ImageNames
from twincell.io.points_formats import imagej, labelme, masks, plain, voc
from twincell.io.points_formats.table import COLUMNS
from twincell.io.tables import csv_for_people

__all__ = ["COLUMNS", "FORMATS", "NAME", "match_images", "read_points", "write_points"]

NAME = "points.csv"

FORMATS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": plain.read,
    ".xml": voc.read,
    ".json": labelme.read,
    ".zip": imagej.read,
    ".roi": imagej.read,
    ".npy": masks.read,
    ".png": masks.read,
    ".tif": masks.read,
    ".tiff": masks.read,
}
"""Which module reads which suffix: a new format is one file and one line."""

MASK_ENDS = ("_cp_masks", "_masks", "_mask", "_seg", "_labels", "_rois", "_roi", "_points")
"""What programs put behind an image's name when they name its annotation."""


def read_points(path: str | Path) -> pd.DataFrame:
    """The cells marked in a file, or in all files of a folder, by their suffixes.

    Returns:
        One row a cell: image (as the file says; else the file's name without suffix and an ending such as
        `_cp_masks`), page (from 0), x, y (px from the corner of the first pixel), label.

    Raises:
        UserError: one sentence for each file that is missing, of no known format or not whole.
    """
    path = Path(path)
    if os.path.isdir(path):  # unlike Path's own, it says no to names that no file can have
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in FORMATS)
        if not files:
            raise FaultError(error(path, "holds no points", f"use files of {', '.join(FORMATS)}"))
    else:
        files = [path]
    tables, faults = [], []
    for file in files:
        try:
            tables.append(_read(file))
        except FaultError as problem:
            faults.append(problem.fault)
    refuse(faults)
    return pd.concat(tables, ignore_index=True)


def write_points(path: str | Path, points: pd.DataFrame) -> Path:
    """Writes a table with `image, x, y` and perhaps `page` and `label` as points.csv.

    A folder means its `points.csv`. Places are written to a thousandth of a pixel. Other points that stand
    there are kept beside, under a name with date and time.

    Raises:
        UserError: a column is missing, or a place is no number.
    """
    path = Path(path) if Path(path).suffix == ".csv" else Path(path) / NAME
    return write_kept(path, points_text(points))


def points_text(points: pd.DataFrame) -> str:
    """What `write_points` writes; errors as there."""
    if missing := [name for name in ("image", "x", "y") if name not in points]:
        raise UserError(f"points without the column {', '.join(missing)}; give image, x and y")
    if points[["x", "y"]].isna().any(axis=None):
        raise UserError("points with a place that is no number; drop these rows")
    told = points.assign(label=points.get("label", ""))
    pages = ["page"] if "page" in points and (points["page"] != 0).any() else []
    columns = ["image", *pages, "x", "y", "label"]
    return csv_for_people(told[columns], float_format="%.3f")


def match_images(points: pd.DataFrame, images: Sequence[str]) -> pd.DataFrame:
    """Points whose images are named as in `images`: by the whole path, else the file name, else its stem.

    Raises:
        UserError: one sentence for each image that none, or more than one, is meant by.
    """
    known = ImageNames(images)
    names = {asked: known.meant(asked) for asked in points["image"].unique()}
    refuse(
        error(
            asked or "a file of points",
            f"is meant for {len(found) or 'no'} images" + (f" ({', '.join(found[:3])})" if found else ""),
            "name the image in the column image as it is named elsewhere",
        )
        for asked, found in names.items()
        if len(found) != 1
    )
    return points.assign(image=points["image"].map({asked: found[0] for asked, found in names.items()}))


def _read(path: Path) -> pd.DataFrame:
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise FaultError(error(path, "is no file of points", f"use one of {', '.join(FORMATS)}"))
    if not os.path.isfile(path):
        raise FaultError(error(path, "is missing", "name a file of points"))
    points = reader(path)
    return points.assign(image=points["image"].where(points["image"] != "", _bare(path.stem)))


def _bare(stem: str) -> str:
    """The name of the image that an annotation file is named after."""
    end = next((end for end in MASK_ENDS if stem.lower().endswith(end) and len(stem) > len(end)), "")
    return stem[: len(stem) - len(end)]
