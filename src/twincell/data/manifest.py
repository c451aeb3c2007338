"""The list of images that everything works from: one row per image, paths relative to the file."""

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from twincell.data import rows as manifest_rows
from twincell.data.image_spec import NAME as SIDECAR
from twincell.data.image_spec import ImageSpec, read_spec, write_spec
from twincell.data.places import count_faults, points_files, read_places
from twincell.data.rows import COLUMNS, MAY_BE_LEFT_OUT, SPLITS
from twincell.errors import UserError
from twincell.faults import refuse
from twincell.files import sha256, write_kept
from twincell.io.tables import csv_for_people

NAME = "manifest.csv"


@dataclass
class Manifest:
    """One row per image, and the folder its paths start from.

    Attributes:
        table: columns `image` (path relative to `root`), `count` (float, cells; NaN = unlabelled, 0 = empty),
            `split` (train/val/test), `modality` (bf, pc or any word), `origin` (natural/synthetic), `chamber`
            (one time-lapse), `frame` (int), `time_h` (float hours; NaN = unknown), `page` (int, index inside
            a stack); further columns are kept. `time_h`, `page` and, for images that each stand alone,
            `chamber` and `frame` may be left out when making one.
        root: the folder that image paths are relative to.
    """

    table: pd.DataFrame
    root: Path

    def __post_init__(self) -> None:
        if missing := [name for name in COLUMNS if name not in self.table and name not in MAY_BE_LEFT_OUT]:
            raise UserError(
                f"the table has no column {', '.join(missing)}; a manifest needs it for each image"
            )
        defaults: dict[str, Any] = {"time_h": math.nan, "page": 0, "frame": 0}
        table = self.table.assign(**{k: v for k, v in defaults.items() if k not in self.table})
        if "chamber" not in table:
            table["chamber"] = manifest_rows.alone(table)
        types = {"count": "float64", "frame": "int64", "time_h": "float64", "page": "int64"}
        extra = [name for name in table.columns if name not in COLUMNS]
        self.table = table[[*COLUMNS, *extra]].astype(types).reset_index(drop=True)
        self.root = Path(self.root)

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Reads a manifest file, or the `manifest.csv` of a folder.

        Raises:
            UserError: one sentence for each fault of the table and each missing file, all at once.
        """
        path = manifest_path(path)
        rows = manifest_rows.read_rows(path)
        refuse(manifest_rows.examine(rows, path)[0])
        table = manifest_rows.typed(rows)
        places, faults = read_places(table, path.parent)
        refuse([*faults, *count_faults(table, places, path)])
        return cls(counted(table, places), path.parent)

    def write(self, path: str | Path) -> Path:
        """Writes the table (`manifest.csv` where a folder is named); paths stay true in the new place.

        Another manifest that stands there, perhaps with counts made by hand, is kept beside it under a name
        with date and time (`manifest.2026-11-21T1640.csv`); the same one is left as it is.
        """
        path = Path(path) if Path(path).suffix == ".csv" else Path(path) / NAME
        table = self.table.copy()
        single = table["chamber"].eq(manifest_rows.alone(table)) & table["frame"].eq(0)
        table["frame"] = table["frame"].astype(object).where(~single, "")
        table["chamber"] = table["chamber"].where(~single, "")
        if path.parent.resolve() != self.root.resolve():
            self._write_beside(table, path.parent)
            table["image"] = [
                os.path.relpath(image, path.parent).replace(os.sep, "/") for image in self.paths
            ]
        table["count"] = ["" if math.isnan(count) else f"{count:g}" for count in table["count"]]
        return write_kept(path, csv_for_people(table))

    def _write_beside(self, table: pd.DataFrame, folder: Path) -> None:
        """Lets a table written elsewhere find its points, and says there what the images are."""
        if files := points_files(table, self.root):
            moved = {
                os.path.normpath(file): os.path.relpath(file, folder).replace(os.sep, "/") for file in files
            }
            own = table["points"].fillna("") if "points" in table else pd.Series(files[0].name, table.index)
            table["points"] = [
                moved.get(os.path.normpath(self.root / name), "") if name else "" for name in own
            ]
        if self.spec != ImageSpec() and not (folder / SIDECAR).exists():
            write_spec(folder, self.spec)

    @property
    def spec(self) -> ImageSpec:
        """What the images are, by the `manifest.json` beside them; 8-bit grey of any size without one."""
        return read_spec(self.root)

    @property
    def points(self) -> pd.DataFrame:
        """Cells marked in counted images: `row` (position in `table`), `image`, `page`, `x`, `y`, `label`.

        x and y in pixels from the corner of the first pixel. Places of images whose count was blanked are
        left out: they are labels, too.
        """
        places, faults = read_places(self.table, self.root)
        refuse(faults)
        return places[self.labelled[places["row"]]].reset_index(drop=True)

    @property
    def paths(self) -> list[Path]:
        """Each image's file, (N,)."""
        return [self.root / image for image in self.table["image"]]

    @property
    def labelled(self) -> np.ndarray:
        """Which images have a count, (N,) bool."""
        return self.table["count"].notna().to_numpy()

    @property
    def natural(self) -> np.ndarray:
        """Which images come from a microscope, (N,) bool."""
        return (self.table["origin"] == "natural").to_numpy()

    def __len__(self) -> int:
        return len(self.table)

    def select(self, which: str | ArrayLike) -> "Manifest":
        """The rows of a split ("train"), of a boolean mask (N,), or at given positions, in that order.

        Raises:
            UserError: for a word that is no split.
        """
        if isinstance(which, str):
            if which not in SPLITS:
                raise UserError(f"split {which!r} is not known; name one of {', '.join(SPLITS)}")
            return Manifest(self.table[self.table["split"] == which], self.root)
        index = np.asarray(which)
        return Manifest(self.table[index] if index.dtype == bool else self.table.iloc[index], self.root)

    def fingerprint(self) -> str:
        """SHA-256 over the table's own columns and the bytes of every image, 64 hexadecimal digits.

        It changes with any label, row order or pixel, and not with the folder's place or the files' dates.
        """
        files = {image: sha256(self.root / image) for image in self.table["image"].unique()}
        rows = self.table[list(COLUMNS)].astype(object).where(self.table[list(COLUMNS)].notna(), None)
        digest = hashlib.sha256()
        for row in rows.to_numpy().tolist():
            digest.update(
                json.dumps([*row, files[row[0]]]).encode()
            )  # JSON: the same in every version of pandas
        return digest.hexdigest()


def counted(table: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """The table with the number of places as the count of images that have places and no count."""
    numbers = places.groupby("row").size().reindex(range(len(table))).to_numpy(dtype="float64")
    return table.assign(count=table["count"].where(table["count"].notna(), pd.Series(numbers, table.index)))


def manifest_path(path: str | Path) -> Path:
    """The manifest file meant by a file or a folder."""
    path = Path(path)
    return path / NAME if path.is_dir() else path
