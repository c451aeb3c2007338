"""One frame of a recording as the model wants it: grey bytes, of a size it takes - or why it cannot be."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from PIL import Image

from twincell.counting.inputs import OF_FILE, Frames
from twincell.faults import Fault, FaultError, error
from twincell.io.images import GreyImage, read_grey, to_grey
from twincell.io.readers.base import FrameError

CONVERT = "or convert it by fixed rules with --convert"
CROP = "crop the chamber out of it, or use `twincell import stack`"


class Reader:
    """Reads the frames of a table, several at once, a few files open at a time.

    Args:
        frames: what to read.
        size: side of the square image in pixels that the model takes; None: any size, nothing is resized.
        convert: make colour, 16-bit and float images grey bytes (rules in `twincell.io.images`).
    """

    def __init__(self, frames: Frames, size: int | None, convert: bool = False) -> None:
        self._recordings, self._size, self._convert = frames.recordings, size, convert
        self._paths: list[str] = frames.table["path"].tolist()
        self._pages: list[int] = frames.table["page"].tolist()
        self._recording: list[int] = frames.table["recording"].tolist()
        self._bits: list[int] = frames.table["bits"].tolist()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        for recording in self._recordings:
            recording.close()

    def read(self, row: int) -> GreyImage | Fault:
        """The frame of this row, (size, size) uint8 (or of its own size), or its fault."""
        try:
            image = self._grey(row)
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
            return self._grey(row).shape
        except FaultError:
            return None

    def _grey(self, row: int) -> GreyImage:
        path, page, bits = self._paths[row], self._pages[row], self._bits[row] or None
        if self._recording[row] == OF_FILE:
            return read_grey(path, page, self._convert, bits)
        where = f"{path}, frame {page + 1}"
        try:
            pixels = self._recordings[self._recording[row]].frames[page].load()
        except FrameError as failure:
            fault = "is missing" if failure.kind == "missing" else "cannot be read"
            what = f"{fault} ({failure.detail})"
            raise FaultError(error(where, what, "copy the file again from the source")) from failure
        return to_grey(pixels, where, self._convert, bits)


def sharpness(image: GreyImage) -> float:
    """Mean squared difference of neighbouring pixels, in grey levels squared; blur makes it fall."""
    levels = image.astype(np.float32)
    return float((np.diff(levels, axis=0) ** 2).mean() + (np.diff(levels, axis=1) ** 2).mean())


def _convertible(fault: Fault) -> bool:
    return "not 8-bit" in fault.what or "colour image" in fault.what
