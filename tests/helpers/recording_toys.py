"""Simulated recordings in memory and in files, with all that is known of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from helpers.field_simulator import Field, eight_bit, wander
from twincell.io.readers.base import FrameError
from twincell.io.recording import Frame, Recording
from twincell.io.recordings import Reading, open_recordings

Pixels = NDArray[Any]
HEIGHT, WIDTH = 20, 30  # px; of `numbered` pictures


@dataclass
class Film:
    """A field of view over time and its truth: drift (T, 2) x, y in px, gain (T,)."""

    field: Field
    drift: NDArray[np.float64]
    gain: NDArray[np.float64]
    frames: list[Pixels]


def bf_field(rows: int = 1, cols: int = 2, angle: float = 0.0, seed: int = 0, **more: Any) -> Field:
    return Field("bf", rows, cols, angle=angle, seed=seed, **more)


def pc_field(rows: int = 1, cols: int = 2, angle: float = 0.0, seed: int = 0, **more: Any) -> Field:
    return Field("pc", rows, cols, 108.0, 110.0, (160.0, 180.0), angle, seed, **more)


def film(
    field: Field,
    frames: int,
    seed: int = 0,
    jumps: tuple[int, ...] = (),
    steps: Sequence[tuple[int, float]] = (),
    digitize: Callable[[Pixels], Pixels] = eight_bit,
) -> Film:
    """`steps` are brightness steps: from that frame on, so many times brighter."""
    drift, gain = wander(frames, seed, jumps=jumps), np.ones(frames)
    for at, factor in steps:
        gain[at:] *= factor
    pictures = [digitize(field.frame(t, tuple(drift[t]), gain[t])) for t in range(frames)]
    return Film(field, drift, gain, pictures)


def in_memory(frames: Sequence[Pixels | FrameError], name: str = "night") -> Recording:
    """Frames as a recording; a FrameError among them is raised when its turn comes."""

    def load(picture: Pixels | FrameError) -> Pixels:
        if isinstance(picture, FrameError):
            raise picture
        return picture

    first = next(f for f in frames if not isinstance(f, FrameError))
    listed = [Frame(i + 1, partial(load, f), f"{name} {i + 1}") for i, f in enumerate(frames)]
    return Recording(name, name, "TYX", "memory", listed, (first.shape[0], first.shape[1]), first.dtype)


def write_ome(path: Path, frames: Sequence[Pixels], **metadata: Any) -> Path:
    """An OME-TIFF with axes TYX, 0.65 um pixels, 10 minutes between frames."""
    facts = {
        "axes": "TYX",
        "PhysicalSizeX": 0.65,
        "PhysicalSizeXUnit": "µm",
        "TimeIncrement": 10.0,
        "TimeIncrementUnit": "min",
    }
    tifffile.imwrite(path, np.stack(frames), ome=True, metadata=facts | metadata)
    return path


def numbered(*sizes: int, dtype: type = np.uint8) -> np.ndarray:
    """A stack in which every picture differs: picture k counts up from k."""
    n = int(np.prod(sizes))
    ramp = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 50
    return (ramp + np.arange(n).reshape(*sizes, 1, 1)).astype(dtype)


def read_all(recording: Recording) -> np.ndarray:
    """Every frame (T, H, W)."""
    return np.stack([recording.read(i) for i in range(len(recording))])


def only(*paths: Path, **how: Any) -> Recording:
    """The one recording there is in the files, read as `how` says."""
    (recording,) = open_recordings(paths, Reading(**how))
    return recording
