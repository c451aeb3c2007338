"""TIFF of all kinds (OME, ImageJ, plain) through tifffile, one page at a time.

What the metadata announces decides how many images there are. One that is announced and not in the file, as
in a file copied by half, is an image that is missing, not one less.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, Stack, cut_out, first_line, flat_index, require_size
from twincell.io.readers.tiff_metadata import TiffFacts, chain_breaks, read_facts, room_for

POSITIONS = "RMV"  # tifffile's letters for tiles, mosaics and views
KNOWN = frozenset("TPCZYXS")  # its others, I and Q, stand for dimensions that the file does not name


class TiffStack(Stack):
    """A TIFF file; see `Stack`.

    Where its series all look alike, as OME-TIFF stores positions, they become the position axis.
    """

    any_order = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole: NDArray[Any] | None = None
        try:
            self._file = tifffile.TiffFile(path)
            self._understand()
        except UserError:
            raise
        except Exception as failure:  # tifffile raises many kinds; each means it is no readable TIFF
            raise UserError(
                f"{path}: cannot be read as TIFF ({first_line(failure)}); copy it again from the source"
            ) from failure

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        place = flat_index(axes, self.shape, index)
        try:
            if not axes.endswith(("YX", "YXS")) or self._in_one_page:
                return cut_out(self._all(), axes, index)
            shape = tuple(n for a, n in zip(axes, self.shape, strict=True) if a in "YXS")
            series, inside = divmod(place, _images(axes, self.shape) // len(self._series))
            return self._image(self._series[series], inside, shape)
        except FrameError:
            raise
        except Exception as failure:  # a page cut short, its compression broken, its tags out of range
            what = f"page {place + 1} of {self.path.name}: {first_line(failure)}"
            raise FrameError("unreadable", what) from failure

    def time_s(self, axes: str, index: dict[str, int]) -> float | None:  # noqa: D102
        return self._times.get(tuple(index.get(a, 0) for a in "PTCZ"))

    def close(self) -> None:  # noqa: D102
        self._whole = None
        self._file.close()

    # -- images ------------------------------------------------------------------------------------

    def _image(self, series: Any, place: int, shape: tuple[int, ...]) -> NDArray[Any]:
        pages = series.pages
        if len(pages) <= place and series.dataoffset is not None:
            return self._image_in_block(series, place, shape)
        page = pages[place] if place < len(pages) else None
        if page is None:
            raise FrameError("missing", f"page {place + 1} is not in {self.path.name}, which is cut short")
        require_size(page.shape)
        # Decoders fill what is not there with zeros; a page cut short must not pass for a dark one.
        size = self._file.filehandle.size
        ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > size or not all(page.databytecounts):
            raise FrameError("unreadable", f"page {place + 1} of {self.path.name} is cut short")
        image = np.asarray(page.asarray())
        if image.ndim == 3 and image.shape[0] in (3, 4) and len(shape) == 3 and image.shape != shape:
            image = np.moveaxis(image, 0, -1)  # colour stored plane by plane
        return image

    def _image_in_block(self, series: Any, place: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Stacks written at once may describe the first image only; the others follow it byte by byte."""
        dtype = np.dtype(series.dtype).newbyteorder(self._file.byteorder)
        count = math.prod(shape)
        start = series.dataoffset + place * count * dtype.itemsize
        if start + count * dtype.itemsize > self._file.filehandle.size:
            raise FrameError("missing", f"image {place + 1} is not in {self.path.name}, which is cut short")
        self._file.filehandle.seek(start)
        return np.asarray(self._file.filehandle.read_array(dtype, count)).reshape(shape)

    def _all(self) -> NDArray[Any]:
        """The whole stack: mapped where it lies in one piece, else the one case in which all is in memory."""
        if self._whole is None:
            mapped = self._series[0].dataoffset is not None and len(self._series) == 1
            whole = tifffile.memmap(self.path, series=0, mode="r") if mapped else self._file.asarray(series=0)
            self._whole = np.asarray(whole).reshape(self.shape)
        return self._whole

    # -- which there are ---------------------------------------------------------------------------

    def _understand(self) -> None:
        """Reads the metadata and sets which images there are.

        Raises:
            UserError: there are none, or not in a way that can be read.
        """
        pages, size = len(self._file.pages), self._file.filehandle.size
        if not pages:
            raise UserError(f"{self.path}: holds no images; copy it again from the source")
        facts = read_facts(self._file)
        self.axes_from, self._times = facts.kind, facts.times
        self.pixel_size_um, self.interval_min = facts.pixel_size_um, facts.interval_min
        self.channels, self.bits = facts.channels, facts.bits
        try:
            series = list(self._file.series)
        except Exception:  # tifffile trips over metadata that speaks of pages which are not there
            series = []
        broken, room = chain_breaks(self._file), room_for(self._file)
        axes = self._join(series) if series else None
        found = 0 if axes is None else _images(axes, self.shape)
        if axes is None or broken or max(facts.announced, room) > found:
            axes = self._as_announced(facts, broken, room)
        if broken:
            self.notes = [f"is cut short: its page chain breaks after page {pages}; what is lost is flagged"]
        if 0 in self.shape or _images(axes, self.shape) > size:
            raise UserError(f"{self.path}: cannot be read as TIFF (its sizes are damaged); copy it again")
        self._in_one_page = _images(axes, self.shape) > 1 and self._series[0].keyframe.shape == self.shape
        self._refuse_unreadable()
        self.own_axes = axes if set(axes) <= KNOWN else None

    def _join(self, series: list[tifffile.TiffPageSeries]) -> str | None:
        """Sets the series and the shape; the axes, in tifffile's letters where the file names none."""
        first = series[0]
        self._series: list[Any] = series
        axes = "".join("P" if a in POSITIONS else a for a in first.axes)
        alike = all(s.shape == first.shape and s.axes == first.axes for s in series)
        if len(series) == 1:
            self.shape = tuple(first.shape)
            return axes
        if self._file.is_ome and alike and "P" not in axes:
            self.shape = (len(series), *first.shape)
            return "P" + axes
        if self._file.is_ome:
            sizes = ", ".join("x".join(map(str, s.shape)) for s in series)
            raise UserError(
                f"{self.path}: holds {len(series)} series of different sizes ({sizes}); save each as its own "
                "file"
            )
        return None  # pages that differ, one of another size, say

    def _as_announced(self, facts: TiffFacts, broken: bool, room: int) -> str:
        """Makes one row of all pages, of as many images as the file announces; the axes."""
        pages = list(self._file.pages)
        shapes = [page.shape for page in pages]
        row = _PageRow(pages, pages[shapes.index(max(set(shapes), key=shapes.count))])
        if len(pages) == 1 and (room or self._file.is_imagej):
            row.dataoffset = row.keyframe.dataoffsets[0]
        axes, sizes = facts.axes, facts.sizes
        if facts.announced < len(pages):
            # Nobody says how many are lost behind the break: one stands for them all.
            axes, sizes = "Q", (max(len(pages) + broken, room),)
        self._series, self.shape = [row], (*sizes, *row.keyframe.shape)
        return axes + str(row.keyframe.axes)

    def _refuse_unreadable(self) -> None:
        page = self._series[0].keyframe
        try:
            page.decode  # noqa: B018 - building the decoder tells whether the compression is known
        except Exception as failure:
            name = getattr(page.compression, "name", page.compression)
            raise UserError(
                f"{self.path}: its compression ({name}) needs a further package ({failure}); "
                "pip install imagecodecs, or save the stack uncompressed"
            ) from failure


def _images(axes: str, shape: Sequence[int]) -> int:
    """How many images a stack of these axes holds."""
    return math.prod(n for a, n in zip(axes, shape, strict=True) if a not in "YXS")


class _PageRow:
    """Pages of a file as one series, whatever their sizes; `dataoffset` where images follow the first one."""

    def __init__(self, pages: list[Any], keyframe: Any) -> None:
        self.pages, self.keyframe, self.dtype = pages, keyframe, keyframe.dtype
        self.dataoffset: int | None = None
