"""Intervals for a person's count: nested, conformal, never without the likeliest count."""

from itertools import pairwise

import numpy as np
import pytest

from twincell.series.smoothing.intervals import conformal_level, interval, label_probability, surprise


@pytest.fixture
def labels() -> np.ndarray:
    rng = np.random.default_rng(3)
    state = np.exp(
        -0.5 * ((np.arange(61) - rng.uniform(1, 28, 400)[:, None]) / rng.uniform(0.3, 2, (400, 1))) ** 2
    )
    return label_probability((state / state.sum(1, keepdims=True)).astype(np.float32), 0.15)


def test_a_label_is_inside_exactly_when_its_surprise_is_within_the_level(labels):
    lower, upper = interval(labels, 0.8)
    counts = np.arange(61)
    inside = (counts >= lower[:, None]) & (counts <= upper[:, None])
    assert (inside == (surprise(labels) <= 0.8)).mean() > 0.999
    assert (inside[np.arange(400), labels.argmax(1)]).all()


def test_wider_levels_hold_narrower_ones(labels):
    ends = [interval(labels, level) for level in (0.0, 0.5, 0.9, 0.99)]
    for (low, high), (lower, higher) in pairwise(ends):
        assert (lower <= low).all()
        assert (higher >= high).all()
    assert (ends[0][0] <= ends[0][1]).all()


def test_conformal_level_covers_new_labels(labels):
    rng = np.random.default_rng(4)
    drawn = np.array([rng.choice(61, p=row / row.sum()) for row in labels])
    seen = surprise(labels)[np.arange(400), drawn]
    level = conformal_level(seen[:200])
    assert 0.86 <= (seen[200:] <= level).mean() <= 0.95


def test_conformal_level_of_few_labels_is_the_widest():
    assert conformal_level([0.1, 0.5, 0.3]) == 1.0
    assert conformal_level(np.linspace(0, 1, 11), 0.5) == pytest.approx(0.5)


def test_a_person_mostly_writes_what_is_there(labels):
    sure = np.zeros((2, 61), np.float32)
    sure[0, 2] = sure[1, 25] = 1
    written = label_probability(sure, 0.15)
    assert written[0].argmax() == 2
    assert written[1].argmax() == 25
    assert written[0, 2] > written[1, 25] > 0.3  # more cells, more opinions
    assert np.allclose(written.sum(1), 1, atol=1e-5)
