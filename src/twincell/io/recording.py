"""A recording: one position's frames in order, whatever file or folder they come from, read one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twincell.io.bit_depth import Depth
from twincell.io.images import LUMA
from twincell.io.readers.base import FrameError

GAP = 1.5  # a pause this many times the usual one means that frames were dropped


class Closes(Protocol):
    """What can be closed."""

    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Frame:
    """One moment of a position: its number, how to read it, when it was taken (s on the file's clock)."""

    number: int
    load: Callable[[], NDArray[Any]]
    source: str
    time_s: float | None = None
    path: Path | None = None


@dataclass
class Recording:
    """One position's time-lapse.

    Attributes:
        name: the position, a word that may stand in a file name.
        source: the file or folder.
        axes, axes_from: the source's axes and who says so.
        frames: in order of time.
        shape: rows and columns of a frame; `dtype` its number type. Frames of another kind are refused
            singly.
        pixel_size_um, interval_min: where known.
        missing: frame numbers that the names leave out.
        depth: the camera's bits where its numbers have more than 8; see `bit_depth`.
        alone: the frames are images for themselves, in no order of time.
        of_images: every frame is a file of its own.
        chosen: 0-based position, channel and focal plane of a stack.
        notes: what is unusual about it, in sentences.
        files: what keeps its files open, or None.
    """

    name: str
    source: str
    axes: str
    axes_from: str
    frames: Sequence[Frame]
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    pixel_size_um: float | None = None
    interval_min: float | None = None
    missing: Sequence[int] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    depth: Depth | None = None
    alone: bool = False
    of_images: bool = False
    chosen: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: "Closes | None" = None

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, i: int) -> NDArray[Any]:
        """Frame i (place in `frames`) as (H, W), in the source's own numbers; colour as luma.

        Raises:
            FrameError: it cannot be read, or is not of the recording's size and type.
        """
        picture = grey(self.frames[i].load())
        if picture.shape != self.shape:
            raise FrameError("size", f"is {_size(picture.shape)} px, the others are {_size(self.shape)}")
        if picture.dtype != self.dtype:
            raise FrameError("type", f"holds {picture.dtype}, the others {self.dtype}")
        return picture

    def close(self) -> None:
        """Closes its files; they open again when a frame is read."""
        if self.files is not None:
            self.files.close()

    def hours(self) -> list[float | None]:
        """Hours since the first frame, by the file's clock or else number and interval; None if unknown."""
        times = [f.time_s for f in self.frames]
        if times and all(t is not None for t in times):
            seconds = np.array(times, float)
            if (np.diff(seconds) > 0).all():
                return [float(t) for t in (seconds - seconds[0]) / 3600]
        if self.interval_min is None:
            return [None] * len(self.frames)
        return [(f.number - self.frames[0].number) * self.interval_min / 60 for f in self.frames]

    def gaps(self) -> Iterator[tuple[int, int, int]]:
        """Pauses in the file's clock: the frame numbers before and after, and about how many were dropped."""
        times = [f.time_s for f in self.frames]
        if len(times) < 4 or any(t is None for t in times):
            return
        steps = np.diff(np.array(times, float))
        usual = float(np.median(steps))
        for (before, after), step in zip(pairwise(self.frames), steps, strict=True):
            if usual > 0 and step > GAP * usual:
                yield before.number, after.number, max(1, round(step / usual) - 1)


def grey(picture: NDArray[Any]) -> NDArray[Any]:
    """A picture as (H, W) of its own number type; colour becomes luma (ITU-R 601)."""
    if picture.ndim == 2:
        return picture
    if picture.ndim != 3 or picture.shape[2] not in (1, 2, 3, 4):
        raise FrameError("size", f"has shape {picture.shape}, not one picture")
    colour = picture[..., :3]
    if (
        picture.shape[2] <= 2
        or ((colour[..., 0] == colour[..., 1]) & (colour[..., 0] == colour[..., 2])).all()
    ):
        return picture[..., 0]
    luma = colour @ LUMA
    return luma.astype(picture.dtype) if picture.dtype.kind == "f" else np.rint(luma).astype(picture.dtype)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, reversed(shape)))
