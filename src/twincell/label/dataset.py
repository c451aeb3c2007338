"""The frames of a manifest as people see them: time-lapses in order, images as grey bytes, small ones for
grids."""

import io
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from twincell.data.manifest import Manifest
from twincell.data.rows import alone
from twincell.io.images import GreyImage, read_grey

KEPT = 96 * 2**20
"""Bytes of encoded images that are kept; what a person looks at next is mostly among them."""
SMALL = 112
"""Longest side of a small image, px."""
SINGLE = "single images"


@dataclass(frozen=True)
class Series:
    """A chamber's frames in order of time, or all images that stand alone.

    Attributes:
        name: of the chamber, with its modality where another has the same name.
        rows: (N,) rows of the manifest.
        in_time: whether it is a time-lapse.
        modality, split: of its first frame.
    """

    name: str
    rows: np.ndarray
    in_time: bool
    modality: str
    split: str


class Dataset:
    """A manifest ready to be looked at. Safe to use from several threads.

    Attributes:
        manifest: all of it.
        series: its time-lapses by name, then the images that stand alone.
        of_row: (N,) which series each row is in, and `place` (N,) where in it; -1 for drawn images.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        table = manifest.table
        self.images: list[str] = table["image"].tolist()
        self.pages: list[int] = table["page"].tolist()
        self.frames: list[int] = table["frame"].tolist()
        self.hours: list[float] = table["time_h"].tolist()
        self._rows = {key: row for row, key in enumerate(zip(self.images, self.pages, strict=True))}
        self.series = _series(manifest)
        self.of_row = np.full(len(table), -1)
        self.place = np.full(len(table), -1)
        for number, series in enumerate(self.series):
            self.of_row[series.rows] = number
            self.place[series.rows] = np.arange(len(series.rows))
        self._bits = _bits(manifest)
        self._paths = manifest.paths
        self._sizes: dict[int, tuple[int, int]] = {}
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.images)

    def row(self, image: str, page: int) -> int | None:
        """The row of a frame; None where the manifest no longer has it."""
        return self._rows.get((image, page))

    def shown(self, row: int) -> bool:
        """Whether a row is there and comes from a microscope."""
        return 0 <= row < len(self) and bool(self.of_row[row] >= 0)

    def name(self, row: int) -> str:
        """What a person calls a frame."""
        series = self.series[self.of_row[row]]
        return f"{series.name}, frame {self.frames[row]}" if series.in_time else self.images[row]

    def grey(self, row: int) -> GreyImage:
        """The frame, (H, W) uint8.

        Raises:
            FaultError: it cannot be read.
        """
        image = read_grey(self._paths[row], self.pages[row], convert=True, bits=self._bits)
        self._sizes[row] = (image.shape[0], image.shape[1])
        return image

    def size(self, row: int) -> tuple[int, int]:
        """Height and width of a frame in px."""
        if row not in self._sizes:
            self.grey(row)
        return self._sizes[row]

    def png(self, row: int) -> bytes:
        """The frame as PNG; errors as `grey`."""
        return self._encoded("png", row, lambda: _encode(self.grey(row), "png", compress_level=1))

    def small(self, row: int) -> bytes:
        """The frame as a small JPEG; errors as `grey`."""
        return self._encoded("small", row, lambda: _small(self.grey(row)))

    def _encoded(self, kind: str, row: int, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if (kind, row) in self._kept:
                self._kept.move_to_end((kind, row))
                return self._kept[kind, row]
        made = make()
        with self._lock:
            if (kind, row) not in self._kept:
                self._kept[kind, row] = made
                self._held += len(made)
            while self._held > KEPT and len(self._kept) > 1:
                self._held -= len(self._kept.popitem(last=False)[1])
        return made


def read_dataset(path: str | Path) -> Dataset:
    """The data set of a manifest file or folder; errors as `Manifest.read`."""
    return Dataset(Manifest.read(path))


def _series(manifest: Manifest) -> list[Series]:
    table = manifest.table
    natural = manifest.natural
    single = (table["chamber"] == alone(table)) & (table["frame"] == 0)
    groups = table[natural & ~single].groupby(["chamber", "modality"], sort=False)
    twice = _repeated([str(key[0]) for key, _ in groups])
    found = []
    for (chamber, modality), part in groups:
        rows = part.sort_values(["frame", "page"], kind="stable").index.to_numpy()
        name = f"{chamber} ({modality})" if chamber in twice else str(chamber)
        found.append(Series(name, rows, len(rows) > 1, str(modality), str(part["split"].iloc[0])))
    rest = table[natural & single]
    if len(rest):
        found.append(
            Series(
                SINGLE,
                rest.index.to_numpy(),
                False,
                str(rest["modality"].iloc[0]),
                str(rest["split"].iloc[0]),
            )
        )
    return found


def _repeated(names: list[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def _bits(manifest: Manifest) -> int | None:
    """The camera's bits by the manifest's sidecar; None for bytes."""
    spec = manifest.spec
    return None if spec.dtype == "uint8" or spec.range[1] <= 255 else round(math.log2(spec.range[1] + 1))


def _small(image: GreyImage) -> bytes:
    picture = Image.fromarray(image)
    picture.thumbnail((SMALL, SMALL), Image.Resampling.BILINEAR)
    return _encode(np.asarray(picture), "jpeg", quality=82)


def _encode(image: GreyImage, form: str, **how: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=form, **how)
    return buffer.getvalue()
