"""What is written of a chamber's frames: the best count and its interval, by the chamber's own labels too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twincell.series.conformal import FEWEST, OTHERS, pooled_quantile
from twincell.series.smoothing.chamber import ChamberSeries, Posterior
from twincell.series.smoothing.error_model import ErrorModel
from twincell.series.smoothing.intervals import COVERAGE, extra_cells, label_probability, needed, written
from twincell.series.smoothing.posterior import infer

Floats = NDArray[np.float64]

PARTS = 4
"""Of a chamber's labels; each is read by the other three."""


@dataclass(frozen=True)
class Written:
    """What stands in counts.csv of the N rows of a chamber.

    Attributes:
        count: (N,) best counts.
        lower, upper: (N,) ends of the interval, both included.
        needed: (N, 61) smallest level at which the interval would hold each count.
        probability: (N, 61) that a person writes each count.
    """

    count: Floats
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    needed: Floats
    probability: Floats


def write(posterior: Posterior, errors: ErrorModel, level: float) -> Written:
    """Reads count and interval of every row off a posterior."""
    recording = posterior.recording
    count = best_count(posterior, errors)
    label = label_probability(posterior.probability[recording.place], errors.label)
    extra = extra_cells(count, recording.wider)
    return Written(count, *written(label, level, count, extra), needed(label, count, extra), label)


def best_count(posterior: Posterior, errors: ErrorModel) -> Floats:
    """(N,) the posterior mean, moved towards what the frame itself says, as far as that is believed.

    Neighbouring frames are smoothed over more than the count stands still: a frame knows its own division
    best. A frame that disagrees by more than a cell, or that a person counted, or none, moves nothing.
    """
    at = posterior.recording.place
    mean, estimate = posterior.mean[at], posterior.recording.estimate[at]
    if len(at) == 1:  # a single image has no series to learn from: its own estimate stands
        return np.where(np.isfinite(estimate), estimate, mean)
    apart = np.nan_to_num(estimate - posterior.expected[at])
    believed = (np.abs(apart) <= 1.0) & (posterior.recording.counted[at] < 0)
    return np.maximum(mean + errors.frame_share * np.where(believed, apart, 0.0), 0.0)


def levels(
    recordings: Sequence[ChamberSeries],
    errors: ErrorModel,
) -> list[float]:
    """The level of each chamber's intervals: that of all chambers, moved to what its own labels ask for.

    A chamber's labels are read part by part by the others, and the level is the one that would have held 90 %
    of them (cross-conformal prediction, Vovk 2015), were there `OTHERS` more that behave as those of other
    chambers.
    """
    own = [i for i, one in enumerate(recordings) if (one.counted >= 0).sum() >= FEWEST]
    told = [(i, part) for i in own for part in range(min(PARTS, int((recordings[i].counted >= 0).sum())))]
    without = [_without(recordings[i], part) for i, part in told]
    seen: dict[int, list[float]] = {i: [] for i in own}
    for (i, _), rest, posterior in zip(told, without, infer(without, errors), strict=True):
        seen[i] += _missed(posterior, recordings[i], rest, errors)
    found = []
    for i, one in enumerate(recordings):
        usual = errors.level_for(int((one.counted >= 0).sum()))
        found.append(_pooled(np.array(seen[i]), usual) if i in seen else usual)
    return found


def _without(recording: ChamberSeries, part: int) -> ChamberSeries:
    """The recording without the labels of a part."""
    counted = recording.counted.copy()
    counted[np.flatnonzero(counted >= 0)[part::PARTS]] = -1
    return replace(recording, counted=counted)


def _missed(
    posterior: Posterior, recording: ChamberSeries, rest: ChamberSeries, errors: ErrorModel
) -> list[float]:
    """The levels that labels need which the posterior was not shown."""
    hidden = ((recording.counted >= 0) & (rest.counted < 0))[recording.place]
    labels = np.minimum(recording.counted[recording.place][hidden], posterior.probability.shape[1] - 1)
    return list(write(posterior, errors, 0.0).needed[hidden][np.arange(len(labels)), labels])


def _pooled(own: Floats, usual: float) -> float:
    """The conformal level of labels, and of `OTHERS` for which `usual` is the right one."""
    share = (np.arange(OTHERS) + 0.5) / OTHERS
    others = np.where(
        share <= COVERAGE,
        usual * share / COVERAGE,
        usual + (1 - usual) * (share - COVERAGE) / (1 - COVERAGE),
    )
    return pooled_quantile(own, others)
