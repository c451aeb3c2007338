"""Images for themselves are read as a time-lapse of one frame each would be, all at once."""

import numpy as np
import pandas as pd

from twincell.series import smooth
from twincell.series.smoothing.singles import single_images


def test_all_at_once_says_what_one_by_one_says() -> None:
    rng = np.random.default_rng(0)
    count = np.concatenate([rng.uniform(0, 90, 40), [np.nan, 0.0, 0.2, 30.6, 61.0, 75.0]])
    novelty = np.concatenate([rng.uniform(0, 1.5, 40), [np.nan] * 6])
    rows = pd.DataFrame({"chamber": "", "frame": 0, "count_frame": count, "novelty": novelty})
    slow, fast = smooth(rows), single_images(count, novelty)
    for name in ("count", "lower", "upper", "flag"):
        assert fast[name].tolist() == slow[name].tolist(), name
    assert fast["flag"].nunique() > 4
