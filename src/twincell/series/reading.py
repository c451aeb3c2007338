"""From recordings to posteriors: many chambers at once, in batches that fit into memory."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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

#: Sizes of the slow error that are tried on each chamber, as factors of the usual one: a frame model that is
#: right here shows it by estimates that lie near whole numbers, and is then not to be doubted.
SIZES = (1.0, 0.5, 0.25, 1.5)

#: Prior of each factor: half a unit of its logarithm is one standard deviation.
SIZE_PRIOR = np.exp(-0.5 * (np.log(SIZES) / 0.5) ** 2)

#: Weight of a chamber's evidence for a size. Below 1, as neighbouring frames err together more than the model
#: knows, and so hundreds of them say less than it thinks.
TEMPER = 0.25


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
        evidence: (C,) log evidence.
        paths: (F, C, D) drawn paths; None where none were asked for.
    """

    counts: NDArray[np.float32]
    expected: NDArray[np.float32]
    slow: NDArray[np.float32]
    evidence: NDArray[np.float64]
    paths: NDArray[np.uint8] | None = None

    def posterior(self, place: int, recording: Recording) -> Posterior:
        own = slice(0, len(recording.estimate))
        return Posterior(
            recording,
            self.counts[own, place].copy(),
            self.expected[own, place].astype(float),
            self.slow[own, place].astype(float),
            float(self.evidence[place]),
            None if self.paths is None else self.paths[own, place].copy(),
        )

    def mix(self, other: "_Reading", share: NDArray[np.float64]) -> None:
        """Takes the other reading in, with its share (C,) of the average."""
        part = share.astype(np.float32)
        self.counts += part[:, None] * (other.counts - self.counts)
        self.expected += part * (other.expected - self.expected)
        self.slow += part * (other.slow - self.slow)
        self.evidence += share * (other.evidence - self.evidence)


def _all_sizes(batch: list[Recording], errors: ErrorModel, paths: int, seed: int) -> _Reading:
    """The average over the sizes of the slow error, each weighted by prior and tempered evidence."""
    chance = _chance(batch, paths, seed) if paths else None
    lengths = np.array([len(recording.estimate) for recording in batch])
    drawn = np.zeros((lengths.max(), len(batch), paths), np.uint8) if paths else None
    total = np.full(len(batch), -np.inf)
    best = np.full(len(batch), -np.inf)
    mixed: _Reading | None = None
    for size, prior in zip(SIZES, SIZE_PRIOR, strict=True):
        sized = errors.with_(slow=errors.slow * size)
        chain, likelihood = _chain(batch, sized), _likelihood(batch, sized)
        state, evidence = filtered(likelihood, chain)
        weight = np.log(prior) + TEMPER * evidence
        ahead = weight > best
        if drawn is not None and chance is not None and ahead.any():
            # Paths come from the likeliest size: a mixture of paths would need more of them.
            own = replace(chain, count_steps=chain.count_steps[ahead])
            drawn[:, ahead] = draw_paths(state[:, ahead], own, lengths[ahead], chance[:, ahead])
        smoothed(state, likelihood, chain)
        one = _summed(state, evidence, sized)
        total, best = np.logaddexp(total, weight), np.maximum(best, weight)
        if mixed is None:
            mixed = one
        else:
            mixed.mix(one, np.exp(weight - total))
    assert mixed is not None
    mixed.paths = drawn
    return mixed


def _chain(batch: list[Recording], errors: ErrorModel) -> Chain:
    return Chain(
        np.stack([transition(errors.churn, recording.growth, errors.jump) for recording in batch]),
        slow_steps(LEVELS, float(np.exp(-1.0 / errors.memory))),
        _start(),
        slow_prior(LEVELS),
    )


def _summed(state: NDArray[np.float32], evidence: NDArray[np.float64], errors: ErrorModel) -> _Reading:
    levels = slow_levels(errors).astype(np.float32)
    offset = levels[:, None] * spread(np.arange(STATES)).astype(np.float32)
    counts = state.sum(2)
    expected = counts @ np.arange(STATES, dtype=np.float32) + np.tensordot(state, offset, 2)
    return _Reading(counts, expected, state.sum(3) @ levels, evidence)


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


def _chance(batch: list[Recording], paths: int, seed: int) -> NDArray[np.float32]:
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
