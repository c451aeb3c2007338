"""Intervals of single images: wider where the model doubts, as wide as the recording's own labels ask for."""

import numpy as np
import pytest

from twincell.series.conformal import (
    USUAL,
    WIDEST,
    conformal_interval,
    pooled_spread,
    scores,
    spread_of,
    widening,
)


def test_intervals_widen_with_doubt_and_not_without_end() -> None:
    assert widening(None) == 1.0
    found = np.asarray(widening([np.nan, 0.0, 1 / USUAL, 1.0, 2.0, 1e6]))
    assert found.tolist() == [1, 1, 1, USUAL, 2 * USUAL, WIDEST]
    lower, upper = conformal_interval([8.0, 8.0], 0.5, [1.0, 4.0])
    assert (lower.tolist(), upper.tolist()) == ([7.0, 2.0], [9.0, 14.0])
    assert scores([8.0], [2.0], [4.0]) == 0.5


@pytest.mark.parametrize("shown", [3, 5, 10, 20])
@pytest.mark.parametrize("worse", [1.0, 3.0])
def test_own_labels_correct_a_spread_that_is_too_narrow(shown: int, worse: float) -> None:
    rng = np.random.default_rng(shown)
    usual = spread_of(rng.exponential(1.0, 5000))
    held = []
    for _ in range(300):
        found = worse * rng.exponential(1.0, shown + 50)
        held.append((found[shown:] <= pooled_spread(found[:shown], usual)).mean())
    if worse == 1.0:
        assert 0.88 <= np.mean(held) <= 0.94
    else:  # never worse than without, and 90 % with labels enough
        assert np.mean(held) > 1 - 0.1 ** (1 / worse) + 0.05
        assert shown < 20 or np.mean(held) >= 0.84


def test_without_a_usual_spread_the_labels_stand_alone() -> None:
    own = np.linspace(0.1, 1.0, 9)
    assert pooled_spread(own, None) == spread_of(own) > 1.0
    assert 0.5 < pooled_spread(own, 0.05) < 1.0
    assert pooled_spread(own[:3] / 100, 0.5) > 0.3
