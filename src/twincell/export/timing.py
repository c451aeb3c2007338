"""How long counting takes on this machine, several counters taking turns."""

import statistics
import time
from collections.abc import Mapping

from twincell.export.engines import Counter, Images

ROUNDS = 7
BATCH = 16


def milliseconds(counters: Mapping[str, Counter], images: Images) -> dict[str, float]:
    """Median milliseconds an image, each counter once a round, in batches of images (N, 1, H, W)."""
    batch = images[:BATCH]
    taken: dict[str, list[float]] = {name: [] for name in counters}
    for counter in counters.values():
        counter(batch)  # the first call compiles and warms up
    for _ in range(ROUNDS):
        for name, counter in counters.items():
            start = time.perf_counter()
            counter(batch)
            taken[name].append((time.perf_counter() - start) * 1000 / len(batch))
    return {name: statistics.median(times) for name, times in taken.items()}
