"""Small formulas of the series, each against numbers worked out by hand."""

import numpy as np
import pytest
from scipy.stats import t as student

from twincell.series.growth.rate import _noise, fit_growth
from twincell.series.growth.survival import CultureModel, _phase_steps, _steps, survival
from twincell.series.smoothing.error_model import ErrorModel, usual_growth
from twincell.series.smoothing.intervals import surprise


def test_the_surprise_of_a_count_is_the_level_that_just_holds_it() -> None:
    """1 - 2 min(P(<= j), P(>= j)), by hand."""
    found = surprise(np.array([[0.1, 0.2, 0.4, 0.3]]))
    assert found[0] == pytest.approx([1 - 2 * 0.1, 1 - 2 * 0.3, 1 - 2 * 0.7, 1 - 2 * 0.3])


def test_a_shrinking_chamber_is_given_no_growth_and_a_fast_one_the_fastest() -> None:
    time = np.arange(200.0)
    assert usual_growth(30 * np.exp(-0.01 * time), ErrorModel()) == 0.0
    assert usual_growth(2 * np.exp(0.01 * time), ErrorModel()) == pytest.approx(0.010)
    assert usual_growth(0.01 * np.exp(0.09 * time), ErrorModel()) == pytest.approx(0.04)
    assert usual_growth(np.full(10, 3.0), ErrorModel()) == ErrorModel().growth, "too short to show its own"


def test_limits_lie_at_97_5_percent_on_either_side() -> None:
    time = np.arange(0, 60, 0.5)
    found = fit_growth(time, 3 * np.exp(0.03 * time))
    gained = found.fitted[-1] - found.fitted[0]
    reach = student.ppf(0.975, gained) * found.standard_error
    assert found.rate_high - found.rate == pytest.approx(reach)
    assert found.rate - found.rate_low == pytest.approx(reach)
    assert found.doubling_low == pytest.approx(np.log(2) / found.rate_high)


def test_the_noise_of_growth_is_at_least_that_of_births_alone() -> None:
    time = np.arange(300.0)
    smooth = 3 * np.exp(0.01 * time)
    assert _noise(time, smooth, 0.01, []) == pytest.approx(0.01)
    shrinking = 30 * np.exp(-0.01 * time)
    assert _noise(time, shrinking, -0.01, []) == pytest.approx(0.01)
    assert _noise(time, np.full(300, 4.0), 0.0, []) == pytest.approx(1 / (4 * 299)), "one division in all"


def test_counts_drift_by_growth_and_spread_by_gain_and_loss() -> None:
    """A linear birth-death process: mean n exp(g t), variance 2 loss n t without growth (Kendall 1948)."""
    counts = np.arange(61)
    grown, still = _steps(0.0, 0.01)[10], _steps(0.004, 0.0)[10]
    assert grown @ counts == pytest.approx(10 * np.exp(0.1), rel=1e-3)
    assert (grown[:10] == 0).all(), "nothing is lost"
    assert still @ counts == pytest.approx(10, rel=1e-6)
    assert still @ (counts - 10.0) ** 2 == pytest.approx(2 * 0.004 * 10 * 10, rel=1e-6)
    assert _steps(0.01, 0.0)[1, 0] > 0.05, "the last cell may die"


def test_resting_chambers_wake_and_all_may_stop() -> None:
    model = CultureModel(wake=0.02, stop=0.003)
    steps = _phase_steps(model)
    assert steps.sum(1) == pytest.approx(1)
    assert steps[0, 0] == pytest.approx(np.exp(-10 * (0.02 + 0.003)))
    assert steps[1:-1, -1] == pytest.approx(1 - np.exp(-10 * 0.003))
    assert steps[0, 1:-1] == pytest.approx(steps[0, 1]), "each pace is equally likely"
    assert steps[-1, -1] == 1


def test_an_overfull_chamber_counts_as_grown() -> None:
    """25 cells cannot be seen to become 37.5: 31 are enough."""
    always = CultureModel(rate=0.0073, loss=0.0, wake=0.0, stop=0.0, growing=0.999, stopped=0.0005)
    frames = np.arange(10)
    near, far = survival([(frames, np.full(10, 25.0)), (frames, np.full(10, 15.0))], always, horizon=40)
    assert near > 0.5 > far + 0.2


def test_survival_does_not_depend_on_the_number_of_the_first_frame() -> None:
    frames = np.arange(120)
    counts = np.round(3 * np.exp(0.008 * frames))
    here, there = survival([(frames, counts), (frames + 1003, counts)])
    assert here == there
