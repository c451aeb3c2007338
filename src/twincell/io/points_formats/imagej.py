"""Fiji and ImageJ: `.roi` files and zips of them; every marked point, and areas by their centres."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.points_formats.table import Point, centroid, table, unreadable

LARGEST = 64 * 2**20
"""Bytes that one region may unpack to; a real one has a few hundred."""


def read(path: Path) -> pd.DataFrame:
    """The regions of a file; page is the stack position it was drawn at, 0 where there is none."""
    try:
        from roifile import ImagejRoi
    except ImportError as problem:
        raise UserError(f"{path}: reading ImageJ regions needs roifile; install it with pip") from problem
    points: list[Point] = []
    for name, data in _members(path):
        try:
            points += _points(ImagejRoi.frombytes(data), path)
        except UserError:
            raise
        except Exception as problem:  # the decoder raises many kinds; each means that it is no region
            raise unreadable(path, f"region {name}: {problem}") from problem
    return table(points)


def _members(path: Path) -> list[tuple[str, bytes]]:
    if path.suffix.lower() == ".roi":
        return [(path.name, path.read_bytes())]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if info.filename.lower().endswith(".roi")]
            if not entries:
                raise unreadable(path, "it holds no .roi file")
            if any(info.file_size > LARGEST for info in entries):
                raise unreadable(path, "a region in it is larger than any real one")
            return [(info.filename, archive.read(info)) for info in entries]
    except (zipfile.BadZipFile, OSError) as problem:
        raise unreadable(path, problem) from problem


def _points(roi: Any, path: Path) -> list[Point]:
    page = max(int(roi.position or 0), int(roi.t_position or 0), 1) - 1
    kind = roi.roitype.name
    if kind == "POINT":
        # Marks on whole pixels mean those pixels; marks between them are exact.
        half = 0.0 if roi.subpixelresolution else 0.5
        return [("", page, float(x) + half, float(y) + half, "") for x, y in roi.coordinates()]
    if kind in ("RECT", "OVAL"):
        return [("", page, (roi.left + roi.right) / 2, (roi.top + roi.bottom) / 2, "")]
    if kind in ("POLYGON", "FREEHAND", "TRACED"):
        x, y = centroid([(float(x), float(y)) for x, y in roi.coordinates()])
        return [("", page, x, y, "")]
    raise unreadable(path, f"a region of kind {kind.lower()} is no cell", "use points or closed shapes")


def roi_zip(regions: Sequence[tuple[str, int, NDArray[np.float64]]]) -> bytes:
    """A zip for the ROI Manager: one multi-point region for each name, stack position (from 1; 0 = none) and
    places, (N, 2) px from the corner of the first pixel. The same regions give the same bytes.

    Raises:
        UserError: roifile is missing.
    """
    try:
        from roifile import ROI_TYPE, ImagejRoi
    except ImportError as problem:
        raise UserError("writing ImageJ regions needs roifile; install it with pip") from problem
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, position, places in regions:
            roi = ImagejRoi.frompoints(places.astype(np.float32), name=name, position=position)
            roi.roitype = ROI_TYPE.POINT
            data = roi.tobytes()
            archive.writestr(zipfile.ZipInfo(f"{name.replace('/', '_')}.roi"), data)
    return target.getvalue()
