"""One data set, the people at it, and all that the page asks for."""

import secrets
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from twincell.data.manifest import manifest_path
from twincell.errors import UserError
from twincell.label import queue
from twincell.label.answers import Answer
from twincell.label.curves import change_by_more, read_series
from twincell.label.dataset import read_dataset
from twincell.label.exchange import known_counts, write_labels
from twincell.label.jobs import Jobs
from twincell.label.learning import Learning
from twincell.label.records import FINISHED, Deed, Record
from twincell.label.store import NAME, Store

FOLDER = ".label"
"""Beside the manifest: models that learned, their counts, reports. The labels themselves are
`labels.sqlite`."""
AHEAD = 8
"""Images that stand alone are chosen so many at a time."""


class Session:
    """A data set being counted. Safe to use from several threads.

    Args:
        manifest: its file or folder.
        jobs: runs what takes long.
        model: to start from; None: the one that fits best.

    Raises:
        UserError: a manifest with faults, labels that cannot be read.
    """

    def __init__(self, manifest: Path, jobs: Jobs, model: str | None = None) -> None:
        self.path = manifest_path(manifest).resolve()
        self.dataset = read_dataset(self.path)
        if not self.dataset.series:
            raise UserError(f"{self.path}: lists no image from a microscope; add rows of origin natural")
        self.store = Store(self.path.parent / NAME)
        self.jobs, self.stamp = jobs, secrets.token_hex(4)
        self.folder = self.path.parent / FOLDER
        self._known = self._all_known()
        self._lock = threading.RLock()
        self._read: dict[int, tuple[object, pd.DataFrame]] = {}
        self._alike: tuple[object, list[int]] = (None, [])
        self.learning = Learning(self.folder, self.path, model, jobs, self._read.clear)

    # -- what people do ----------------------------------------------------------------------------

    def do(self, person: str, deeds: Sequence[Deed]) -> list[Record]:
        """Keep what a person did; back once it is on the disk.

        Raises:
            ValueError: a row that is not there, a dot outside its image, or what `Store.append` refuses.
        """
        placed = []
        for deed in deeds:
            if deed.kind == "condition":
                if deed.chamber not in {series.name for series in self.dataset.series}:
                    raise ValueError(f"chamber {deed.chamber!r} is not in the data set")
                placed.append((deed, ("", 0)))
                continue
            if not self.dataset.shown(deed.row):
                raise ValueError(f"row {deed.row} is not in the data set")
            if deed.kind == "dot" and deed.dot is not None:
                height, width = self.dataset.size(deed.row)
                if deed.dot.x > width or deed.dot.y > height:
                    raise ValueError(f"a dot at ({deed.dot.x:g}, {deed.dot.y:g}) lies outside its image")
            placed.append((deed, (self.dataset.images[deed.row], self.dataset.pages[deed.row])))
        kept = self.store.append(person, placed)
        with self._lock:
            for row in {deed.row for deed in deeds if deed.kind != "condition"}:
                self._refresh(row)
        return kept

    def answer(self, person: str, row: int, round_: int = 0) -> Answer:
        """A person's answer on a frame."""
        return self.store.answers.of(person, self.dataset.images[row], self.dataset.pages[row], round_)

    def answers_on(self, row: int) -> list[Answer]:
        """All answers on a frame."""
        return self.store.answers.on(self.dataset.images[row], self.dataset.pages[row])

    def known_in(self, number: int) -> dict[int, int]:
        """Cells by row, of a series."""
        rows = self.dataset.series[number].rows.tolist()
        with self._lock:
            return {row: self._known[row] for row in rows if row in self._known}

    @property
    def known(self) -> dict[int, int]:
        """Cells by row: what people counted, and the manifest."""
        with self._lock:
            return dict(self._known)

    def reload(self) -> None:
        """Take in what was written to the store from outside."""
        with self._lock:
            self._known = self._all_known()

    def _all_known(self) -> dict[int, int]:
        return known_counts(self.dataset, self.store.answers)

    def _refresh(self, row: int) -> None:
        final = self.store.answers.final(self.dataset.images[row], self.dataset.pages[row])
        if final is not None and final.count is not None:
            self._known[row] = final.count
        else:
            count = self.dataset.manifest.table["count"].iloc[row]
            if np.isfinite(count):
                self._known[row] = int(count)
            else:
                self._known.pop(row, None)

    # -- what is known -----------------------------------------------------------------------------

    def read(self, number: int) -> pd.DataFrame:
        """A series as it is known now (see `read_series`)."""
        known, predictions = self.known_in(number), self.learning.predictions
        key = (None if predictions is None else predictions.number, tuple(known.items()))
        with self._lock:
            kept = self._read.get(number)
            if kept is None or kept[0] != key:
                series = self.dataset.series[number]
                kept = self._read[number] = (
                    key,
                    read_series(series, self.dataset.frames, predictions, known),
                )
            return kept[1]

    def change_by_more(self, number: int) -> float | None:
        """See `curves.change_by_more`; None for images that stand alone, or before a model has counted."""
        series = self.dataset.series[number]
        if not series.in_time or self.learning.predictions is None:
            return None
        rows = self.read(number)
        hours = np.array([self.dataset.hours[row] for row in series.rows.tolist()])
        return change_by_more(rows, hours, lambda table, at: queue.farthest(len(table), at))

    # -- what to ask -------------------------------------------------------------------------------

    def next(
        self, person: str, n: int = 1, series: int | None = None, avoid: Collection[int] = ()
    ) -> list[tuple[int, int]]:
        """The next frames for a person, (row, round) each; fewer where nothing is left.

        Args:
            person: who; among new frames some are asked again, or were answered by others.
            n: how many.
            series: from this one alone.
            avoid: rows that are before the person already.
        """
        with self.store.lock:
            own = [a for a in self.store.answers.all() if a.person == person and a.status != "open"]
        avoided = {*avoid, *(row for a in own if (row := self._row(a)) is not None)}
        answered = sum(a.count is not None for a in own) + len(avoid)
        found: list[tuple[int, int]] = []
        for _ in range(n):
            asked: tuple[int, int] | None = None
            if series is None and queue.repeat_now(person, answered + len(found)):
                asked = self._again(person, {*avoid, *(row for row, _ in found)})
            if asked is None:
                row = self._new(series, avoided)
                if row is None:
                    break
                asked = (row, 0)
            found.append(asked)
            avoided.add(asked[0])
        return found

    def _row(self, answer: Answer) -> int | None:
        return self.dataset.row(answer.image, answer.page)

    def _again(self, person: str, avoid: Collection[int]) -> tuple[int, int] | None:
        """A frame that was answered before: by the person, long enough ago, or by somebody else."""
        with self.store.lock:
            done = [(a, self._row(a)) for a in self.store.answers.all() if a.status in FINISHED]
        finished = [(a, row) for a, row in done if row is not None]
        mine = sorted((a.at, a.round, row) for a, row in finished if a.person == person)
        seen = {row for _, _, row in mine}
        twice = {row for _, round_, row in mine if round_ > 0}
        again = [
            row for _, round_, row in mine[: -queue.APART] if round_ == 0 and row not in {*twice, *avoid}
        ]
        theirs = [row for a, row in finished if a.person != person]
        others = [row for row in theirs if row not in {*seen, *avoid}]
        if others and (len(seen.intersection(theirs)) <= len(twice) or not again):
            return others[0], 0
        return (again[0], 1) if again else None

    def _new(self, only: int | None, avoided: Collection[int]) -> int | None:
        every = self.dataset.series
        before = [int(self.dataset.of_row[row]) for row in avoided if self.dataset.shown(row)]
        taken = [len(self.known_in(i)) + before.count(i) for i in range(len(every))]
        order = [only] if only is not None else queue.in_turn([len(s.rows) for s in every], taken)
        for number in order:
            if (row := self._in_series(number, avoided)) is not None:
                return row
        return None

    def _in_series(self, number: int, avoided: Collection[int]) -> int | None:
        series = self.dataset.series[number]
        if not series.in_time:
            return self._alone(number, avoided)
        taken = {*self.known_in(number), *avoided}
        places = {place for place, row in enumerate(series.rows.tolist()) if row in taken}
        if len(places) == len(series.rows):
            return None
        return int(series.rows[queue.farthest(len(series.rows), places)])

    def _alone(self, number: int, avoided: Collection[int]) -> int | None:
        """The image least like those counted, of those that stand alone; without features the farthest."""
        rows, taken = self.dataset.series[number].rows, {*self.known_in(number), *avoided}
        if self.learning.features is not None:
            at, features = self.learning.features
            known = [place for place, row in enumerate(at.tolist()) if row in taken]
            key = (self.learning.predictions and self.learning.predictions.number, len(self.known_in(number)))
            if self._alike[0] != key or all(row in taken for row in self._alike[1]):
                chosen = queue.least_alike(features, known, AHEAD)
                self._alike = (key, [int(at[place]) for place in chosen])
            left = [row for row in self._alike[1] if row not in taken]
            if left:
                return left[0]
        places = {place for place, row in enumerate(rows.tolist()) if row in taken}
        return None if len(places) == len(rows) else int(rows[queue.farthest(len(rows), places)])

    # -- long work ---------------------------------------------------------------------------------

    def learn(self) -> bool:
        """Learn from all labels in the background; False where other work goes on."""
        labels = self.folder / "learned-from"
        with self.store.lock:
            write_labels(self.dataset, self.store.answers, labels, learn=True)
        for old in [*labels.glob("manifest.2*.csv"), *labels.glob("points.2*.csv")]:
            old.unlink()  # copies of a working folder that nobody works in
        return self.learning.learn(labels, self.known)

    def close(self) -> None:
        """Stop work and write the log of labels into their file."""
        self.jobs.stop()
        self.store.close()
