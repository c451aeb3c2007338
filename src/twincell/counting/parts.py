"""Counting in parts of a few hundred frames, each kept on disk once done: constant memory, safe to stop.

Frame k of the table always falls into the same part and the same batch, whatever was counted before and by
how many processes, so a count that was stopped and resumed, or shared, is the same to the last digit.
"""

import hashlib
import io
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from twincell.counting.diameters import Diameters
from twincell.counting.inputs import Frames
from twincell.counting.reader import Reader, sharpness
from twincell.errors import UserError
from twincell.faults import Fault
from twincell.files import replaced, stamps, write_atomic
from twincell.hardware import side_by_side
from twincell.io.images import GreyImage
from twincell.models.base.file import LoadedModel
from twincell.models.base.sizes import predict_each

PART = 256  # frames; 4 MB of images
BATCH = 16
"""Frames that one core takes at a time; more fall out of its cache."""
COLUMNS = ("row", "count_frame", "std", "novelty", "sharpness", "fault")


class Parts:
    """A folder of finished parts, and what they belong to.

    Args:
        folder: where parts lie; made where missing.
        frames: all frames to be counted.
        job: fingerprint of everything that decides the counts.
        resume: go on with the parts that are there.
        strict: whether the images' files are known again by all their bytes or by samples (see `stamp`);
            None: they are not looked at.
        diameters: px, of the cells, by modality; none for models that scale nothing.

    Raises:
        UserError: parts are there and `resume` is off, or they belong to another job or to other files.
    """

    def __init__(
        self,
        folder: Path,
        frames: Frames,
        job: str,
        resume: bool = False,
        strict: bool | None = None,
        diameters: Diameters | None = None,
    ) -> None:
        self.folder, self.frames, self.diameters = folder, frames, diameters or {}
        self._modalities: list[str] = frames.table["modality"].tolist()
        known = folder / "job.json"
        begun: dict[str, Any] = {}
        if known.exists():
            if not resume:
                raise UserError(
                    f"{folder}: holds the parts of a count that was stopped; go on with --resume, "
                    "or remove the folder"
                )
            begun = json.loads(known.read_text())
            if begun["job"] != job:
                raise UserError(
                    f"{folder}: holds parts of a count with another model, input or option; remove the "
                    "folder, or repeat the command that began it"
                )
        told = {"job": job, "frames": len(frames), "part": PART}
        if strict is not None and (not begun or "files" in begun):  # release 1 kept no stamps
            whole = begun.get("whole", strict)
            files = stamps(frames.table["path"].unique(), whole)
            if begun and (other := replaced(begun["files"], files)):
                raise UserError(
                    f"{folder}: images were replaced, changed or removed since the count began: {other}; "
                    "put the old ones back, or remove the folder and count all anew"
                )
            told |= {"whole": whole, "files": files}
        write_atomic(known, json.dumps(told) + "\n")

    def __len__(self) -> int:
        return -(-len(self.frames) // PART)

    def path(self, number: int) -> Path:
        """Where a part is kept."""
        return self.folder / f"part-{number:06d}.csv"

    def maps_path(self, number: int) -> Path:
        """Where the density maps of a part are kept, for models that give them."""
        return self.folder / f"part-{number:06d}.npy"

    def rows(self, number: int) -> range:
        """The rows of the table that make up a part."""
        return range(number * PART, min((number + 1) * PART, len(self.frames)))

    def todo(self) -> list[int]:
        """The parts not counted yet."""
        return [number for number in range(len(self)) if not self.path(number).exists()]

    def count(self, number: int, model: LoadedModel, reader: Reader) -> None:
        """Counts one part and keeps it."""
        rows = self.rows(number)
        sizes = [self.diameters.get(self._modalities[row]) for row in rows]
        table, maps = count_rows(rows, model, reader, sizes)
        if maps is not None:
            packed = io.BytesIO()
            np.save(packed, maps, allow_pickle=False)
            write_atomic(self.maps_path(number), packed.getvalue())
        # Last: a part whose table is there is done.
        write_atomic(self.path(number), table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))

    def join(self) -> pd.DataFrame:
        """All parts as one table, one row per frame in the order of the frames."""
        parts = [
            pd.read_csv(self.path(n), keep_default_na=True, dtype={"fault": str}) for n in range(len(self))
        ]
        return pd.concat(parts, ignore_index=True)

    def maps_of(self, rows: NDArray[np.integer]) -> NDArray[np.float32] | None:
        """Coarse density maps (n, h, w) of some rows, cells per element; None where the model gives none."""
        found: list[NDArray[np.float32]] = []
        for number in np.unique(rows // PART):
            path = self.maps_path(int(number))
            if not path.exists():
                return None
            maps = np.load(path, mmap_mode="r", allow_pickle=False)
            if found and found[0].shape[1:] != maps.shape[1:]:
                return None  # pictures of several sizes: nothing stands still
            found.append(maps[rows[rows // PART == number] % PART].astype(np.float32))
        return np.concatenate(found) if found else None

    def remove(self) -> None:
        """Removes what this count kept here, and nothing else; the folder is its lock's to remove."""
        kept = [place(number) for number in range(len(self)) for place in (self.path, self.maps_path)]
        for path in [*kept, self.folder / "job.json"]:
            path.unlink(missing_ok=True)


def count_rows(
    rows: range, model: LoadedModel, reader: Reader, diameters: Sequence[float | None] | None = None
) -> tuple[pd.DataFrame, NDArray[np.float16] | None]:
    """Counts some frames from their images alone.

    Args:
        diameters: px, of the cells, for each of `rows`; None = not known (of one, or of all).

    Returns:
        Columns `COLUMNS`, NaN where a frame cannot be read; and density maps (n, h, w) of half the model's
        resolution, to tell standing dirt by, where the model gives maps.
    """
    sizes = diameters or [None] * len(rows)
    counting = threading.Semaphore(torch.get_num_threads())

    def batch(start: int) -> _Batch:
        here = slice(start, start + BATCH)
        read = reader.read_all(rows[here])
        with counting:  # meanwhile the next batch is read
            return _counted(model, read, sizes[here])

    batches = side_by_side(batch, range(0, len(rows), BATCH), ahead=1, device=model.device)
    table = pd.concat([one.table for one in batches], ignore_index=True)
    table.insert(0, "row", list(rows))
    maps = [one.maps for one in batches if one.maps is not None]
    alike = len(maps) == len(batches) and len({one.shape[1:] for one in maps}) == 1
    return table, np.concatenate(maps) if alike else None


@dataclass(frozen=True)
class _Batch:
    """`COLUMNS` of some frames but the first, and their maps if they are of one size."""

    table: pd.DataFrame
    maps: NDArray[np.float16] | None


def _counted(
    model: LoadedModel, read: Sequence[GreyImage | Fault], diameters: Sequence[float | None]
) -> _Batch:
    # An unreadable frame leaves a blank image behind, so that the others stay in their batches.
    blank = np.zeros(model.card.view, np.uint8)
    images = [blank if isinstance(image, Fault) else image for image in read]
    found = predict_each(model, images, diameters, BATCH)
    bad = np.array([isinstance(image, Fault) for image in read])
    values = {"count_frame": found.count, "std": found.std, "novelty": found.novelty}
    table = pd.DataFrame(
        {
            name: np.full(len(read), np.nan) if value is None else value.numpy().astype(np.float64)
            for name, value in values.items()
        }
    )
    table["sharpness"] = [sharpness(image) for image in images]
    table.loc[bad, ["count_frame", "std", "novelty", "sharpness"]] = np.nan
    table["fault"] = [image.what if isinstance(image, Fault) else "" for image in read]
    table.loc[~bad & table["count_frame"].isna().to_numpy(), "fault"] = "the model gives no number for it"
    if found.density is None:
        return _Batch(table, None)
    # Four elements as one: dirt shakes a little with the stage, and half a kilobyte a frame is enough.
    coarse = F.avg_pool2d(found.density, 2) * 4
    return _Batch(table, coarse[:, 0].numpy().astype(np.float16))


def job_fingerprint(
    frames: Frames, model: LoadedModel, convert: bool, diameters: Diameters | None = None
) -> str:
    """Changes with the model, any row of the table, the axes of any stack and the options."""
    digest = hashlib.sha256(model.card.sha256.encode(errors="surrogateescape"))
    digest.update(
        json.dumps([model.card.preprocessing.model_dump(), convert, PART, BATCH, model.looks]).encode(
            errors="surrogateescape"
        )
    )
    digest.update(frames.how().encode(errors="surrogateescape"))
    if diameters:
        digest.update(json.dumps(diameters, sort_keys=True).encode())
    # Names may hold bytes that are no text; text itself is not changed by this.
    table = frames.table.map(
        lambda v: v.encode(errors="backslashreplace").decode() if isinstance(v, str) else v
    )
    digest.update(
        pd.util.hash_pandas_object(table.astype(frames.table.dtypes), index=False).to_numpy().tobytes()
    )
    return digest.hexdigest()
