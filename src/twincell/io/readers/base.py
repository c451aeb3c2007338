"""What every reader of microscope files offers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

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


class Stack(Protocol):
    """One file with pictures along further axes, read one picture at a time.

    Attributes:
        path: the file.
        own_axes: what the file's own metadata says its axes are, slowest first; None where it does not say.
        axes_from: the name of that metadata, e.g. "OME metadata".
        shape: size along each axis, rows and columns (and colour samples) last.
        pixel_size_um: micrometres per pixel, or None.
        interval_min: minutes between frames, or None.
        channels: the channels' names, or empty.
    """

    path: Path
    own_axes: str | None
    axes_from: str
    shape: tuple[int, ...]
    pixel_size_um: float | None
    interval_min: float | None
    channels: Sequence[str]

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:
        """One picture (rows, columns[, samples]) as stored.

        Args:
            axes: the axes in use, one letter per entry of `shape`.
            index: 0-based index for each axis but Y, X and S.

        Raises:
            FrameError: this picture is missing or cannot be read; others may be fine.
        """
        ...

    def time_s(self, axes: str, index: dict[str, int]) -> float | None:
        """When the picture was taken, in seconds on the file's clock, where the file says."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


def flat_index(axes: str, shape: Sequence[int], index: dict[str, int]) -> int:
    """Where a picture stands when all are counted through, slowest axis first."""
    place = 0
    for letter, size in zip(axes, shape, strict=True):
        if letter not in "YXS":
            place = place * size + index[letter]
    return place


def micrometres(value: float | None, unit: str | None) -> float | None:
    """A length in micrometres; None for an unknown unit or no length."""
    scale = {
        "µm": 1,
        "um": 1,
        "μm": 1,
        "micron": 1,
        "micrometer": 1,
        "micrometre": 1,
        "nm": 1e-3,
        "nanometer": 1e-3,
    }
    scale |= {
        "mm": 1e3,
        "millimeter": 1e3,
        "cm": 1e4,
        "centimeter": 1e4,
        "inch": 25400.0,
        "m": 1e6,
        "meter": 1e6,
    }
    factor = scale.get((unit or "").replace("\\u00B5", "µ").strip())
    return float(value) * factor if value and factor and value > 0 else None


def minutes(value: float | None, unit: str | None) -> float | None:
    """A time in minutes; None for an unknown unit or no time."""
    scale = {"s": 1 / 60, "sec": 1 / 60, "second": 1 / 60, "ms": 1 / 6e4, "millisecond": 1 / 6e4}
    scale |= {"min": 1.0, "minute": 1.0, "h": 60.0, "hr": 60.0, "hour": 60.0}
    factor = scale.get((unit or "").strip())
    return float(value) * factor if value and factor and value > 0 else None
