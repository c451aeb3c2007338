"""Zeiss CZI files through bioio-czi, which users install themselves: it is GPL, so not part of twincell."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, Stack, first_line


class CziStack(Stack):
    """A CZI file as `Stack`: its scenes are the positions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            Reader = importlib.import_module("bioio_czi").Reader
        except ImportError as failure:
            raise UserError(
                f"{path}: CZI is read by bioio-czi, which is under the GPL and so is not part of twincell; "
                "install it yourself with pip install bioio bioio-czi, or save the recording as OME-TIFF in "
                "ZEN or Fiji"
            ) from failure
        try:
            self._file: Any = Reader(path)
            self._scenes = list(self._file.scenes)
            orders = []
            for scene in self._scenes:
                self._file.set_scene(scene)
                orders.append((self._file.dims.order, tuple(self._file.shape)))
        except Exception as failure:  # the reader raises many kinds for files cut short
            raise UserError(
                f"{path}: cannot be read as CZI ({first_line(failure)}); copy it again from the source"
            ) from failure
        if len(set(orders)) > 1:
            raise UserError(
                f"{path}: its {len(orders)} scenes differ in size; export each scene as its own file"
            )
        order, shape = orders[0]
        several = len(self._scenes) > 1
        self.shape = (len(self._scenes), *shape) if several else shape
        letters = ("P" if several else "") + order
        self.own_axes = letters if set(letters) <= set("TPCZYXS") else None
        self.axes_from = "CZI metadata"
        sizes = self._file.physical_pixel_sizes
        self.pixel_size_um = float(sizes.X) if sizes is not None and sizes.X else None
        step: Any = getattr(self._file, "time_interval", None)
        seconds = step.total_seconds() if hasattr(step, "total_seconds") else step
        self.interval_min = float(seconds) / 60 if seconds else None
        self.channels = [str(name) for name in self._file.channel_names or []]

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        inner = axes[1:] if len(self._scenes) > 1 else axes
        try:
            self._file.set_scene(self._scenes[index.get("P", 0) if len(self._scenes) > 1 else 0])
            picture = "".join(a for a in inner if a in "YXS")
            place = {a: index[a] for a in inner if a not in "YXS"}
            return np.asarray(self._file.get_image_dask_data(picture, **place).compute())
        except Exception as failure:  # a block cut short
            raise FrameError("unreadable", f"{self.path.name} at {index}: {first_line(failure)}") from failure

    def close(self) -> None:  # noqa: D102
        self._file = None
