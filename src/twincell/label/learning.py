"""The model behind the page: which one counts now, what it said, and how it learns from the labels."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.files import write_atomic
from twincell.label.curves import Predictions
from twincell.label.downloads import DONE
from twincell.label.jobs import Job, Jobs
from twincell.label.seer import Seer

STATE = "model.json"


class Learning:
    """Counts, learns and reports in the background.

    Args:
        folder: where models and their counts are kept.
        manifest: the data set.
        model: to start from; None: the one that ships and fits best.
        jobs: runs the work.
        changed: called when other counts stand.

    Attributes:
        predictions: of the model that counts now; None before the first count.
        last: what the last learning came to, {} before one.
    """

    def __init__(
        self, folder: Path, manifest: Path, model: str | None, jobs: Jobs, changed: Callable[[], None]
    ) -> None:
        self.folder, self.manifest, self.jobs, self._changed = folder, manifest, jobs, changed
        self.asked = model
        self.predictions: Predictions | None = None
        self.last: dict[str, Any] = {}
        self.report: dict[str, Any] = {}
        self.seer: Seer | None = None
        self.features: tuple[NDArray[np.integer], NDArray[np.floating]] | None = None
        self._state: dict[str, Any] = {
            "number": 0,
            "base": model,
            "model": model,
            "note": "",
            "diameters": {},
        }
        self._find_report()
        place = folder / STATE
        if place.is_file():
            kept = json.loads(place.read_text(encoding="utf-8"))
            if model is None or kept["base"] == model:  # another model asked for counts all anew
                self._state, self.last = kept, kept.get("last", {})
                self._load()

    @property
    def model(self) -> str | None:
        """The model that counts now, a name or run folder."""
        return self._state["model"] if self.predictions is not None else None

    @property
    def name(self) -> str:
        """What people call it."""
        if self.model is None:
            return ""
        base, number = self._state["base"], self._state["number"]
        return str(base) if self.model == base else f"{Path(str(base)).name}, learned ({number})"

    @property
    def note(self) -> str:
        """Why this model, and what speaks against it."""
        return str(self._state["note"])

    def count(self) -> bool:
        """Count all frames with the model; False where other work goes on."""
        number = self._next()
        order = {
            "manifest": str(self.manifest),
            "model": self._state["base"],
            "out": str(self._counts(number)),
        }

        def then(job: Job) -> None:
            base = job.result["model"]
            self._keep(number, base, base, job.result["note"], job.result["diameters"], {})

        return self.jobs.start(Job("count", "Counting all frames"), order, then)

    def learn(self, labels: Path, known: Mapping[int, int]) -> bool:
        """Learn from a manifest of labels, count anew and keep it if it is better; False where other work
        goes on."""
        if self.predictions is None:
            return False
        number = self._next()
        order = {
            "manifest": str(self.manifest),
            "labels": str(labels),
            "model": self._state["base"],
            "out": str(self.folder / f"model-{number}"),
            "counts": str(self._counts(number)),
            "predictions": str(self._counts(self._state["number"])),
            "known": {str(row): count for row, count in known.items()},
            "seed": 0,
        }

        def then(job: Job) -> None:
            told = {key: value for key, value in job.result.items() if key not in ("diameters", "notes")}
            told |= {"at": time.time(), "counted": len(known)}
            if told["changed"]:
                self._keep(
                    number, self._state["base"], told["model"], self.note, job.result["diameters"], told
                )
            else:
                self._keep(**{**self._kept(), "last": told})

        return self.jobs.start(Job("learn", "Learning from your counts"), order, then)

    def write_report(self, store: Path) -> bool:
        """Write growth, report and all files; False where other work goes on."""
        out = self.folder / f"files-{max(self._reports(), default=0) + 1}"
        said = None if self.predictions is None else str(self._counts(self._state["number"]))
        order = {
            "manifest": str(self.manifest),
            "store": str(store),
            "predictions": said,
            "model": self.model,
            "number": self._state["number"],
            "out": str(out),
        }

        def then(job: Job) -> None:
            self._find_report()

        return self.jobs.start(Job("report", "Writing report and files"), order, then)

    def _find_report(self) -> None:
        """The newest report that was written whole."""
        for number in sorted(self._reports(), reverse=True):
            out = self.folder / f"files-{number}"
            if (out / DONE).is_file():
                told = json.loads((out / DONE).read_text(encoding="utf-8"))
                self.report = {**told, "folder": str(out), "at": (out / DONE).stat().st_mtime}
                return

    def _reports(self) -> list[int]:
        names = [file.name.removeprefix("files-") for file in self.folder.glob("files-*")]
        return [int(name) for name in names if name.isdigit()]

    def _next(self) -> int:
        used = [int(file.stem.removeprefix("counts-")) for file in self.folder.glob("counts-*.csv")]
        used += [
            int(file.name.removeprefix("model-")) for file in self.folder.glob("model-*") if file.is_dir()
        ]
        return max([self._state["number"], *used]) + 1

    def _counts(self, number: int) -> Path:
        return self.folder / f"counts-{number}.csv"

    def _kept(self) -> dict[str, Any]:
        state = self._state
        return {key: state[key] for key in ("number", "base", "model", "note", "diameters")} | {
            "last": self.last
        }

    def _keep(
        self, number: int, base: str, model: str, note: str, diameters: dict[str, Any], last: dict[str, Any]
    ) -> None:
        self._state = {
            "number": number, "base": base, "model": model, "note": note, "diameters": diameters,
            "last": last,
        }  # fmt: skip
        self.last = last
        write_atomic(self.folder / STATE, json.dumps(self._state))
        self._load()
        self._changed()

    def _load(self) -> None:
        number, model = self._state["number"], str(self._state["model"])
        self.predictions = Predictions.read(self._counts(number), model, number)
        self.seer = Seer(model, self._state["diameters"])
        pictures = self._counts(number).with_suffix(".npz")
        if pictures.is_file():
            with np.load(pictures, allow_pickle=False) as found:
                self.features = (found["rows"], found["features"])
