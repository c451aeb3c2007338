"""One look for all progress: what, how far, time left; on stderr, so that programs can read stdout.

In a terminal a bar; elsewhere (nohup, a cluster, a pipe) a line at the start and every ten seconds.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeRemainingColumn,
)
from rich.text import Text

from twincell.printable import in_line

T = TypeVar("T")
EVERY = 10.0  # seconds between two lines where there is no terminal


class _Lines(Progress):
    """A progress display that writes lines in place of bars."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        super().__init__(*columns, console=console, disable=True)
        self._said: dict[TaskID, float] = {}
        self._began: dict[TaskID, tuple[float, float]] = {}

    def add_task(self, description: str, *args: Any, **fields: Any) -> TaskID:
        """Begin a task; nothing is said until it has gone on for a while."""
        number = super().add_task(description, *args, **fields)
        now = time.monotonic()
        self._said[number], self._began[number] = now, (now, self._task(number).completed)
        return number

    def update(self, task_id: TaskID, **fields: Any) -> None:
        """Note progress, and say it if the last line is old."""
        super().update(task_id, **fields)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Note that `advance` more are done, and say it if the last line is old."""
        super().advance(task_id, advance)
        self._say(task_id)

    def _task(self, number: TaskID) -> Any:
        return self._tasks[number]

    def _say(self, number: TaskID) -> None:
        now = time.monotonic()
        if now - self._said[number] < EVERY:
            return
        self._said[number] = now
        task = self._task(number)
        began, first = self._began[number]
        done = task.completed - first
        left = ""
        if task.total and done > 0:
            left = f", {_span((now - began) / done * max(task.total - task.completed, 0))} left"
        total = f" of {task.total:,.0f}" if task.total else ""
        note = task.fields.get("note", "")
        print(
            f"{task.description}: {task.completed:,.0f}{total}{left}{f', {note}' if note else ''}",
            file=sys.stderr,
            flush=True,
        )


class _Words(ProgressColumn):
    """The description or the note of a task, as it is: names in it are no markup and move no cursor."""

    def __init__(self, which: str) -> None:
        super().__init__()
        self._which = which

    def render(self, task: Task) -> Text:
        """Give the words."""
        words = task.description if self._which == "description" else task.fields[self._which]
        return Text(in_line(str(words)))


def bar(show: bool = True) -> Progress:
    """An empty progress display with the columns used everywhere; use it as a context manager."""
    # The command's own stream shows no control characters; a bar is made of them.
    console = Console(file=getattr(sys.stderr, "terminal", sys.stderr), markup=False)
    columns = (
        _Words("description"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        _Words("note"),
    )
    if show and not console.is_terminal:
        return _Lines(*columns, console=console)
    return Progress(*columns, console=console, transient=True, disable=not show)


def track(items: Iterable[T], what: str, total: int, show: bool = True) -> Iterator[T]:
    """Pass the items through and show how many have passed and how long the rest will take."""
    with bar(show) as progress:
        task = progress.add_task(what, total=total, note="")
        for item in items:
            yield item
            progress.advance(task)


def _span(seconds: float) -> str:
    """Seconds as people say them: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
