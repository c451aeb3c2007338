"""The limits of flags and events, from either side."""

import numpy as np
import pandas as pd
import pytest

from twincell.series.smoothing.events import _kind
from twincell.series.smoothing.flags import _repeated
from twincell.series.smoothing.smooth import smooth


@pytest.mark.parametrize(("count", "flag"), [(30.2, ""), (31.2, "overfull")])
def test_a_chamber_is_overfull_above_thirty_cells(count: float, flag: str) -> None:
    rng = np.random.default_rng(0)
    frames = np.arange(60)
    table = pd.DataFrame({"chamber": "a", "frame": frames, "count_frame": count + rng.normal(0, 0.02, 60)})
    assert set(smooth(table)["flag"].iloc[20:40]) == {flag}


def test_whole_numbers_may_repeat_and_others_are_the_same_image() -> None:
    assert (
        _repeated(np.array([3.0, 3.0, 4.12, 4.12, np.nan, np.nan])).tolist()
        == [False] * 3 + [True] + [False] * 2
    )


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (3, 6, "division"),
        (3, 7, "influx"),
        (9, 6, "escape"),
        (10, 7, "loss"),
        (2, 1, "loss"),
        (1, 3, "division"),
    ],
)
def test_a_change_is_sudden_where_division_and_death_cannot_explain_it(
    before: int, after: int, kind: str
) -> None:
    assert _kind(before, after, 1) == kind
