"""What every reader of image files offers, and the units and words that files are written in."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FrameError(Exception):
    """One frame that cannot be used, while the others can.

    Args:
        kind: a short word, the same for all frames with this fault, e.g. "missing".
        detail: what was seen, for the list of skipped frames.
    """

    def __init__(self, kind: str, detail: str) -> None:
        self.kind, self.detail = kind, detail
        super().__init__(f"{kind}: {detail}")

    def __reduce__(self) -> tuple[type["FrameError"], tuple[str, str]]:
        return FrameError, (self.kind, self.detail)


LARGEST_IMAGE = 2**28
"""Numbers in one image (16,384 x 16,384); no camera gives more, and a damaged header may say any size."""


def require_size(shape: Sequence[int]) -> None:
    """Refuse an image before memory is taken for it.

    Args:
        shape: rows, columns and, of colours, samples, as the file says.

    Raises:
        FrameError: it is larger than `LARGEST_IMAGE`.
    """
    if math.prod(shape) > LARGEST_IMAGE:
        size = " x ".join(f"{n:,}" for n in shape)
        raise FrameError("size", f"its header says {size} pixels, more than any camera gives")


class Stack(ABC):
    """One file with images along further axes, read one image at a time; readers derive from it.

    Made with the path alone. Attributes with a default are for readers to set where their files know.

    Attributes:
        path: the file.
        shape: size along each axis, as the file announces it: images that are not there count, too.
        own_axes: what the file's own metadata says its axes are, slowest first; None where it does not say.
        axes_from: the name of that metadata, e.g. "OME metadata".
        pixel_size_um: micrometres per pixel, or None.
        interval_min: minutes between frames, or None.
        channels: the channels' names, or empty.
        bits: bits of the camera's values where the metadata says, or None.
        notes: what is wrong or unusual about the file as a whole, in sentences.
        any_order: whether `plane` takes axes that do not end in YX or YXS.
    """

    path: Path
    shape: tuple[int, ...]
    own_axes: str | None = None
    axes_from: str = "metadata"
    pixel_size_um: float | None = None
    interval_min: float | None = None
    channels: Sequence[str] = ()
    bits: int | None = None
    notes: Sequence[str] = ()
    any_order: bool = False

    @abstractmethod
    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:
        """One image (rows, columns[, samples]) in the file's own numbers.

        Args:
            axes: the axes in use, one letter per entry of `shape`.
            index: 0-based index for each axis but Y, X and S.

        Raises:
            FrameError: this image is missing or cannot be read; others may be fine.
        """

    def time_s(self, axes: str, index: dict[str, int]) -> float | None:
        """When the image was taken, in seconds on the file's clock, where the file says."""
        return None

    def close(self) -> None:  # noqa: B027 - most readers hold nothing open
        """Closes the file."""


def flat_index(axes: str, shape: Sequence[int], index: dict[str, int]) -> int:
    """Where an image stands when all are counted through, slowest axis first."""
    place = 0
    for letter, size in zip(axes, shape, strict=True):
        if letter not in "YXS":
            place = place * size + index[letter]
    return place


def cut_out(whole: Any, axes: str, index: dict[str, int]) -> NDArray[Any]:
    """One image (rows, columns[, samples]) of an array whose axes stand in any order."""
    place = tuple(slice(None) if a in "YXS" else index[a] for a in axes)
    left = [a for a in axes if a in "YXS"]
    return np.asarray(whole[place]).transpose([left.index(a) for a in "YXS" if a in left])


def first_line(failure: Exception) -> str:
    """What a decoder's exception says, in one line."""
    return (str(failure).strip() or type(failure).__name__).splitlines()[0]


def micrometres(value: float | None, unit: str | None) -> float | None:
    """A length in micrometres; None for an unknown unit or no length."""
    factor = _MICROMETRES.get(_plain(unit))
    return float(value) * factor if value and factor and 0 < value < float("inf") else None


def minutes(value: float | None, unit: str | None) -> float | None:
    """A time in minutes; None for an unknown unit or no time."""
    factor = _MINUTES.get(_plain(unit))
    return float(value) * factor if value and factor and 0 < value < float("inf") else None


def _plain(unit: str | None) -> str:
    """A unit as the tables below have it: small letters, one micro sign, no plural."""
    text = (unit or "").replace("\\u00B5", "u").strip().lower().replace("\u00b5", "u").replace("\u03bc", "u")
    return text.removesuffix("s") if len(text) > 3 else text


_MICROMETRES = dict.fromkeys(("um", "micron", "micrometer", "micrometre"), 1.0)
_MICROMETRES |= dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3)
_MICROMETRES |= dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3)
_MICROMETRES |= dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4)
_MICROMETRES |= {"m": 1e6, "meter": 1e6, "metre": 1e6, "inch": 25400.0}
_MINUTES = dict.fromkeys(("s", "sec", "second"), 1 / 60)
_MINUTES |= dict.fromkeys(("ms", "msec", "millisecond"), 1 / 6e4)
_MINUTES |= dict.fromkeys(("min", "minute"), 1.0) | dict.fromkeys(("h", "hr", "hrs", "hour"), 60.0)
_MINUTES |= {"d": 1440.0, "day": 1440.0}
