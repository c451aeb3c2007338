"""What a benchmark gives, and how it is timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One benchmark's result.

    Attributes:
        ours: twincell's figure, in `unit`.
        peer: the figure of what it is measured against, in the same run; None where there is no peer.
        unit: what is counted, such as "images/s"; more is better unless it is a time.
    """

    ours: float
    peer: float | None
    unit: str

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return None if self.peer is None else self.ours / self.peer


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The least time of `repeats` runs after one warm-up: what the work takes when nothing disturbs it."""
    work()
    return min(_once(work) for _ in range(repeats))


def paired(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[float, float]:
    """The least times of both, run in turns so that a slow moment of the machine meets both."""
    ours()
    peer()
    times = [(_once(ours), _once(peer)) for _ in range(repeats)]
    return min(a for a, _ in times), min(b for _, b in times)


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
