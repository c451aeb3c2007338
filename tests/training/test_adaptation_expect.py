"""What is promised: error, interval, and that the interval holds what it promises."""

import numpy as np
import pytest

from twincell.series.conformal import conformal_interval, conformal_spread
from twincell.training.adaptation.expect import Expectation


def test_expectation_is_of_rounded_counts_left_out():
    expected = Expectation.of([1.2, 2.4, 4.6, 0.1], [0, 0, 0, 0], [1, 3, 5, 0])
    assert expected.mae == pytest.approx(0.25)
    assert expected.start == pytest.approx(2.25)
    assert expected.error == pytest.approx(0.25)
    assert "0.25 +- 0.25 cells on images like these, from 4 labels" in expected.sentence()
    assert "4 more would give about 0.2" in expected.sentence()


@pytest.mark.parametrize("labels", [3, 5, 10, 20])
def test_intervals_hold_nine_in_ten_however_few_the_labels(labels: int):
    rng = np.random.default_rng(labels)
    held = []
    for _ in range(800):
        truth = rng.poisson(4, labels + 50)
        found = np.abs(truth + rng.laplace(0, 0.25, len(truth)) * np.sqrt(truth + 1))
        spread = conformal_spread(found[:labels], truth[:labels])
        lower, upper = conformal_interval(found[labels:], spread)
        held.append(((lower <= truth[labels:]) & (truth[labels:] <= upper)).mean())
    assert 0.86 <= np.mean(held) <= 0.94


def test_an_interval_holds_whole_numbers_within_its_reach_and_the_count_itself():
    lower, upper = conformal_interval([0.0, 2.5, 3.2, 3.2], 0.3)
    assert lower.tolist() == [0, 2, 3, 3]
    assert upper.tolist() == [0, 3, 3, 3]
    lower, upper = conformal_interval([8.0], 1.0)  # 8 +- 3
    assert (lower.item(), upper.item()) == (5, 11)
    assert conformal_interval([0.5], 9.0)[0].item() == 0
