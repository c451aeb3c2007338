"""The figures against plain restatements of the paper's definitions, and the baselines that see no image."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twincell.errors import UserError
from twincell.evaluate import baselines, metrics

PAIRS = st.lists(
    st.tuples(st.floats(0, 40, allow_nan=False), st.integers(0, 30)), min_size=1, max_size=50
)  # (raw count, label)


@given(PAIRS)
def test_the_figures_are_the_papers(pairs: list[tuple[float, int]]) -> None:
    prediction, truth = [p for p, _ in pairs], [y for _, y in pairs]
    scores = metrics.score(prediction, truth)

    assert scores.n == len(pairs)
    assert scores.mae == pytest.approx(sum(abs(round(p) - y) for p, y in pairs) / len(pairs))
    assert scores.accuracy == pytest.approx(100 * sum(round(p) == y for p, y in pairs) / len(pairs))
    assert scores.mae_raw == pytest.approx(sum(abs(p - y) for p, y in pairs) / len(pairs))
    assert scores.bias == pytest.approx(sum(p - y for p, y in pairs) / len(pairs), abs=1e-9)
    relative = [abs(round(p) - y) / y for p, y in pairs if y > 0]
    if relative:
        assert scores.mre == pytest.approx(100 * sum(relative) / len(relative))
    else:
        assert math.isnan(scores.mre)
        assert scores.as_json()["mre"] is None


@given(PAIRS, st.randoms(use_true_random=False))
def test_groups_add_up_to_the_whole(pairs: list[tuple[float, int]], random: object) -> None:
    prediction, truth = [p for p, _ in pairs], [y for _, y in pairs]
    chambers = [random.choice(["a", "b", "c"]) for _ in pairs]  # type: ignore[attr-defined]
    scores = metrics.score(prediction, truth, chambers)

    for groups in (scores.per_count, scores.per_chamber):
        assert sum(figures.n for figures in groups.values()) == scores.n
        assert sum(figures.n * figures.mae for figures in groups.values()) / scores.n == pytest.approx(
            scores.mae
        )
    assert set(scores.per_count) == set(truth)
    assert set(scores.per_chamber) == set(chambers)


def test_a_worked_example() -> None:
    scores = metrics.score([1.4, 2.6, 10.2, 0.2], [1, 2, 8, 0], ["x", "x", "y", "y"], seconds=2.0)

    assert scores.mae == pytest.approx((0 + 1 + 2 + 0) / 4)
    assert scores.mre == pytest.approx(100 * (0 + 1 / 2 + 2 / 8) / 3)
    assert scores.accuracy == pytest.approx(50)
    assert scores.bias == pytest.approx((0.4 + 0.6 + 2.2 + 0.2) / 4)
    found = scores.as_json()
    assert list(found) == [
        "n", "mae", "mre", "accuracy", "mae_raw", "bias", "seconds", "per_count", "per_chamber",
    ]  # fmt: skip
    assert found["seconds"] == 2.0
    assert found["per_chamber"]["x"]["mae"] == pytest.approx(0.5)
    assert found["per_count"]["0"]["mre"] is None


def test_unlabelled_frames_are_left_out() -> None:
    assert metrics.score([3.0, 99.0], [3.0, math.nan]).n == 1


def test_counts_and_labels_must_match() -> None:
    with pytest.raises(ValueError, match="equal length"):
        metrics.score([1.0, 2.0], [1.0])


def _rows(chamber: str, counts: Mapping[int, float]) -> pd.DataFrame:
    return pd.DataFrame({"chamber": chamber, "frame": list(counts), "count": list(counts.values())})


def test_constant_median_is_the_median_of_the_known_labels() -> None:
    known = _rows("a", {0: 1, 1: 5, 2: math.nan, 3: 9})
    assert baselines.constant_median(known, _rows("b", {0: 0, 1: 0})).tolist() == [5, 5]


def test_interpolation_is_linear_between_labels_and_flat_outside() -> None:
    known = _rows("a", {10: 4, 20: 8})
    asked = _rows("a", {0: -1, 10: -1, 15: -1, 30: -1})
    assert baselines.time_interpolation(known, asked).tolist() == [4, 4, 6, 8]


def test_an_unseen_chamber_gets_the_typical_curve_of_the_others() -> None:
    known = pd.concat([_rows("a", {0: 1, 10: 11}), _rows("b", {0: 3, 10: 23}), _rows("c", {0: 2, 4: 30})])
    asked = _rows("new", {2: 0, 8: 0, 50: 0})
    # frame 2: median(3, 7, 16); frame 8: c has ended, median(9, 19); frame 50: all ended, their last labels
    assert baselines.time_interpolation(known, asked).tolist() == [7, 14, 23]


@given(
    st.lists(st.integers(0, 30), min_size=3, max_size=3), st.lists(st.integers(0, 30), min_size=3, max_size=3)
)
def test_baselines_never_read_the_labels_they_are_asked_for(first: list[int], second: list[int]) -> None:
    known = _rows("a", {0: 1, 10: 11})
    for baseline in (baselines.constant_median, baselines.time_interpolation):
        answers = [
            baseline(known, _rows("new", dict(enumerate(map(float, labels))))) for labels in (first, second)
        ]
        assert np.array_equal(*answers)


def test_no_label_to_learn_from_is_an_error() -> None:
    with pytest.raises(UserError, match="no labelled row"):
        baselines.constant_median(_rows("a", {0: math.nan}), _rows("a", {1: 0}))
