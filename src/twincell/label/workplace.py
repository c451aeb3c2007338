"""Where people work: an input that is being set up, then the session on its data set."""

import threading
from collections.abc import Sequence
from pathlib import Path

from twincell.data.manifest import NAME as MANIFEST
from twincell.errors import UserError
from twincell.label.jobs import Jobs
from twincell.label.session import FOLDER, Session
from twincell.label.setup import Asked, Setup


class Workplace:
    """The setup, or the session.

    Attributes:
        setup: None once there is a data set.
        session: None before.
        jobs: runs what takes long, for both.
        root: the folder that one page has for itself.
        counts: let a model count all frames as soon as there is a data set.

    Args:
        inputs: a manifest (or its folder), or recordings and folders of images.
        out: where a data set is made of these; by default a folder named after the first.
        asked: what is known of them.
        model: to start from.

    Raises:
        UserError: inputs that are missing or cannot be used.
    """

    def __init__(
        self, inputs: Sequence[Path], out: Path | None, asked: Asked, model: str | None = None
    ) -> None:
        if missing := [f"{path}: is missing; check the path" for path in inputs if not path.exists()]:
            raise UserError(missing)
        manifests = [path for path in inputs if path.suffix == ".csv" or (path / MANIFEST).is_file()]
        if manifests and len(inputs) > 1:
            raise UserError("a manifest is labelled alone; name one manifest, or files and folders of images")
        self._model, self._lock, self.counts = model, threading.Lock(), False
        self.setup: Setup | None = None
        self.session: Session | None = None
        if manifests:
            manifest = manifests[0]
            self.root = manifest.parent if manifest.suffix == ".csv" else manifest
            self.jobs = Jobs(self.root / FOLDER)
            self._open(manifest)
        else:
            self.root = out or Path(f"{inputs[0].resolve().name.split('.')[0]}-label")
            self.jobs = Jobs(self.root / FOLDER)
            self.setup = Setup(inputs, self.root, asked, self.jobs)
            self.enter()
            if self.session is None and asked.modality is not None and not self.setup.facts["fields"]:
                self.setup.submit(asked.modality, asked.minutes, False)
                self.enter()

    def enter(self) -> None:
        """Begin the session once the data set is made."""
        with self._lock:
            if self.session is None and self.setup is not None and self.setup.manifest is not None:
                self._open(self.setup.manifest)
                self.setup = None
            else:
                return
        if self.counts:
            self.begin()

    def _open(self, manifest: Path) -> None:
        self.session = Session(manifest, self.jobs, self._model)

    def needed_session(self) -> Session:
        """The session.

        Raises:
            UserError: there is no data set yet.
        """
        if self.session is None:
            raise UserError("there is no data set yet to take labels into; make it on the page first")
        return self.session

    def begin(self) -> None:
        """Count all frames, where no model has counted yet."""
        if self.session is not None and self.session.learning.predictions is None:
            self.session.learning.count()

    def close(self) -> None:
        """Stop work; every label is on the disk already."""
        self.jobs.stop()
        if self.session is not None:
            self.session.close()
