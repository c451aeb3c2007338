"""What a benchmark gives, and how it is timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np

Clock = Callable[[], float]
CLOCKS: list[Clock] = [time.perf_counter]
"""The last one is used; `run.py --processor-time` adds its own."""


@dataclass(frozen=True)
class Figure:
    """One benchmark's result.

    Attributes:
        ours: twincell's figure, in `unit`.
        peer: the figure of what it is measured against, in the same run; None where there is no peer.
        unit: what is counted, such as "images/s"; more is better unless it is a time.
        ratios: ours over the peer's, turn by turn.
    """

    ours: float
    peer: float | None
    unit: str
    ratios: tuple[float, ...] = field(default=(), repr=False)

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return None if self.peer is None else self.ours / self.peer

    def quartiles(self) -> tuple[float, float] | None:
        """Between which half of the turns' ratios lie."""
        if not self.ratios:
            return None
        low, high = np.quantile(self.ratios, (0.25, 0.75))
        return float(low), float(high)


def compared(
    ours: Callable[[], object],
    peer: Callable[[], object],
    repeats: int,
    images: int,
    peers_images: int | None = None,
    clock: Clock | None = None,
) -> Figure:
    """Images a second of both, medians of runs in turns: a slow moment of the machine meets both.

    Args:
        ours, peer: what is timed, after one run each to warm up.
        repeats: turns.
        images: that `ours` works on, and `peer` too unless `peers_images` says otherwise.
        clock: seconds; by default the wall's, or the processor's where the run asks for it.
    """
    clock = clock or CLOCKS[-1]
    ours()
    peer()
    times = [(once(ours, clock), once(peer, clock)) for _ in range(repeats)]
    others = images if peers_images is None else peers_images
    ratios = tuple((images / a) / (others / b) for a, b in times)
    first, second = (median(column) for column in zip(*times, strict=True))
    return Figure(images / first, others / second, "images/s", ratios)


def once(work: Callable[[], object], clock: Clock) -> float:
    """Seconds that the work takes."""
    start = clock()
    work()
    return clock() - start
