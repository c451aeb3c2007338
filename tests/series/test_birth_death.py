"""The birth-death process and the slow error: against their textbook moments."""

import numpy as np
import pytest
from scipy.linalg import expm

from twincell.series.smoothing.birth_death import STATES, slow_grid, slow_prior, slow_steps, transition


def test_rows_are_distributions_and_frames_multiply():
    one, five = transition(0.01, 0.005, 1e-4), transition(0.01, 0.005, 1e-4, 5)
    assert np.allclose(one.sum(1), 1, atol=1e-6)
    assert (one >= 0).all()
    assert np.allclose(np.linalg.matrix_power(one.astype(float), 5), five, atol=1e-5)


def test_mean_grows_as_the_rate_says():
    # d E[n] / dt = growth n + churn (sqrt(n + 1) - sqrt(n)), of which the second is next to nothing.
    churn, growth, frames = 0.002, 0.01, 20
    mean = transition(churn, growth, 0.0, frames)[10] @ np.arange(STATES)
    assert mean == pytest.approx(10 * np.exp(growth * frames), rel=0.01)


def test_without_growth_no_count_is_favoured():
    steps = transition(0.02, 0.0, 1e-3)
    assert np.allclose(steps, steps.T, atol=1e-7)


def test_jumps_reach_every_count():
    assert transition(1e-9, 1e-9, 1e-3)[2, 40] == pytest.approx(1e-3 / STATES, rel=0.02)


@pytest.mark.parametrize(("levels", "memory"), [(9, 20.0), (13, 60.0)])
def test_slow_error_keeps_its_spread_and_forgets_at_its_pace(levels, memory):
    steps, prior, grid = slow_steps(levels, float(np.exp(-1 / memory))), slow_prior(levels), slow_grid(levels)
    assert np.allclose(steps.sum(1), 1, atol=1e-6)
    assert np.allclose(prior @ steps, prior, atol=1e-6)
    one = float((prior * grid) @ steps @ grid / ((prior * grid) @ grid))
    assert one == pytest.approx(np.exp(-1 / memory), rel=0.01)


def test_transition_is_the_exponential_of_its_generator():
    # An independent restatement for four states' worth of rates around n = 3.
    n = np.arange(STATES - 1)
    rate = np.zeros((STATES, STATES))
    for i in n:
        rate[i, i + 1] = 0.01 * np.sqrt(i + 1) + 0.005 * i
        rate[i + 1, i] = 0.01 * np.sqrt(i + 1)
    rate -= np.diag(rate.sum(1))
    assert np.allclose(transition(0.01, 0.005, 0.0, 3), expm(3 * rate), atol=1e-6)
