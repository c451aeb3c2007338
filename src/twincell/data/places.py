"""The places of a manifest's cells: its points, linked to its rows and judged."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from twincell.errors import UserError
from twincell.faults import Fault, FaultError, error, warning
from twincell.io.points import NAME, read_points


def points_files(table: pd.DataFrame, root: Path) -> list[Path]:
    """The files that the column `points` names, else the `points.csv` of the folder, where there is one."""
    if "points" in table:
        named = [str(name) for name in table["points"].dropna().unique() if str(name)]
        return [root / name for name in named]
    return [root / NAME] if (root / NAME).is_file() else []


def read_places(table: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, list[Fault]]:
    """The cells marked in a manifest's images, and what is wrong with them.

    Args:
        table: N rows with `image` and `page`, and perhaps `points`.
        root: the folder that image paths start from.

    Returns:
        One row a cell with `row` (position in `table`, from 0), `image`, `page`, `x`, `y` and `label`; and
        the faults. Cells of images that the manifest does not list are left out.
    """
    found, faults = [], []
    rows = {key: row for row, key in enumerate(_keys(root, table["image"], table["page"]))}
    for file in points_files(table, root):
        try:
            points = read_points(file)
        except FaultError as problem:
            faults.append(problem.fault)
            continue
        except UserError as problem:
            faults += [error(file, said, "correct it") for said in problem.problems]
            continue
        keys = _keys(file.parent, points["image"], points["page"])
        points.insert(0, "row", [rows.get(key, -1) for key in keys])
        faults += _faults(points, file)
        known = points[points["row"] >= 0]
        found.append(known.assign(image=table["image"].to_numpy()[known["row"]]))
    columns = ["row", "image", "page", "x", "y", "label"]
    empty = pd.DataFrame(columns=columns).astype({"row": "int64", "x": "float64", "y": "float64"})
    return (pd.concat(found, ignore_index=True) if found else empty)[columns], faults


def count_faults(table: pd.DataFrame, places: pd.DataFrame, where: Path) -> Iterator[Fault]:
    """Counts that contradict the number of places; `table` and `places` as for `read_places`."""
    for row, number in enumerate(np.bincount(places["row"].to_numpy(np.int64), minlength=len(table))):
        count = table["count"].iloc[row]
        if number and not np.isnan(count) and count != number:
            what = f"image {table['image'].iloc[row]} has count {count:g} and {number} places"
            yield error(where, what, "correct one of the two, or leave the count blank")


def outside_fault(places: pd.DataFrame, size: tuple[int, ...], image: object) -> Fault | None:
    """The fault of places that do not lie in their image of this size."""
    height, width = size
    x, y = places["x"], places["y"]
    out = places[(x < 0) | (y < 0) | (x > width) | (y > height)]
    if out.empty:
        return None
    first = out.iloc[0]
    what = f"has {len(out)} places outside of its {width} x {height} pixels, such as "
    what += f"({first['x']:g}, {first['y']:g})"
    return error(image, what, "give x and y in pixels of the image as it is stored")


def _faults(points: pd.DataFrame, file: Path) -> Iterator[Fault]:
    for name in points.loc[points["row"] < 0, "image"].unique():
        if os.path.isfile(file.parent / name):  # a name may be one that no file can have
            yield warning(
                file, f"image {name} is not in the manifest", "add a row for it, or drop its places"
            )
        else:
            yield error(
                file, f"image {name} is not known", "name it as the manifest does, or drop its places"
            )
    again = points[points.duplicated(["image", "page", "x", "y"])]
    for place in again.itertuples():
        what = f"image {place.image} has the place ({place.x:g}, {place.y:g}) twice"
        yield error(file, what, "drop one of the two rows")


def _keys(root: Path, images: pd.Series, pages: pd.Series) -> list[tuple[str, int]]:
    places = [os.path.normpath(os.path.join(os.path.abspath(root), str(image))) for image in images]
    return list(zip(places, pages.astype(int), strict=True))
