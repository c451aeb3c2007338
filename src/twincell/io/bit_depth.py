"""How many bits a camera gave, which the 16-bit numbers of its files do not say, and grey bytes by that.

A 12-bit camera's values end at 4095. Read as 16 bit they would be almost black, so the depth is taken from
what the user declares, else from the file's metadata where that names fewer bits than the numbers have,
else from the highest value of a few frames: the smallest of 8, 10, 12, 14 and 16 bit that holds it. All
frames of a recording are scaled alike, grey = value / (2 ** bits - 1) * 255; a value above that is a fault of
its frame.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.faults import FaultError, error

DEPTHS = (8, 10, 12, 14, 16)
AUTO = "auto"


class Depth(NamedTuple):
    """Bits of a camera's values, and who says so."""

    bits: int
    source: str

    def note(self, dtype: np.dtype[Any]) -> str:
        """The rule in words, to be printed."""
        return (
            f"{self.bits} bit in {dtype.itemsize * 8}-bit numbers by {self.source}; grey = value / "
            f"{2**self.bits - 1} x 255 in every frame (--bit-depth says otherwise)"
        )


def parse_bit_depth(text: str | int | None) -> int | None:
    """The bits declared, 8 to 16; None for "auto" or nothing.

    Raises:
        UserError: for anything else.
    """
    word = str(text or AUTO).strip().lower()
    if word == AUTO:
        return None
    if not word.isascii() or not word.isdigit() or not 8 <= int(word) <= 16:
        raise UserError(f"--bit-depth {text}: write auto, or the camera's bits, 8 to 16")
    return int(word)


def settle_depth(
    dtype: np.dtype[Any], highest: float, declared: int | None, own: int | None, own_from: str
) -> Depth | None:
    """The depth of a recording; None where its numbers are bytes or no integers.

    Args:
        dtype: of its images.
        highest: the usual highest value of a few frames.
        declared: bits by the user's word, or None.
        own: bits by the file's metadata, or None; `own_from` names that metadata.
    """
    if dtype.kind not in "ui" or dtype.itemsize == 1:
        return None
    if declared is not None:
        return Depth(declared, "--bit-depth")
    if own is not None and 8 <= own < dtype.itemsize * 8:
        return Depth(own, own_from)
    return Depth(bits_for(highest), f"the frames' highest value, {highest:g}")


def bits_for(highest: float) -> int:
    """The smallest usual depth that holds a value, 16 at most."""
    return next((bits for bits in DEPTHS if highest <= 2**bits - 1), DEPTHS[-1])


def full_scale(highest: float, dtype: np.dtype[Any]) -> float:
    """The highest value the camera can give, by the highest one seen; infinity for floats."""
    if dtype.kind not in "ui":
        return float("inf")
    bits = bits_for(highest)
    return float(2**bits - 1) if highest <= 2**bits - 1 else float(np.iinfo(dtype).max)


def grey_by_depth(pixels: NDArray[Any], bits: int, where: object) -> NDArray[np.uint8]:
    """Integers of a camera's depth as grey bytes, 0 to 255, shape kept.

    Raises:
        FaultError: values below 0 or above what the depth holds.
    """
    low, high, top = int(pixels.min()), int(pixels.max()), 2**bits - 1
    if low < 0 or high > top:
        what = f"holds values {low} to {high}, outside {bits} bit (0 to {top})"
        raise FaultError(error(where, what, "look at the image, or name its depth with --bit-depth"))
    return np.round(pixels * (255.0 / top)).astype(np.uint8)
