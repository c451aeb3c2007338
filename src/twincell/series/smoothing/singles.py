"""Images for themselves: what the error model says of a count that no time-lapse stands behind."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.series.conformal import widening
from twincell.series.smoothing.birth_death import STATES
from twincell.series.smoothing.chamber import on_grid
from twincell.series.smoothing.error_model import ErrorModel
from twincell.series.smoothing.flags import BAD_FRAME, far_off, flag_texts, image_reasons
from twincell.series.smoothing.intervals import extra_cells, label_probability, written
from twincell.series.smoothing.posterior import infer


def single_images(
    estimate: NDArray[np.float64], novelty: NDArray[np.float64], errors: ErrorModel | None = None
) -> pd.DataFrame:
    """Count, 90 % interval and flag of N images, each a recording of one frame.

    The same as `smooth` says of rows without a chamber, all at once.

    Args:
        estimate: (N,) raw counts, NaN where an image could not be read.
        novelty: (N,) the frame model's doubts, NaN where not known.
        errors: constants of the process and the counters; the shipped ones by default.

    Returns:
        Columns `count`, `lower`, `upper` and `flag`.
    """
    errors = errors or ErrorModel()
    none, first = np.array([np.nan]), np.zeros(1, np.int64)
    recordings = [on_grid("", first, np.array([value]), none, errors) for value in estimate]
    found = infer(recordings, errors)
    probability = np.concatenate([one.probability for one in found])
    expected = np.concatenate([one.expected for one in found])
    mean = probability @ np.arange(STATES, dtype=np.float64)
    clipped = np.array([one.estimate[0] for one in recordings])
    count = np.where(np.isfinite(clipped), clipped, mean)  # its own estimate stands
    wider = np.broadcast_to(widening(novelty), count.shape)
    label = label_probability(probability, errors.label)
    lower, upper = written(label, errors.level_for(0), count, extra_cells(count, wider))
    fast = np.array([one.fast for one in recordings])
    reasons = image_reasons(estimate, np.nan_to_num(novelty), count)
    reasons[BAD_FRAME] = far_off(estimate, expected, fast)
    return pd.DataFrame(
        {"count": np.round(count, 3), "lower": lower, "upper": upper, "flag": flag_texts(reasons, len(count))}
    )
