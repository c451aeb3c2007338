"""Kriging of the frame model's bias in a chamber: against the textbook's formula, not moved by a slip."""

import numpy as np
import pytest

from twincell.series.smoothing.chamber import on_grid
from twincell.series.smoothing.chamber_bias import SLIP, chamber_bias
from twincell.series.smoothing.error_model import ErrorModel

ERRORS = ErrorModel(slow=0.3, persistent=0.25, memory=40.0, label=0.05, bias=0.02)


def chamber(estimate: np.ndarray, counts: dict[int, float]):
    counted = np.full(len(estimate), np.nan)
    counted[list(counts)] = list(counts.values())
    return on_grid("a", np.arange(len(estimate)), estimate, counted, ERRORS)


def test_without_counted_frames_nothing_is_known_of_the_bias():
    found = chamber_bias(chamber(np.full(50, 7.0), {}), ERRORS)
    assert (found.mean == 0.02).all()
    assert (found.deviation == 0.3).all()
    assert found.evidence == 0.0


def test_mean_deviation_and_evidence_are_those_of_a_joint_normal():
    # Restated by conditioning the full joint covariance of all frames and both observations.
    rng = np.random.default_rng(0)
    recording = chamber(8 + 0.1 * rng.normal(size=60), {10: 6.0, 45: 9.0})
    found = chamber_bias(recording, ERRORS)
    at = np.array([10, 45])
    time = np.arange(60)
    joint = 0.09 * (0.25 + 0.75 * np.exp(-np.abs(time[:, None] - time) / 40.0))
    near = np.array([np.median(recording.estimate[t - 1 : t + 2]) for t in at])
    count = np.array([6.0, 9.0])
    seen = (near - count) / np.sqrt(0.5 * (near + count) + 1) - 0.02
    inner = joint[np.ix_(at, at)] + (0.05**2 + recording.fast**2) * np.eye(2)
    weights = joint[:, at] @ np.linalg.inv(inner)
    assert found.mean == pytest.approx(0.02 + weights @ seen)
    assert found.deviation == pytest.approx(np.sqrt(np.diag(joint - weights @ joint[at])))
    expected = -0.5 * (seen @ np.linalg.inv(inner) @ seen + np.log(np.linalg.det(2 * np.pi * inner)))
    assert found.evidence == pytest.approx(expected)


def test_the_bias_is_surest_at_counted_frames_and_kept_far_from_them():
    found = chamber_bias(chamber(np.full(400, 8.0), {50: 6.0}), ERRORS)
    assert found.mean.argmax() == found.deviation.argmin() == 50
    assert 0.1 < found.mean[350] / found.mean[50] < 0.4  # what a chamber keeps is a quarter of the variance
    assert found.deviation[350] < 0.3


def test_one_bad_frame_or_a_slip_of_the_pen_does_little():
    steady = np.full(100, 8.0)
    spoiled = steady.copy()
    spoiled[30] = 40.0
    assert chamber_bias(chamber(spoiled, {30: 8.0}), ERRORS).mean == pytest.approx(0.02, abs=0.02)
    slip = chamber_bias(chamber(steady, {30: 58.0}), ERRORS)
    assert np.abs(slip.mean).max() <= SLIP * 0.45
    assert np.isfinite(slip.deviation).all()


def test_a_counted_frame_whose_neighbourhood_cannot_be_read_says_nothing():
    torn = np.full(100, 8.0)
    torn[28:33] = np.nan
    counted = chamber_bias(chamber(torn, {30: 8.0, 70: 6.0}), ERRORS)
    alone = chamber_bias(chamber(torn, {70: 6.0}), ERRORS)
    assert (counted.mean == alone.mean).all()
    assert (counted.deviation == alone.deviation).all()
    assert counted.evidence == alone.evidence
