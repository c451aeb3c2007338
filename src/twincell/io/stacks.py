"""TIFF stacks read frame by frame, with axes somebody vouched for: the file's own metadata, or the user."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from twincell.faults import FaultError, error

LETTERS = "TZCYXS"
HOURS = {"ms": 1 / 3_600_000, "s": 1 / 3600, "sec": 1 / 3600, "min": 1 / 60, "h": 1.0}
Pixels = NDArray[Any]


@dataclass(frozen=True)
class StackInfo:
    """What is known of a stack before a frame is read.

    Attributes:
        axes: one letter per stored dimension.
        shape: the stored shape.
        declared: whether the user said the axes (else the file did).
        own: the axes by the file's own word; I and Q stand for unknown ones.
        interval_h: hours between frames, NaN where the file does not say.
    """

    axes: str
    shape: tuple[int, ...]
    declared: bool
    own: str
    interval_h: float

    @property
    def frames(self) -> int:
        """How many frames of time it holds."""
        return self.shape[self.axes.index("T")] if "T" in self.axes else 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        return self.shape[self.axes.index("Y")], self.shape[self.axes.index("X")]

    def echo(self) -> str:
        """The axes in words, to be printed."""
        shape = " x ".join(map(str, self.shape))
        if not self.declared:
            return f"axes {self.axes} ({shape}) by the file's own metadata"
        known = set(self.own) <= set(LETTERS) and self.own != self.axes
        return f"axes {self.axes} ({shape}) as declared" + (
            f"; the file itself says {self.own}" if known else ""
        )


def pages(path: Path) -> int:
    """How many pictures a TIFF holds; 1 for a plain one."""
    with tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        picture = 3 if "S" in series.axes else 2
        return max(len(tif.pages), math.prod(series.shape[: len(series.shape) - picture]))


def describe(path: Path, axes: str | None) -> StackInfo:
    """The axes of a stack, declared or from its metadata; never guessed.

    Raises:
        FaultError: axes that nobody states or that do not fit; several series, channels or focus levels.
    """
    with tifffile.TiffFile(path) as tif:
        if len(tif.series) > 1:
            what = f"holds {len(tif.series)} series of pictures (positions or sizes)"
            raise FaultError(error(path, what, "bring them in with `twincell import stack`"))
        series = tif.series[0]
        shape, own, interval = tuple(series.shape), series.axes, _interval_h(tif)
    letters = own if axes is None else axes.upper()
    _require_axes(path, letters, shape, declared=axes is not None)
    for letter, length in zip(letters, shape, strict=True):
        if letter in "ZC" and length > 1:
            what = (
                f"holds {length} entries along axis {letter} (axes {letters}), of which one is to be counted"
            )
            cure = (
                f"save the wanted {letter} as a file of its own, or declare --axes if {letter} is really time"
            )
            raise FaultError(error(path, what, cure))
    return StackInfo(letters, shape, axes is not None, own, interval)


class Stack:
    """An open stack, one frame in memory at a time wherever the file's layout allows it."""

    def __init__(self, path: Path, info: StackInfo) -> None:
        self.info = info
        self._tif = tifffile.TiffFile(path)
        series = self._tif.series[0]
        leading = [letter for letter in info.axes if letter not in "YXS"]
        in_order = "".join(leading) + "".join(a for a in info.axes if a in "YXS") == info.axes
        self._by_page = in_order and len(series.pages) == info.frames
        self._pages = series.pages
        # A file whose frames are not pages of their own is mapped, not loaded, where it is not compressed.
        self._whole = None if self._by_page else (_mapped(path) if series.dataoffset else series.asarray())

    def frame(self, index: int) -> Pixels:
        """Frame `index` from 0: (H, W), or (H, W, channels) for colour."""
        if self._whole is None:
            stored = self._pages[index]
            if stored is None:
                raise ValueError(f"frame {index} is not in the file")
            page = np.asarray(stored.asarray())
            return page if "S" in self.info.axes else page.reshape(self.info.size)
        letters = self.info.axes
        cut = tuple(index if a == "T" else slice(None) if a in "YXS" else 0 for a in letters)
        left = [a for a in letters if a in "YXS"]
        return np.asarray(self._whole[cut]).transpose([left.index(a) for a in "YXS" if a in left])

    def close(self) -> None:
        """Closes the file."""
        self._tif.close()


def _require_axes(path: Path, letters: str, shape: tuple[int, ...], declared: bool) -> None:
    if not declared and not set(letters) <= set(LETTERS):
        what = f"does not say what its axes are (shape {shape})"
        raise FaultError(error(path, what, "declare them with --axes, TYX for frames of time"))
    if len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters) <= set(LETTERS):
        cure = f"name each dimension once, with letters of {LETTERS}, Y and X among them"
        raise FaultError(error(path, f"cannot have the axes {letters!r}", cure))
    if len(letters) != len(shape):
        what = f"has shape {shape}, which the axes {letters!r} do not fit"
        raise FaultError(error(path, what, f"name {len(shape)} axes, one for each dimension"))


def _mapped(path: Path) -> Pixels:
    return tifffile.memmap(path, series=0, mode="r")


def _interval_h(tif: tifffile.TiffFile) -> float:
    """Hours between frames by OME or ImageJ metadata, NaN where neither says."""
    if tif.is_imagej and tif.imagej_metadata:
        seconds = float(tif.imagej_metadata.get("finterval", 0) or 0)
        unit = str(tif.imagej_metadata.get("tunit", "s")).strip().lower()
        return seconds * HOURS[unit] if seconds > 0 and unit in HOURS else math.nan
    if tif.is_ome and tif.ome_metadata:
        for element in ElementTree.fromstring(tif.ome_metadata).iter():
            if element.tag.endswith("Pixels") and "TimeIncrement" in element.attrib:
                unit = element.attrib.get("TimeIncrementUnit", "s")
                return float(element.attrib["TimeIncrement"]) * HOURS.get(unit, math.nan)
    return math.nan
