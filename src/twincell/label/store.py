"""Every record on disk before anybody hears that it is kept: SQLite with a write-ahead log, synced each
time."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from twincell.errors import UserError
from twincell.label.answers import Answers
from twincell.label.records import MOST_DOTS, Deed, Record

NAME = "labels.sqlite"
VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    person TEXT NOT NULL,
    image TEXT NOT NULL,
    page INTEGER NOT NULL,
    round INTEGER NOT NULL,
    kind TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    seconds REAL NOT NULL,
    shown TEXT NOT NULL
) STRICT
"""
COLUMNS = "id, key, at, person, image, page, round, kind, old, new, seconds, shown"
JSON = ("old", "new", "shown")

Place = tuple[str, int]
"""image and page of a frame; ("", 0) for a condition."""


class Store:
    """The records of a data set, and the answers they come to. Safe to use from several threads.

    Nothing is ever changed or removed: an undo is one more record.

    Attributes:
        answers: kept up with every record; read it under `lock`.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, made where it is missing.

        Raises:
            UserError: it is no file of labels, is damaged, or comes from a newer version.
        """
        self.path, self.lock = path, threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=FULL")  # a commit returns when it is on the disk
            version = self._file.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise UserError(
                    f"{path}: is of version {version}, this twincell knows {VERSION}; upgrade twincell"
                )
            self._file.execute(SCHEMA)
            self._file.execute(f"PRAGMA user_version={VERSION}")
            self.answers = Answers(self.since(0))
        except (sqlite3.DatabaseError, ValueError, KeyError) as problem:
            raise UserError(
                f"{path}: is no file of labels or is damaged ({problem}); move it away, or put back a copy"
            ) from problem

    def close(self) -> None:
        """Write the log into the file and let go of it."""
        with self.lock:
            self._file.close()

    def since(self, after: int, most: int = -1) -> Iterator[Record]:
        """The records with an id above `after`, in order."""
        rows = self._file.execute(
            f"SELECT {COLUMNS} FROM records WHERE id > ? ORDER BY id LIMIT ?", (after, most)
        )
        names = [name.strip() for name in COLUMNS.split(",")]
        for row in rows:
            values: dict[str, Any] = dict(zip(names, row, strict=True))
            yield Record(**{k: json.loads(v) if k in JSON else v for k, v in values.items()})

    @property
    def last(self) -> int:
        """The id of the newest record; 0 without any."""
        with self.lock:
            return int(self._file.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0])

    def append(
        self, person: str, deeds: Sequence[tuple[Deed, Place]], at: float | None = None
    ) -> list[Record]:
        """Keep what a person did; back when all of it is on the disk, and not at all where one cannot be.

        A deed whose key is known already was sent twice and is kept once. An undo or redo with nothing to
        take back or bring back is nothing.

        Raises:
            ValueError: a deed without what it sets, or more dots than a frame may have.
        """
        now = time.time() if at is None else at
        with self.lock:
            added: list[Record] = []
            # Each deed is judged by the answers with those before it: on failure they are read anew.
            self._file.execute("BEGIN IMMEDIATE")
            try:
                for deed, place in deeds:
                    if record := self._added(person, deed, place, now):
                        added.append(record)
                        self.answers.take(record)
                self._file.execute("COMMIT")
            except BaseException:
                self._file.execute("ROLLBACK")
                if added:
                    self.answers = Answers(self.since(0))
                raise
            return added

    def _added(self, person: str, deed: Deed, place: Place, at: float) -> Record | None:
        if self._file.execute("SELECT 1 FROM records WHERE key = ?", (deed.key,)).fetchone():
            return None
        image, page = place
        answer, new = self.answers.of(person, image, page, deed.round), deed.value()
        if deed.kind in ("undo", "redo"):
            target = answer.to_undo() if deed.kind == "undo" else answer.to_redo()
            if target is None:
                return None
            new = {"target": target}
        if deed.kind == "dot" and new["id"] not in answer.dots and len(answer.dots) >= MOST_DOTS:
            raise ValueError(f"more than {MOST_DOTS} dots in one frame")
        if deed.kind == "condition":
            old: dict[str, Any] = {"condition": self.answers.conditions.get(new["chamber"], "")}
        else:
            old = answer.before(deed.kind, new)
        values = (deed.key, at, person, image, page, deed.round, deed.kind)
        shown = deed.shown.model_dump(exclude_defaults=True)
        texts = (json.dumps(old), json.dumps(new), deed.seconds, json.dumps(shown))
        done = self._file.execute(
            "INSERT INTO records (key, at, person, image, page, round, kind, old, new, seconds, shown) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, *texts),
        )
        assert done.lastrowid is not None
        return Record(done.lastrowid, *values, old, new, deed.seconds, shown)

    def copy(self, path: Path) -> None:
        """Write a whole copy of the file, log and all, while others go on writing."""
        with sqlite3.connect(path) as other:
            self._file.backup(other)
        other.close()
