"""TIFF and OME-TIFF stacks through tifffile, one page at a time."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, flat_index, micrometres, minutes

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
UNSTATED = set("IQ")  # tifffile's letters for a dimension that the file does not name
POSITIONS = "RMV"  # tifffile's letters for tiles, mosaics and views


class TiffStack:
    """A TIFF file as `Stack`; see there.

    Where its series all look alike, as OME-TIFF stores positions, they become the position axis.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = tifffile.TiffFile(path)
            self._series = list(self._file.series)
        except Exception as failure:  # tifffile raises many kinds; each means it is no readable TIFF
            reason = (str(failure).strip() or type(failure).__name__).splitlines()[0]
            raise UserError(
                f"{path}: cannot be read as TIFF ({reason}); copy it again from the source"
            ) from failure
        if not self._series:
            raise UserError(f"{path}: holds no pictures; copy it again from the source")
        self._refuse_unreadable()
        self._join_series()
        self.pixel_size_um: float | None = None
        self.interval_min: float | None = None
        self.channels: Sequence[str] = []
        self._times: dict[tuple[int, ...], float] = {}
        self._read_metadata()

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        place = flat_index(axes, self.shape, index)
        picture_shape = tuple(n for a, n in zip(axes, self.shape, strict=True) if a in "YXS")
        per_series = math.prod(n for a, n in zip(axes, self.shape, strict=True) if a not in "YXS") // len(
            self._series
        )
        series, place = self._series[place // per_series], place % per_series
        try:
            picture = self._picture(series, place, picture_shape)
        except FrameError:
            raise
        except Exception as failure:  # a page cut short, its compression broken, its tags out of range
            reason = (str(failure).strip() or type(failure).__name__).splitlines()[0]
            raise FrameError("unreadable", f"page {place + 1} of {self.path.name}: {reason}") from failure
        return picture

    def time_s(self, axes: str, index: dict[str, int]) -> float | None:  # noqa: D102
        return self._times.get(tuple(index.get(a, 0) for a in "PTCZ"))

    def close(self) -> None:  # noqa: D102
        self._file.close()

    # -- pictures ----------------------------------------------------------------------------------

    def _picture(self, series: tifffile.TiffPageSeries, place: int, shape: tuple[int, ...]) -> NDArray[Any]:
        pages = series.pages
        if len(pages) <= place and series.dataoffset is not None:
            return self._picture_in_block(series, place, shape)
        page = pages[place] if place < len(pages) else None
        if page is None:
            raise FrameError("missing", f"page {place + 1} is not in {self.path.name}")
        # Decoders fill what is not there with zeros; a page cut short must not pass for a dark one.
        size = self._file.filehandle.size
        ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > size or not all(page.databytecounts):
            raise FrameError("unreadable", f"page {place + 1} of {self.path.name} is cut short")
        picture = np.asarray(page.asarray())
        if picture.ndim == 3 and picture.shape[0] in (3, 4) and len(shape) == 3 and picture.shape != shape:
            picture = np.moveaxis(picture, 0, -1)  # colour stored plane by plane
        return picture

    def _picture_in_block(
        self, series: tifffile.TiffPageSeries, place: int, shape: tuple[int, ...]
    ) -> NDArray[Any]:
        """ImageJ's large stacks describe the first picture only; the others follow it byte by byte."""
        assert series.dataoffset is not None
        dtype = np.dtype(series.dtype).newbyteorder(self._file.byteorder)
        count = math.prod(shape)
        start = series.dataoffset + place * count * dtype.itemsize
        if start + count * dtype.itemsize > self._file.filehandle.size:
            raise FrameError("unreadable", f"picture {place + 1} of {self.path.name} is cut short")
        self._file.filehandle.seek(start)
        return np.asarray(self._file.filehandle.read_array(dtype, count)).reshape(shape)

    # -- what the file says ------------------------------------------------------------------------

    def _refuse_unreadable(self) -> None:
        page = self._series[0].keyframe
        try:
            page.decode  # noqa: B018 - building the decoder tells whether the compression is known
        except Exception as failure:
            name = tifffile.COMPRESSION(page.compression).name
            raise UserError(
                f"{self.path}: its compression ({name}) needs a further package ({failure}); "
                "pip install imagecodecs, or save the stack uncompressed"
            ) from failure

    def _join_series(self) -> None:
        first = self._series[0]
        axes = "".join("P" if a in POSITIONS else a for a in first.axes)
        alike = all(s.shape == first.shape and s.axes == first.axes for s in self._series)
        if self._file.is_ome and alike and len(self._series) > 1 and "P" not in axes:
            self.shape: tuple[int, ...] = (len(self._series), *first.shape)
            axes = "P" + axes
        elif len(self._series) > 1 and self._file.is_ome:
            sizes = ", ".join("x".join(map(str, s.shape)) for s in self._series)
            raise UserError(
                f"{self.path}: holds {len(self._series)} series of different sizes ({sizes}); save each as "
                "its own file"
            )
        elif len(self._series) > 1:
            axes = self._as_pages()
        else:
            self.shape = tuple(first.shape)
        self.axes_from = self._kind()
        self.own_axes = None if set(axes) & UNSTATED or not set(axes) <= set("TPCZYXS") else axes

    def _as_pages(self) -> str:
        """Pages that differ (one of another size, say) still stand in the order of one stack."""
        pages = list(self._file.pages)
        shapes = [p.shape for p in pages]
        usual = max(set(shapes), key=shapes.count)
        keyframe = pages[shapes.index(usual)]
        row: Any = _PageRow(pages, keyframe)  # has what is used of a series
        self._series = [row]
        self.shape = (len(pages), *usual)
        return "Q" + keyframe.axes

    def _kind(self) -> str:
        for name in ("ome", "imagej", "micromanager", "lsm", "stk", "shaped", "metaseries", "scanimage"):
            if getattr(self._file, f"is_{name}", False):
                return {
                    "ome": "OME metadata",
                    "imagej": "ImageJ metadata",
                    "shaped": "tifffile metadata",
                }.get(name, f"{name} metadata")
        return "TIFF tags"

    def _read_metadata(self) -> None:
        if self._file.is_ome and self._file.ome_metadata:
            self._read_ome(self._file.ome_metadata)
        elif self._file.is_imagej and self._file.imagej_metadata:
            self._read_imagej(self._file.imagej_metadata)
        else:
            self.pixel_size_um = self._pixel_from_tags(None)

    def _read_ome(self, xml: str) -> None:
        images = [e for e in ET.fromstring(xml).iter() if e.tag.rpartition("}")[2] == "Image"]
        for p, image in enumerate(images):
            pixels = next((e for e in image if e.tag.rpartition("}")[2] == "Pixels"), None)
            if pixels is None:
                continue
            size = pixels.get("PhysicalSizeX")
            if self.pixel_size_um is None and size:
                self.pixel_size_um = micrometres(float(size), pixels.get("PhysicalSizeXUnit", "µm"))
            step = pixels.get("TimeIncrement")
            if self.interval_min is None and step:
                self.interval_min = minutes(float(step), pixels.get("TimeIncrementUnit", "s"))
            if p == 0:
                self.channels = [e.get("Name", "") for e in pixels if e.tag.rpartition("}")[2] == "Channel"]
            for plane in (e for e in pixels if e.tag.rpartition("}")[2] == "Plane" and e.get("DeltaT")):
                place = (p, *(int(plane.get(f"The{a}", 0)) for a in "TCZ"))
                taken = minutes(float(plane.get("DeltaT", 0)), plane.get("DeltaTUnit", "s"))
                self._times[place] = 60.0 * (taken or 0.0)

    def _read_imagej(self, metadata: dict[str, Any]) -> None:
        self.pixel_size_um = self._pixel_from_tags(metadata.get("unit"))
        interval = metadata.get("finterval")
        self.interval_min = minutes(interval, metadata.get("tunit", "sec")) if interval else None
        self.channels = [str(label) for label in metadata.get("Labels", [])][: self._size("C")]

    def _size(self, letter: str) -> int:
        return dict(zip(self.own_axes or "", self.shape, strict=False)).get(letter, 0)

    def _pixel_from_tags(self, unit: str | None) -> float | None:
        """XResolution is pixels per unit; ImageJ keeps the unit elsewhere."""
        tags = self._series[0].keyframe.tags
        per = tags.get("XResolution")
        if per is None or not per.value[0] or not per.value[1]:
            return None
        if unit is None:
            kind = tags.get("ResolutionUnit")
            unit = {3: "cm"}.get(int(kind.value)) if kind is not None else None  # inches are printers' dots
        return micrometres(per.value[1] / per.value[0], unit)


class _PageRow:
    """Pages of a file as one series, whatever their sizes."""

    dataoffset = None

    def __init__(self, pages: list[Any], keyframe: Any) -> None:
        self.pages, self.keyframe, self.dtype = pages, keyframe, keyframe.dtype
