"""Survival: a probability that means what it says on chambers that had no part in the fit."""

import numpy as np
import pytest

from twincell.series.growth.survival import CultureModel, fit_culture, outcome, survival
from twincell.series.smoothing.simulate import Culture, true_counts

FIRST, HORIZON = 150, 150


def population(n: int, seed: int):
    """Counts over time of mixed chambers: a third never grows, some rest first."""
    series = []
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        grows = rng.random() < 0.67
        lag = int(rng.choice([0, 0, 60]))
        culture = Culture(
            division=0.013 if grows else 0.001, loss=0.001, start=int(rng.integers(2, 6)), lag=lag
        )
        counts = true_counts(culture, FIRST + HORIZON + 20, rng)
        series.append((np.arange(len(counts)), counts.astype(float)))
    return series


def early(series):
    return [(frames[frames < FIRST], counts[frames < FIRST]) for frames, counts in series]


@pytest.fixture(scope="module")
def fitted() -> CultureModel:
    return fit_culture(population(25, 1), evaluations=40)


def test_fit_finds_the_pace_of_growth(fitted):
    assert 0.007 <= fitted.rate <= 0.016
    assert fitted.stopped + fitted.growing < 1


def test_probabilities_beat_the_base_rate_and_are_calibrated(fitted):
    series = population(300, 2)
    truth = np.array([outcome(frames, counts, FIRST, HORIZON) for frames, counts in series])
    foretold = survival(early(series), fitted, HORIZON)
    known = np.isfinite(truth)
    base = truth[known].mean()
    assert 0.3 < base < 0.9
    assert np.mean((foretold - truth)[known] ** 2) <= 0.8 * base * (1 - base)
    for low, high in ((0.0, 0.5), (0.5, 1.0)):
        inside = known & (foretold >= low) & (foretold <= high)
        assert inside.sum() >= 20
        assert truth[inside].mean() == pytest.approx(foretold[inside].mean(), abs=0.15)


def test_growth_seen_raises_and_rest_lowers_the_probability():
    frames = np.arange(150)
    growing = 3 * np.exp(0.011 * frames)
    resting = np.full(150, 3.0)
    longer = (np.arange(400), np.full(400, 3.0))
    up, flat, very_flat = survival([(frames, growing), (frames, resting), longer])
    assert up > 0.85 > flat > very_flat


def test_outcomes_say_what_happened():
    frames = np.arange(400)
    assert outcome(frames, 3 * np.exp(0.008 * frames), 100, 200) == 1.0
    assert outcome(frames, np.full(400, 3.0), 100, 200) == 0.0
    assert outcome(frames, np.full(400, 1.0), 100, 200) == 0.0
    assert outcome(frames, np.where(frames < 200, 1.0, 2.0), 100, 200) == 1.0
    assert np.isnan(outcome(frames[:150], np.full(150, 3.0), 100, 200))  # ends before anyone can say
    full = np.minimum(8 * np.exp(0.012 * frames), 30)[:130]
    assert outcome(frames[:130], full, 60, 200) == 1.0  # ended because the chamber was full
    assert np.isnan(outcome(frames[:0], frames[:0], 100, 200))


def test_a_chamber_without_frames_has_no_probability():
    assert np.isnan(survival([(np.zeros(0), np.zeros(0))])[0])
