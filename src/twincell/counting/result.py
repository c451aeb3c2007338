"""What a count gives back: the table, what was noted on the way, and the images when they are wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.counting.diameters import Diameters
from twincell.counting.inputs import Frames
from twincell.counting.reader import Reader
from twincell.counting.table import csv_text
from twincell.faults import Fault
from twincell.files import fresh_file, write_atomic
from twincell.io.images import GreyImage
from twincell.models.base.file import ModelCard
from twincell.words import number

AT_ONCE = 64  # images in memory while all of them are walked through


@dataclass(frozen=True, eq=False, repr=False)
class CountResult:
    """A finished count.

    Whatever a table of pandas can do, this can, too: `result["count"]`, `len(result)` or `result.head()` mean
    those of `table`.

    Attributes:
        table: one row per frame: chamber, frame, time_h (hours), image, count (cells, from the whole
            time-lapse), count_frame (cells, from the image alone), lower, upper (90 % interval, cells), flag
            (empty, or why not to trust it).
        notes: what was decided, skipped and found on the way, one sentence each.
        card: of the model that counted.
        frames: where each row of the table comes from, in the same order.
        size: side in px that images were resized to; None = as they are.
        convert: whether images were made 8-bit grey where they were not.
        diameters: px, of the cells, by modality, for models that scale images to them.
    """

    table: pd.DataFrame
    notes: list[str]
    card: ModelCard
    frames: Frames
    size: int | None
    convert: bool = False
    diameters: Diameters = field(default_factory=dict)

    def diameter(self, row: int) -> float | None:
        """The diameter in px that the cells of a row were taken to have; None where nothing was scaled."""
        return self.diameters.get(str(self.frames.table["modality"].iloc[row]))

    @property
    def in_series(self) -> NDArray[np.bool_]:
        """(N,) bool: rows that are part of a time-lapse."""
        return self.frames.table["series"].to_numpy(bool)

    @property
    def counted(self) -> pd.DataFrame:
        """Rows `chamber, frame, count` of the frames that a person had counted."""
        table = self.frames.table
        return table[["chamber", "frame"]].assign(count=table["counted"]).dropna()

    def images(self, rows: Sequence[int] | None = None) -> Iterator[tuple[int, GreyImage]]:
        """Read images as the model saw them, a few at a time; those that cannot be read are left out.

        Args:
            rows: of the table; all of them unless given.

        Yields:
            The row and its image, (H, W) uint8.
        """
        asked = range(len(self.table)) if rows is None else rows
        with Reader(self.frames, self.size, self.convert) as reader:
            for start in range(0, len(asked), AT_ONCE):
                some = asked[start : start + AT_ONCE]
                for row, image in zip(some, reader.read_all(some), strict=True):
                    if not isinstance(image, Fault):
                        yield int(row), image

    def summary(self) -> dict[str, Any]:
        """Sum up as `{frames, chambers, counted, flagged, flags: {reason: n}, notes: [..]}`."""
        table = self.table
        reasons = table["flag"].str.split("; ").explode().str.split(":").str[0]
        return {
            "frames": len(table),
            "chambers": int(table.loc[table["chamber"] != "", "chamber"].nunique()),
            "counted": int(table["count_frame"].notna().sum()),
            "flagged": int((table["flag"] != "").sum()),
            "flags": {str(reason): int(n) for reason, n in reasons[reasons != ""].value_counts().items()},
            "notes": list(self.notes),
        }

    def sentence(self) -> str:
        """What was counted in one line: the count itself where there is one image, else how many frames."""
        found, table = self.summary(), self.table
        flagged = f", {found['flagged']} flagged" if found["flagged"] else ""
        if len(table) == 1:
            row = table.iloc[0]
            reason = f" (flagged: {row['flag']})" if row["flag"] else ""
            return cells(row["count"], row["lower"], row["upper"]) + reason
        if not found["chambers"]:
            return f"{number(found['frames'], 'image')} counted{flagged}"
        where = number(found["chambers"], "chamber")
        return f"{number(found['frames'], 'frame')} in {where} counted{flagged}"

    def to_csv(self, path: str | Path | None = None, **pandas_options: Any) -> Path | str | None:
        """Write counts.csv, byte for byte as `twincell count --out` does; the path is given back.

        Without a path, or with options of pandas' own `to_csv`, the table is written as pandas does.

        Raises:
            UserError: the file exists already.
        """
        if path is None or pandas_options:
            return self.table.to_csv(path, **pandas_options)
        return write_atomic(fresh_file(path), csv_text(self.table))

    # What release 1 gave back was the table itself: scripts that use it as one go on working.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "table":  # copies ask before there is a table
            raise AttributeError(name)
        return getattr(self.table, name)

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.table[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self.table

    def __iter__(self) -> Iterator[Any]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return repr(self.table)


def cells(count: float, lower: float, upper: float) -> str:
    """ "12 cells (11 to 13)": a count rounded, with its 90 % interval."""
    if not np.isfinite(count):
        return "not counted"
    limits = f" ({lower:.0f} to {upper:.0f})" if np.isfinite(lower) and np.isfinite(upper) else ""
    return number(round(count), "cell") + limits
