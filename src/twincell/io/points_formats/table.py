"""The table every format is read into."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.faults import FaultError, error

COLUMNS = ("image", "page", "x", "y", "label")

Point = tuple[str, int, float, float, str]
"""Image, page, x, y, label: one cell."""


def table(points: Iterable[Point]) -> pd.DataFrame:
    """One row a cell, with `COLUMNS`; x and y float64, page int64."""
    types: dict[str, Any] = {"image": str, "page": "int64", "x": "float64", "y": "float64", "label": str}
    return pd.DataFrame(list(points), columns=list(COLUMNS)).astype(types)


def unreadable(
    path: Path, reason: object, cure: str = "save it again from the program it comes from"
) -> FaultError:
    """The refusal of a file that is not what its format says."""
    return FaultError(error(path, f"cannot be read as points ({' '.join(str(reason).split())})", cure))


def centroid(corners: list[tuple[float, float]]) -> tuple[float, float]:
    """The centre of a polygon's area; of its corners, where it has none."""
    shifted = [*corners[1:], corners[0]]
    crosses = [x * v - u * y for (x, y), (u, v) in zip(corners, shifted, strict=True)]
    area = sum(crosses)
    if abs(area) < 1e-9:
        return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)
    pairs = list(zip(corners, shifted, crosses, strict=True))
    return (
        sum((x + u) * c for (x, _), (u, _), c in pairs) / (3 * area),
        sum((y + v) * c for (_, y), (_, v), c in pairs) / (3 * area),
    )
