"""From recordings to posteriors: many chambers at once, in batches that fit into memory."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from twincell.series.chamber import Posterior, Recording
from twincell.series.forward_backward import Chain, draw_paths, filtered, smoothed
from twincell.series.noise import LEVELS, ErrorModel, frame_likelihood, label_kernel, slow_levels, spread
from twincell.series.process import STATES, slow_prior, slow_steps, transition

#: Values (frames x chambers x slow levels x counts) held at once; float32, three arrays: below 200 MB.
BATCH_VALUES = 12_000_000

#: Paths drawn per chamber: a probability read from them is good to 0.07.
PATHS = 50


def read(
    recordings: Sequence[Recording],
    errors: ErrorModel,
    paths: int = 0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Posterior]:
    """The posterior of every recording, in their order.

    Args:
        recordings: chambers on their grids; lengths may differ.
        errors: constants of process and counters.
        paths: how many count paths to draw from each posterior (for events).
        seed: of the draws; a chamber's draws depend on the seed and its name alone.
        progress: called with the number of chambers done since the last call.
    """
    order = np.argsort([-len(r.estimate) for r in recordings], kind="stable")
    found: list[Posterior | None] = [None] * len(recordings)
    start = 0
    while start < len(order):
        length = len(recordings[order[start]].estimate)
        size = max(1, BATCH_VALUES // (length * LEVELS * STATES))
        batch = order[start : start + size]
        results = _read_batch([recordings[i] for i in batch], errors, paths, seed)
        for index, result in zip(batch, results, strict=True):
            found[index] = result
        start += len(batch)
        if progress is not None:
            progress(len(batch))
    return [result for result in found if result is not None]


def _read_batch(batch: list[Recording], errors: ErrorModel, paths: int, seed: int) -> list[Posterior]:
    likelihood = _likelihood(batch, errors)
    chain = Chain(
        transition(errors.churn, errors.growth, errors.jump),
        slow_steps(LEVELS, float(np.exp(-1.0 / errors.memory))),
        _start(),
        slow_prior(LEVELS),
    )
    state, evidence = filtered(likelihood, chain)
    drawn = _draw(batch, state, chain, paths, seed) if paths else None
    smoothed(state, likelihood, chain)

    levels = slow_levels(errors).astype(np.float32)
    counts, slow = state.sum(2), state.sum(3) @ levels
    offset = levels[:, None] * spread(np.arange(STATES)).astype(np.float32)
    expected = counts @ np.arange(STATES, dtype=np.float32) + np.tensordot(state, offset, 2)
    results = []
    for c, recording in enumerate(batch):
        own = slice(0, len(recording.estimate))
        results.append(
            Posterior(
                recording,
                counts[own, c].copy(),
                expected[own, c].astype(float),
                slow[own, c].astype(float),
                float(evidence[c]),
                None if drawn is None else drawn[own, c].copy(),
            )
        )
    return results


def _likelihood(batch: list[Recording], errors: ErrorModel) -> NDArray[np.float32]:
    # Shorter chambers are padded at the end with frames in which nothing was seen: that changes nothing
    # before.
    length = max(len(r.estimate) for r in batch)
    estimate = np.full((length, len(batch)), np.nan)
    counted = np.full((length, len(batch)), -1)
    for c, recording in enumerate(batch):
        estimate[: len(recording.estimate), c] = recording.estimate
        counted[: len(recording.counted), c] = recording.counted
    likelihood = frame_likelihood(estimate, np.array([r.fast for r in batch]), errors)
    frame, chamber = np.nonzero(counted >= 0)
    label = label_kernel(errors.label)[:, np.minimum(counted[frame, chamber], STATES - 1)].T
    likelihood[frame, chamber] *= label[:, None, :]
    return likelihood


def _draw(
    batch: list[Recording], state: NDArray[np.float32], chain: Chain, paths: int, seed: int
) -> NDArray[np.uint8]:
    chance = np.zeros((len(state), len(batch), paths, 2), np.float32)
    for c, recording in enumerate(batch):
        rng = np.random.default_rng([seed, zlib.crc32(recording.chamber.encode())])
        chance[: len(recording.estimate), c] = rng.random((len(recording.estimate), paths, 2), np.float32)
    return draw_paths(state, chain, np.array([len(r.estimate) for r in batch]), chance)


def _start() -> NDArray[np.float32]:
    # Chambers are loaded with few cells, but a recording may begin late: weight falls slowly with the count.
    weight = 1.0 / (np.arange(STATES) + 3.0)
    return (weight / weight.sum()).astype(np.float32)
