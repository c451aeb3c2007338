"""Count images while a microscope writes them: a row for each, once its file is whole."""

import csv
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from twincell.counting.count import prepared
from twincell.counting.options import CountOptions, opened
from twincell.counting.parts import count_rows
from twincell.counting.table import COLUMNS, counts_table, csv_text
from twincell.errors import UserError
from twincell.io.filenames import natural_key
from twincell.io.readers import format_of
from twincell.locks import locked
from twincell.models.base.file import LoadedModel

EVERY = 1.0
"""Seconds between two looks at the folder; a file that two looks see alike is taken for whole."""
PATIENCE = 20.0
"""Seconds that a file which stays as it is may be unreadable, before it gets a row that says so."""
State = tuple[int, int]


class Watch:
    """A folder that fills, and the table that grows with it.

    A watch that was killed goes on: images that have a row are not counted again, but for the last one, whose
    rows may be half written.

    Args:
        folder: looked at with the folders below it.
        model: as for `twincell.counting.count`.
        out: the table; one that is there is gone on with.
        options: as for `count`; each image is counted for itself. Where the model scales images to the
            cells' diameter, that of the first images is kept for all.

    Raises:
        UserError: no such folder, or `out` is no table of counts.
    """

    def __init__(
        self, folder: Path, model: str | Path | LoadedModel, out: Path, options: CountOptions | None = None
    ) -> None:
        if not folder.is_dir():
            raise UserError(f"{folder}: is no folder; name the one the microscope writes to")
        self.folder, self.out = folder, out
        self._options = replace(options or CountOptions(), single=True, workers=1, strict=False)
        self._model = opened(model, self._options)
        self._done = _go_on(out)
        self._seen: dict[Path, State] = {}
        self._since: dict[Path, float] = {}

    def run(
        self,
        told: Callable[[str], None],
        idle: float | None = None,
        every: float = EVERY,
        patience: float = PATIENCE,
    ) -> int:
        """Count what comes until nothing has come for `idle` seconds; None: until interrupted.

        Args:
            told: gets each row as a line of CSV, the heading first.
            every, patience: see `EVERY` and `PATIENCE`.

        Returns:
            How many images were counted.
        """
        counted = 0
        last = time.monotonic()
        told(",".join(COLUMNS))
        with locked(self.out.parent, name=f".{self.out.name}.lock"):
            while idle is None or time.monotonic() - last < idle:
                for path in self._whole():
                    rows = self._rows(path, patience)
                    if rows is None:
                        continue
                    _append(self.out, rows)
                    self._done.add(str(path))
                    for line in rows.splitlines():
                        told(line)
                    counted += 1
                    last = time.monotonic()
                time.sleep(every)
        return counted

    def _whole(self) -> Iterator[Path]:
        """New images, by name, that have not changed since the last look."""
        for path in sorted(self.folder.rglob("*"), key=natural_key):
            if str(path) in self._done or not path.is_file() or format_of(path) is None:
                continue
            state = _state(path)
            if state is None or state[0] == 0:
                continue
            if self._seen.get(path) == state:
                yield path
            else:
                self._seen[path] = state
                self._since[path] = time.monotonic()

    def _rows(self, path: Path, patience: float) -> str | None:
        """The rows of one file; None while it cannot be read whole and may yet become readable."""
        before = _state(path)
        try:
            with prepared(path, self._model, self._options, progress=False) as job:
                frames = job.frames
                if self._options.diameter is None and (found := next(iter(job.diameters.values()), None)):
                    self._options = replace(self._options, diameter=found)
                sizes = [job.diameters.get(word) for word in frames.table["modality"]]
                read, _ = count_rows(range(len(frames)), self._model, job.reader, sizes)
            unreadable = bool(read["fault"].fillna("").ne("").any())
            rows = csv_text(counts_table(frames, read, self._model.card, False)).split("\n", 1)[1]
        except UserError as problem:
            unreadable = True
            rows = _line({"image": str(path), "flag": f"unreadable: {', '.join(problem.problems)}"})
        waited = time.monotonic() - self._since[path]
        if _state(path) != before or (unreadable and waited < patience):
            return None
        return rows


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except OSError:  # renamed or removed meanwhile
        return None
    return found.st_size, found.st_mtime_ns


def _go_on(out: Path) -> set[str]:
    """The images that `out` has whole rows of; what a killed watch left half written is cut off."""
    if not out.exists():
        return set()
    heading = ",".join(COLUMNS)
    text = out.read_text(encoding="utf-8", errors="surrogateescape")
    lines = text[: text.rfind("\n") + 1].splitlines(keepends=True)
    if not lines or lines[0].rstrip("\n") != heading:
        raise UserError(f"{out}: is no table of counts to go on with; name another file with --out")
    images = [row["image"] for row in csv.DictReader(lines)]
    whole = len(lines) - 1
    while whole and images[whole - 1] == images[-1]:
        whole -= 1
    with out.open("r+b") as file:
        file.truncate(len("".join(lines[: whole + 1]).encode("utf-8", "surrogateescape")))
    return set(images[:whole])


def _append(out: Path, rows: str) -> None:
    """Adds rows at the end of the table, on the disk before this returns."""
    new = not out.exists()
    with out.open("a", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write((",".join(COLUMNS) + "\n" if new else "") + rows)
        file.flush()
        os.fsync(file.fileno())


def _line(row: dict[str, Any]) -> str:
    written = io.StringIO()
    csv.DictWriter(written, COLUMNS, lineterminator="\n").writerow(row)
    return written.getvalue()
