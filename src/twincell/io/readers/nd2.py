"""Nikon ND2 files through the `nd2` package, one frame at a time."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, Stack, first_line


class Nd2Stack(Stack):
    """An ND2 file; see `Stack`. Its loops and the times of its frames come from the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            import nd2
        except ImportError as failure:
            raise UserError(f"{path}: ND2 needs a further package; pip install nd2") from failure
        try:
            self._file = nd2.ND2File(path)
            sizes = dict(self._file.sizes)
        except Exception as failure:  # nd2 raises many kinds for files cut short
            raise UserError(
                f"{path}: cannot be read as ND2 ({first_line(failure)}); copy it again from the source"
            ) from failure
        self.shape = tuple(sizes.values())
        letters = "".join(sizes)
        self.own_axes = letters if set(letters) <= set("TPCZYXS") else None
        self.axes_from = "ND2 metadata"
        size = self._file.voxel_size().x
        # Files without calibration say 1 or 0.
        channels = self._file.metadata.channels or []
        calibrated = channels[0].volume.axesCalibrated[0] if channels else True
        self.pixel_size_um = float(size) if size > 0 and calibrated else None
        self.interval_min = self._interval()
        self.channels = [c.channel.name for c in channels]
        facts = getattr(self._file, "attributes", None)
        self.bits = getattr(facts, "bitsPerComponentSignificant", None) or None

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        place = self._sequence(axes, index)
        try:
            frame = np.asarray(self._file.read_frame(place))
        except Exception as failure:  # a chunk missing from the file's map, or cut short
            what = f"frame {place + 1} of {self.path.name}: {first_line(failure)}"
            raise FrameError("unreadable", what) from failure
        # A frame holds all channels; where there is one only, it has no axis for it.
        return frame[index["C"]] if "C" in axes and frame.ndim > (3 if "S" in axes else 2) else frame

    def time_s(self, axes: str, index: dict[str, int]) -> float | None:  # noqa: D102
        try:
            facts: Any = self._file.frame_metadata(self._sequence(axes, index))
            taken = facts.channels[0].time.relativeTimeMs / 1000.0
        except Exception:  # old and exported files have no times; the interval serves then
            return None
        return float(taken) if np.isfinite(taken) and taken > 0 else None

    def close(self) -> None:  # noqa: D102
        self._file.close()

    def _sequence(self, axes: str, index: dict[str, int]) -> int:
        """Frames are stored in the order of the loops; channels lie inside a frame."""
        place = 0
        for letter, size in zip(axes, self.shape, strict=True):
            if letter not in "CYXS":
                place = place * size + index[letter]
        return place

    def _interval(self) -> float | None:
        for loop in self._file.experiment or []:
            period = getattr(loop.parameters, "periodMs", 0) if loop.type == "TimeLoop" else 0
            if period:
                return float(period) / 60_000
        return None
