"""From recordings to posteriors: many chambers at once, in batches that fit into memory."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twincell.series.smoothing.birth_death import STATES, slow_grid, slow_prior, slow_steps, transition
from twincell.series.smoothing.chamber import ChamberSeries, Posterior
from twincell.series.smoothing.chamber_bias import ChamberBias, chamber_bias
from twincell.series.smoothing.error_model import LEVELS, ErrorModel, frame_likelihood, label_kernel, spread
from twincell.series.smoothing.forward_backward import Chain, draw_paths, filtered, smoothed

BATCH_VALUES = 2_000_000
"""Values (frames x chambers x slow levels x counts) held at once. Float32, three arrays: 24 MB, of which a
processor keeps much at hand; six times as many took 1.5 times as long."""

PATHS = 50
"""Paths drawn per chamber: a probability read from them is good to 0.07."""

SIZES = (1.0, 0.5, 0.25, 0.1)
"""Sizes of the slow error that are tried on each chamber, as factors of the usual one: a frame model that is
right here shows it by estimates that lie near whole numbers, and is then not to be doubted."""

TEMPER = 0.3
"""Weight of the frames' evidence for a size. Below 1, as neighbouring frames err together more than the model
knows, and so hundreds of them say less than it thinks. Counted frames have their full weight."""


def infer(
    recordings: Sequence[ChamberSeries],
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
        chosen = order[start : start + size]
        batch = [recordings[i] for i in chosen]
        reading = _all_sizes(batch, errors, paths, seed)
        for place, index in enumerate(chosen):
            found[index] = reading.posterior(place, batch[place])
        start += len(chosen)
        if progress is not None:
            progress(len(chosen))
    return [result for result in found if result is not None]


@dataclass
class _Reading:
    """A batch of C chambers of up to F frames, read with one size of the slow error or averaged over several.

    Attributes:
        counts: (F, C, 61) probabilities.
        expected: (F, C) where the estimate was expected.
        slow: (F, C) mean slow error.
        paths: (F, C, D) drawn paths; None where none were asked for.
    """

    counts: NDArray[np.float32]
    expected: NDArray[np.float32]
    slow: NDArray[np.float32]
    paths: NDArray[np.uint8] | None = None

    def posterior(self, place: int, recording: ChamberSeries) -> Posterior:
        own = slice(0, len(recording.estimate))
        return Posterior(
            recording,
            self.counts[own, place].copy(),
            self.expected[own, place].astype(float),
            self.slow[own, place].astype(float),
            None if self.paths is None else self.paths[own, place].copy(),
        )

    def mix(self, other: "_Reading", share: NDArray[np.float64]) -> None:
        """Takes the other reading in, with its share (C,) of the average."""
        part = share.astype(np.float32)
        self.counts += part[:, None] * (other.counts - self.counts)
        self.expected += part * (other.expected - self.expected)
        self.slow += part * (other.slow - self.slow)


def _all_sizes(batch: list[ChamberSeries], errors: ErrorModel, paths: int, seed: int) -> _Reading:
    """The average over the sizes of the slow error, each weighted by its evidence."""
    chance = _chance(batch, paths, seed) if paths else None
    lengths = np.array([len(recording.estimate) for recording in batch])
    drawn = np.zeros((lengths.max(), len(batch), paths), np.uint8) if paths else None
    total = np.full(len(batch), -np.inf)
    best = np.full(len(batch), -np.inf)
    mixed: _Reading | None = None
    for size in SIZES:
        sized = errors.with_(slow=errors.slow * size)
        biases = [chamber_bias(recording, sized) for recording in batch]
        slow = _slow(biases, int(lengths.max()), sized)
        chain, likelihood = _chain(batch, sized), _likelihood(batch, slow, sized)
        state, evidence = filtered(likelihood, chain)
        weight = TEMPER * evidence + np.array([one.evidence for one in biases])
        ahead = weight > best
        if drawn is not None and chance is not None and ahead.any():
            # Paths come from the likeliest size: a mixture of paths would need more of them.
            own = replace(chain, count_steps=chain.count_steps[ahead])
            drawn[:, ahead] = draw_paths(state[:, ahead], own, lengths[ahead], chance[:, ahead])
        smoothed(state, likelihood, chain)
        one = _summed(state, slow)
        total, best = np.logaddexp(total, weight), np.maximum(best, weight)
        if mixed is None:
            mixed = one
        else:
            mixed.mix(one, np.exp(weight - total))
    assert mixed is not None
    mixed.paths = drawn
    return mixed


def _chain(batch: list[ChamberSeries], errors: ErrorModel) -> Chain:
    return Chain(
        np.stack([transition(errors.churn, recording.growth, errors.jump) for recording in batch]),
        slow_steps(LEVELS, float(np.exp(-1.0 / errors.memory))),
        _start(),
        slow_prior(LEVELS),
    )


def _slow(biases: list[ChamberBias], frames: int, errors: ErrorModel) -> NDArray[np.float32]:
    """The slow error of every frame and chamber at each level, (F, C, LEVELS)."""
    mean = np.full((frames, len(biases)), errors.bias)
    deviation = np.full((frames, len(biases)), errors.slow)
    for c, one in enumerate(biases):
        mean[: len(one.mean), c], deviation[: len(one.mean), c] = one.mean, one.deviation
    return (mean[:, :, None] + deviation[:, :, None] * slow_grid(LEVELS)).astype(np.float32)


def _summed(state: NDArray[np.float32], slow: NDArray[np.float32]) -> _Reading:
    counts = state.sum(2)
    n = np.arange(STATES, dtype=np.float32)
    expected = counts @ n + ((state @ spread(n).astype(np.float32)) * slow).sum(2)
    return _Reading(counts, expected, (state.sum(3) * slow).sum(2))


def _likelihood(
    batch: list[ChamberSeries], slow: NDArray[np.float32], errors: ErrorModel
) -> NDArray[np.float32]:
    # Shorter chambers are padded with frames in which nothing was seen: that changes nothing before.
    estimate = np.full(slow.shape[:2], np.nan)
    for c, recording in enumerate(batch):
        estimate[: len(recording.estimate), c] = recording.estimate
    likelihood = frame_likelihood(estimate, np.array([r.fast for r in batch]), slow, errors)
    kernel = label_kernel(errors.label)
    for c, recording in enumerate(batch):
        at = np.flatnonzero(recording.counted >= 0)
        written = np.minimum(recording.counted[at], STATES - 1)
        likelihood[at, c] *= kernel[:, written].T[:, None, :]
    return likelihood


def _chance(batch: list[ChamberSeries], paths: int, seed: int) -> NDArray[np.float32]:
    length = max(len(r.estimate) for r in batch)
    chance = np.zeros((length, len(batch), paths, 2), np.float32)
    for c, recording in enumerate(batch):
        rng = np.random.default_rng([seed, zlib.crc32(recording.chamber.encode())])
        chance[: len(recording.estimate), c] = rng.random((len(recording.estimate), paths, 2), np.float32)
    return chance


def _start() -> NDArray[np.float32]:
    # Chambers are loaded with few cells, but a recording may begin late: weight falls slowly with the count.
    weight = 1.0 / (np.arange(STATES) + 3.0)
    return (weight / weight.sum()).astype(np.float32)
