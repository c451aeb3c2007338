"""One frame of a recording as the model wants it: grey bytes, of a size it takes - or why it cannot be."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twincell.counting.inputs import Frames
from twincell.faults import Fault, FaultError, error
from twincell.io.images import GreyImage, read_grey, to_grey
from twincell.io.stacks import Stack

CONVERT = "or convert it by fixed rules with --convert"
CROP = "crop the chamber out of it, or use `twincell import stack`"


class Reader:
    """Reads the frames of a table, several at once, one open stack at a time.

    Args:
        frames: what to read.
        size: side of the square picture in pixels that the model takes; None: any size, nothing is resized.
        convert: make colour, 16-bit and float pictures grey bytes (rules in `twincell.io.images`).
    """

    def __init__(self, frames: Frames, size: int | None, convert: bool = False) -> None:
        self._frames, self._size, self._convert = frames, size, convert
        self._paths: list[str] = frames.table["path"].tolist()
        self._pages: list[int] = frames.table["page"].tolist()
        self._lock = threading.Lock()
        self._open: tuple[str, Stack] | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def read(self, row: int) -> GreyImage | Fault:
        """The frame of this row, (size, size) uint8 (or of its own size), or its fault."""
        try:
            image = self._grey(self._paths[row], self._pages[row])
        except FaultError as problem:
            cure = problem.fault.cure if self._convert else f"{problem.fault.cure}, {CONVERT}"
            return replace(problem.fault, cure=cure) if _convertible(problem.fault) else problem.fault
        height, width = image.shape
        if self._size is None:
            return image
        if height != width:
            return error(self._paths[row], f"is {width} x {height} pixels, not square", CROP)
        if height != self._size:
            small = Image.fromarray(image).resize((self._size, self._size), Image.Resampling.BICUBIC)
            return np.asarray(small)
        return image

    def read_all(self, rows: Sequence[int]) -> list[GreyImage | Fault]:
        """The frames of these rows, in order; decoders let other threads work meanwhile."""
        with ThreadPoolExecutor(min(4, max(1, len(rows)))) as pool:
            return list(pool.map(self.read, rows))

    def size_of(self, row: int) -> tuple[int, int] | None:
        """Height and width of a frame before resizing, None where it cannot be read."""
        try:
            return self._grey(self._paths[row], self._pages[row]).shape
        except FaultError:
            return None

    def _grey(self, path: str, page: int) -> GreyImage:
        if path not in self._frames.stacks:
            return read_grey(path, page, self._convert)
        with self._lock:
            pixels = self._of_stack(path, page)
        return to_grey(pixels, f"{path}, frame {page}", self._convert)

    def _of_stack(self, path: str, page: int) -> NDArray[Any]:
        try:
            if self._open is None or self._open[0] != path:
                if self._open is not None:
                    self._open[1].close()
                self._open = (path, Stack(Path(path), self._frames.stacks[path]))
            return self._open[1].frame(page)
        except Exception as failure:  # decoders raise many kinds; each means that this frame cannot be read
            reason = (str(failure).strip() or type(failure).__name__).splitlines()[0]
            what = f"cannot be read ({reason})"
            raise FaultError(
                error(f"{path}, frame {page}", what, "copy the file again from the source")
            ) from failure


def sharpness(image: GreyImage) -> float:
    """Mean squared difference of neighbouring pixels, in grey levels squared; blur makes it fall."""
    levels = image.astype(np.float32)
    return float((np.diff(levels, axis=0) ** 2).mean() + (np.diff(levels, axis=1) ** 2).mean())


def _convertible(fault: Fault) -> bool:
    return "not 8-bit" in fault.what or "colour image" in fault.what
