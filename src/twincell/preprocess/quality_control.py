"""Frames that cannot be trusted, found before and after registration; everything is measured against the
usual.

What counts as unusual is learnt from a few frames of the same recording, so that a camera's own noise, a dark
field or a drawn picture without any noise is not taken for damage.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twincell.io.readers.base import FrameError
from twincell.preprocess.registration.registration import Motion

LOST = 0.5
"""Score below which a frame's walls do not fit the reference's."""
UPSIDE_DOWN = -0.3
"""Score below which light and dark are exchanged."""
BLURRED = 0.55
"""Part of the usual edge strength below which a frame is out of focus."""
DIM, GLARING = 0.25, 4.0
"""Gains that no lamp step explains."""


@dataclass(frozen=True)
class Marks:
    """What is measured on a raw frame.

    Attributes:
        level: median grey value.
        across, down: robust deviation between neighbours in a row and in a column, as parts of the level.
        blank: longest run of rows or columns of one single value, as part of the frame's side.
        full: share of the pixels at the highest value the camera gives.
        specks: share of pixels that stick out of all their neighbours by far.
    """

    level: float
    across: float
    down: float
    blank: float
    full: float
    specks: float


def measure(frame: NDArray, ceiling: float) -> Marks:
    """Measures a raw frame; `ceiling` is the highest value the camera gives."""
    image = frame.astype(np.float32)
    level = max(float(np.median(image)), 1e-6)
    steps = np.abs(np.diff(image, axis=1))
    # A speck lies above or below all four neighbours, by more than any cell's rim does.
    middle = image[1:-1, 1:-1]
    around = np.stack([image[1:-1, :-2], image[1:-1, 2:], image[:-2, 1:-1], image[2:, 1:-1]])
    beyond = np.maximum(middle - around.max(0), around.min(0) - middle)
    scale = ceiling if np.isfinite(ceiling) else float(image.max())
    return Marks(
        level=level,
        across=1.4826 * float(np.median(steps)) / level,
        down=1.4826 * float(np.median(np.abs(np.diff(image, axis=0)))) / level,
        blank=max(_longest(np.ptp(image, axis=1) == 0), _longest(np.ptp(image, axis=0) == 0)),
        full=float((image >= ceiling).mean()),
        specks=float((beyond > 0.2 * level + 0.1 * scale).mean()),
    )


def refuse_unusable(frame: NDArray) -> None:
    """Frames that show nothing at all, whatever is usual.

    Raises:
        FrameError: NaN or infinite pixels, or a single value everywhere.
    """
    if frame.dtype.kind == "f" and (bad := int(frame.size - np.isfinite(frame).sum())):
        raise FrameError("not a number", f"{bad} pixels are NaN or infinite")
    low, high = frame.min(), frame.max()
    if low == high:
        kind = "black" if low == 0 else "white" if high == np_max(frame.dtype) else "flat"
        raise FrameError(kind, f"every pixel is {low}")


def np_max(dtype: np.dtype) -> float:
    """The highest value of a number type; infinity for floats."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else float("inf")


@dataclass(frozen=True)
class Usual:
    """The marks most frames of a recording have (medians), and the camera's ceiling."""

    marks: Marks
    ceiling: float

    @classmethod
    def of(cls, marks: Iterable[Marks], ceiling: float) -> "Usual":
        """Learns from a few frames, of which less than half may be damaged."""
        table = np.array([(m.level, m.across, m.down, m.blank, m.full, m.specks) for m in marks])
        return cls(Marks(*(float(v) for v in np.median(table, axis=0))), ceiling)

    def refuse(self, m: Marks) -> None:
        """Stops at a raw frame whose marks are far from usual.

        Raises:
            FrameError: with the mark that is off.
        """
        u = self.marks
        if m.full > u.full + 0.2:  # before "torn": rows at the limit are blank, too
            raise FrameError("saturated", f"{m.full:.0%} of the pixels are at the camera's limit")
        if m.blank > u.blank + 0.03:
            raise FrameError("torn", f"{m.blank:.0%} of the frame in one piece is blank")
        gain = m.level / u.level
        if gain < DIM:
            raise FrameError("dark", f"only {gain:.0%} of the usual brightness")
        if gain > GLARING:
            raise FrameError("glaring", f"{gain:.1f} times the usual brightness")
        if m.specks > u.specks + 0.005:
            raise FrameError("specks", f"{m.specks:.1%} of the pixels stick out")
        across, down = m.across > 3 * u.across + 0.03, m.down > 3 * u.down + 0.03
        if across and down:
            raise FrameError("noise", f"neighbours differ by {m.across:.1%}, usually by {u.across:.1%}")
        if across or down:
            lines, seen = ("columns", m.across) if across else ("rows", m.down)
            raise FrameError("stripes", f"neighbouring {lines} differ by {seen:.1%} of the brightness")


def refuse_motion(motion: Motion) -> None:
    """Stops at a frame whose walls were not found.

    Raises:
        FrameError: another scene, or light and dark exchanged.
    """
    if motion.score < UPSIDE_DOWN:
        raise FrameError("inverted", f"light and dark are exchanged (walls correlate {motion.score:.2f})")
    if motion.score < LOST:
        raise FrameError("no walls", f"the walls are not found (they correlate {motion.score:.2f})")


class Seen:
    """Remembers frames by their bytes, to tell a picture that was stored twice; 16 bytes a frame."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def check(self, frame: NDArray, number: int) -> str:
        """The frame's fingerprint.

        Raises:
            FrameError: the very same pixels were seen under another number.
        """
        digest = hashlib.blake2b(np.ascontiguousarray(frame).tobytes(), digest_size=12).hexdigest()
        if (first := self._first.get(digest, number)) != number:
            raise FrameError("duplicate", f"pixel for pixel the same as frame {first}")
        self.remember(digest, number)
        return digest

    def remember(self, digest: str, number: int) -> None:
        """Notes a fingerprint, e.g. from an interrupted run."""
        self._first.setdefault(digest, number)


def _longest(blank: NDArray[np.bool_]) -> float:
    """The longest run of True, as part of the length."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blank.astype(np.int8), [0]])))
    return float((edges[1::2] - edges[::2]).max(initial=0)) / len(blank)
