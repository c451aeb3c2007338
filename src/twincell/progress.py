"""One look for every progress bar: what, how far, time left; on stderr, so that programs can read stdout."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def bar(show: bool = True) -> Progress:
    """An empty progress display with the columns used everywhere; use it as a context manager."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
        disable=not (show and console.is_terminal),  # a log file wants no bars
    )


def track(items: Iterable[T], what: str, total: int, show: bool = True) -> Iterator[T]:
    """Passes the items through and shows how many have passed and how long the rest will take."""
    with bar(show) as progress:
        task = progress.add_task(what, total=total, note="")
        for item in items:
            yield item
            progress.advance(task)
