"""Which frame to ask for next, so that a person's time teaches most.

In a time-lapse the frames that tell most of all others: the error of the frame model passes slowly, so each
counted frame corrects its neighbours, the more the nearer. Of images that stand alone those that look least
like the ones counted already. What each rule is worth was measured: docs/results/queue.md.
"""

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
LARGEST = 4_000
"""Images among which the least alike are looked for; of more, evenly chosen ones."""
REPEATS = 14
"""Of so many frames about one is asked for again, hidden among new ones: 7 %."""
APART = 10
"""A person has answered so many frames since the one that is asked for again."""


def regular(n: int, asked: int) -> list[int]:
    """The middles of `asked` equal parts of n frames: what a person would choose who knows how many."""
    return [int((k + 0.5) * n / asked) for k in range(min(asked, n))]


def farthest(n: int, known: Collection[int], among: Sequence[int] | None = None) -> int:
    """The frame farthest in time from all known ones; the middle where none is known.

    Args:
        n: frames there are.
        known: frames counted.
        among: frames that may be asked; by default all.
    """
    if not known:
        return n // 2 if among is None else min(among, key=lambda at: abs(at - n // 2))
    frames, there = np.arange(n), np.array([-n, *sorted(known), 2 * n])
    after = np.searchsorted(there, frames)
    apart = np.minimum(there[after] - frames, frames - there[after - 1]).astype(float)
    # A gap at an end is filled a third from it: frames there have a known one on one side only.
    first, last = min(known), max(known)
    apart[:first] = np.minimum(apart[:first], 2.0 * np.arange(first) + 1)
    apart[last + 1 :] = np.minimum(apart[last + 1 :], 2.0 * (n - 1 - np.arange(last + 1, n)) + 1)
    return _largest(apart, known, among)


def _largest(values: Floats, known: Collection[int], among: Sequence[int] | None) -> int:
    left = np.full(len(values), -np.inf)
    free = np.arange(len(values)) if among is None else np.array(among)
    left[free] = values[free]
    left[list(known)] = -np.inf
    return int(left.argmax())


def least_alike(features: Floats, known: Sequence[int], n: int, start: int | None = None) -> list[int]:
    """`n` more images, each the one least like all before (greedy k-centre, a core-set).

    Args:
        features: (N, D) of the images.
        known: counted ones.
        n: how many to name.
        start: the first where none is known; by default the one nearest to the middle of all.
    """
    scaled = np.asarray(features, np.float32)
    scaled = (scaled - scaled.mean(0)) / (scaled.std(0) + 1e-6)
    found: list[int] = []
    if len(known):
        near = np.full(len(scaled), np.inf, np.float32)
        for at in known:
            near = np.minimum(near, ((scaled - scaled[at]) ** 2).sum(1))
    else:
        first = int((scaled**2).sum(1).argmin()) if start is None else start
        found.append(first)
        near = ((scaled - scaled[first]) ** 2).sum(1)
    while len(found) < min(n, len(scaled) - len(known)):
        at = int(near.argmax())
        found.append(at)
        near = np.minimum(near, ((scaled - scaled[at]) ** 2).sum(1))
    return found[:n]


def in_turn(lengths: Sequence[int], known: Sequence[int]) -> list[int]:
    """The order in which series are asked: those with the fewest known frames for their length first."""
    share = [(k + 1) / max(n, 1) ** 0.5 for n, k in zip(lengths, known, strict=True)]
    return sorted(range(len(lengths)), key=lambda i: (known[i] > 0, share[i], i))


def repeat_now(person: str, answered: int) -> bool:
    """Whether the next frame is one that was answered before: by chance, but the same after a restart."""
    if answered < APART:
        return False
    digest = hashlib.sha256(f"{person}\0{answered}".encode()).digest()
    return digest[0] % REPEATS == 0
