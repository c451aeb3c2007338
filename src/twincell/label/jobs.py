"""One long piece of work at a time, in a process of its own, so that the page always answers."""

import json
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twincell.files import write_atomic

_PROGRESS = re.compile(r"^(?P<what>[^:]+): (?P<done>[\d,]+) of (?P<total>[\d,]+)")
_PART = re.compile(r"part (?P<done>\d+) of (?P<total>\d+)")
LINES = 40
"""Last lines of a failed job that are kept to say why."""


@dataclass
class Job:
    """A piece of work.

    Attributes:
        kind: count, learn, import, report, look.
        title: for people.
        state: running, done, failed, stopped.
        line: what is being done now, or why it failed.
        share: of the work that is done, 0 to 1; None = not known.
        result: what came out.
        began, ended: seconds since 1970; ended 0 while it runs.
    """

    kind: str
    title: str
    state: str = "running"
    line: str = "starting"
    share: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    ended: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the page."""
        end = self.ended or time.time()
        return {**self.__dict__, "seconds": round(end - self.began, 1)}


class Jobs:
    """Runs jobs one after the other; a second one is refused while one runs.

    Args:
        folder: where their orders are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.now: Job | None = None

    def start(self, job: Job, order: Mapping[str, Any], then: Callable[[Job], None]) -> bool:
        """Start a job; `then` is called in a thread of its own once it is done. False where one runs
        already."""
        with self._lock:
            if self.now is not None and self.now.state == "running":
                return False
            self.now = job
            place = write_atomic(self._folder / f"{job.kind}.json", json.dumps(dict(order)))
            # The standard input stays open: when this process dies, however, the other one sees it end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "twincell.label.work", job.kind, str(place)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="backslashreplace",
            )
            threading.Thread(target=self._follow, args=(job, self._process, then), daemon=True).start()
            return True

    def stop(self) -> None:
        """Stop the job that runs; what it had finished stays."""
        with self._lock:
            if self.now is not None and self.now.state == "running" and self._process is not None:
                self.now.state = "stopped"
                self._process.kill()

    def _follow(self, job: Job, process: "subprocess.Popen[str]", then: Callable[[Job], None]) -> None:
        said: deque[str] = deque(maxlen=LINES)
        listener = threading.Thread(target=_listen, args=(process, job, said), daemon=True)
        listener.start()
        assert process.stdout is not None
        answer = process.stdout.read()
        code = process.wait()
        listener.join(timeout=5)
        if job.state == "running":
            try:
                job.result = json.loads(answer) if code == 0 else {}
            except ValueError:
                code = 1
            if code == 0:
                # Done before the next step is taken, which may be a job of its own.
                job.line, job.share, job.state, job.ended = "done", 1.0, "done", time.time()
                try:
                    then(job)
                except Exception as problem:
                    job.line, job.state = str(problem), "failed"
            else:
                job.line = (
                    " ".join(line.removeprefix("twincell: ") for line in list(said)[-3:])
                    or f"ended with {code}"
                )
                job.state = "failed"
        job.ended = job.ended or time.time()


def _listen(process: "subprocess.Popen[str]", job: Job, said: "deque[str]") -> None:
    """Follow what a job says on its standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if not line.strip():
            continue
        said.append(line.strip())
        if job.state == "running":
            told_progress(job, line.strip())


def told_progress(job: Job, line: str) -> None:
    """Take what a line says of a job's progress."""
    for pattern in (_PROGRESS, _PART):
        if found := pattern.search(line):
            done, total = (int(found[name].replace(",", "")) for name in ("done", "total"))
            job.share = min(done / total, 1.0) if total else None
    job.line = line.removeprefix("twincell: ")[:200]
