"""LabelMe: one JSON file an image; points, and shapes by their centres."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.io.points_formats.table import Point, centroid, table, unreadable


def read(path: Path) -> pd.DataFrame:
    """A point of each shape: itself, a circle's centre, a rectangle's middle, a polygon's centre of area."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise unreadable(path, problem) from problem
    if not isinstance(told, dict) or not isinstance(told.get("shapes"), list):
        raise unreadable(path, "it has no list of shapes, as LabelMe writes")
    image = str(told.get("imagePath") or "").replace("\\", "/").rpartition("/")[2]
    return table(_point(path, image, shape) for shape in told["shapes"])


def _point(path: Path, image: str, shape: Any) -> Point:
    try:
        corners = [(float(x), float(y)) for x, y in shape["points"]]
        kind, label = shape.get("shape_type") or "polygon", str(shape.get("label") or "")
    except (TypeError, KeyError, ValueError, AttributeError) as problem:
        raise unreadable(path, f"a shape has no points ({problem})") from problem
    needed = {"point": 1, "circle": 2, "rectangle": 2, "polygon": 3}.get(kind)
    if needed is None:
        raise unreadable(path, f"shape {kind!r} is no cell", "use points, circles, rectangles or polygons")
    if len(corners) < needed or not all(math.isfinite(x + y) for x, y in corners):
        raise unreadable(path, f"a {kind} has the points {corners}")
    if kind in ("point", "circle"):
        x, y = corners[0]  # of a circle: its centre, then a place on its rim
    elif kind == "rectangle":
        x, y = ((corners[0][axis] + corners[1][axis]) / 2 for axis in (0, 1))
    else:
        x, y = centroid(corners)
    return image, 0, x, y, label
