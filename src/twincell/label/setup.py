"""From what a person named - a file, a folder - to a data set, by questions on the page."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twincell.data.from_folders import FolderOptions, manifest_from_folders
from twincell.data.manifest import NAME as MANIFEST
from twincell.data.modality import asked_modality
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.io.encode import png
from twincell.io.reading import Reading
from twincell.io.recordings import open_recordings
from twincell.label.fields import FOUND, checked_boxes, picture
from twincell.label.jobs import Job, Jobs
from twincell.pipeline import FIELD

CHAMBERS = "chambers"
LONGEST = 7 * 24 * 60.0
"""Minutes between two frames, at most."""


@dataclass(frozen=True)
class Asked:
    """What the command says of the input.

    Attributes:
        modality, minutes, fields: None = the page asks (fields: whether chambers are to be cut out).
        axes, names, channel, z: how files are read.
    """

    modality: str | None = None
    minutes: float | None = None
    fields: bool | None = None
    axes: str | None = None
    names: str | None = None
    channel: int | None = None
    z: int | None = None

    def reading(self, loose: bool, minutes: float | None = None) -> Reading:
        """How files are read: for listing images (loose) or for cutting chambers out."""
        return Reading(
            self.axes,
            names=self.names,
            channel=self.channel,
            z=self.z,
            interval_min=self.minutes if minutes is None else minutes,
            loose=loose,
        )


class Setup:
    """An input that is no data set yet.

    Args:
        inputs: files and folders.
        out: folder for the manifest and everything that is made.
        asked: what is known.
        jobs: runs the first look and the import.

    Raises:
        UserError: an input that cannot be read.
    """

    def __init__(self, inputs: Sequence[Path], out: Path, asked: Asked, jobs: Jobs) -> None:
        self.inputs, self.out, self.asked, self.jobs = [Path(i).resolve() for i in inputs], out, asked, jobs
        self.folder = out / ".label"
        self._lock = threading.Lock()
        recordings = open_recordings(self.inputs, asked.reading(loose=True))
        self._first = recordings[0]
        sizes = [min(r.shape) for r in recordings if not r.alone and len(r) > 1]
        large = bool(sizes) and sorted(sizes)[len(sizes) // 2] > FIELD
        self.facts: dict[str, Any] = {
            "input": ", ".join(path.name for path in self.inputs),
            "recordings": len(recordings),
            "frames": sum(len(r) for r in recordings),
            "width": self._first.shape[1],
            "height": self._first.shape[0],
            "timed": any(hour is not None and hour > 0 for r in recordings for hour in r.hours()[-1:]),
            "alone": all(r.alone for r in recordings),
            "fields": large if asked.fields is None else asked.fields,
            "modality": asked.modality or "",
            "minutes": asked.minutes,
        }
        self.said: dict[str, Any] | None = None
        kept = self.folder / "said.json"
        if kept.is_file():
            self.said = json.loads(kept.read_text(encoding="utf-8"))

    @property
    def manifest(self) -> Path | None:
        """The data set, once it is made whole."""
        for place in (self.out / MANIFEST, self.out / CHAMBERS / MANIFEST):
            if place.is_file() and not (place.parent / ".import").exists():
                return place
        return None

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        job = self.jobs.now.as_dict() if self.jobs.now else None
        return {
            "phase": self.phase,
            "facts": self.facts,
            "said": self.said,
            "positions": self.positions,
            "job": job,
        }

    @property
    def phase(self) -> str:
        """ask, looking, boxes or importing."""
        running = self.jobs.now is not None and self.jobs.now.state == "running"
        if running and self.jobs.now is not None:
            return "importing" if self.jobs.now.kind == "import" else "looking"
        return "boxes" if self.said is not None and self.said["fields"] and self.positions else "ask"

    @property
    def positions(self) -> list[dict[str, Any]]:
        """What the first look found; empty before it."""
        place = self.folder / FOUND
        return json.loads(place.read_text(encoding="utf-8")) if self.said and place.is_file() else []

    def first_picture(self) -> bytes:
        """The first frame of all, as PNG."""
        with self._lock:
            return png(picture(self._first))

    def position_picture(self, number: int) -> Path:
        """The picture of a position that was looked at.

        Raises:
            UserError: there is none of that number.
        """
        if not 0 <= number < len(self.positions):
            raise UserError(f"there is no position {number}")
        return self.folder / f"position-{number}.png"

    def submit(self, modality: str, minutes: float | None, fields: bool) -> None:
        """Take the person's words: a data set of ready images is made at once, fields are looked at.

        Raises:
            UserError: words that cannot be used, or work that goes on.
        """
        word = asked_modality(modality, "the kind of image")
        if word is None:
            raise UserError("the kind of image is missing")
        if minutes is not None and not 0 < minutes <= LONGEST:
            raise UserError(f"{minutes:g} minutes between frames: give a number above 0, at most a week")
        said = {"modality": word, "minutes": minutes, "fields": fields}
        if not fields:
            reading = self.asked.reading(loose=True, minutes=minutes)
            manifest_from_folders(self.inputs, self.out, FolderOptions(word, reading, minutes, split="train"))
            return
        self._say(said)
        (self.folder / FOUND).unlink(missing_ok=True)
        order = {
            "files": self._files(),
            "modality": word,
            "reading": self._reading(),
            "folder": str(self.folder),
        }
        if not self.jobs.start(Job("look", "Looking for chambers"), order, lambda job: None):
            raise UserError("other work is going on; wait for it")

    def again(self) -> None:
        """Back to the questions."""
        self.said = None
        (self.folder / "said.json").unlink(missing_ok=True)

    def confirm(self, boxes: dict[str, Any], then: Any) -> None:
        """Cut the chambers out as drawn; `then` is called with the finished job.

        Raises:
            UserError: boxes that cannot be used, or work that goes on.
        """
        assert self.said is not None
        order = {
            "files": self._files(),
            "modality": self.said["modality"],
            "reading": self._reading(),
            "boxes": checked_boxes(boxes, self.positions),
            "out": str(self.out / CHAMBERS),
        }
        if not self.jobs.start(Job("import", "Cutting chambers out"), order, then):
            raise UserError("other work is going on; wait for it")

    def _say(self, said: dict[str, Any]) -> None:
        self.said = said
        write_atomic(self.folder / "said.json", json.dumps(said))

    def _files(self) -> list[str]:
        return [str(path) for path in self.inputs]

    def _reading(self) -> dict[str, Any]:
        assert self.said is not None
        return asdict(self.asked.reading(loose=False, minutes=self.said["minutes"]))
