"""What is promised: error, interval, and that the interval holds what it promises."""

import numpy as np
import pytest
import torch

from twincell.series.conformal import conformal_interval, conformal_spread
from twincell.training.adaptation.curve import STEEPEST, USUAL, LearningCurve, learning_curve
from twincell.training.adaptation.expect import Expectation


def alone(n: int) -> torch.Tensor:
    return torch.arange(n)


def test_expectation_is_of_rounded_counts_left_out():
    found, labels = torch.tensor([1.2, 2.4, 4.6, 0.1]), torch.tensor([1.0, 3.0, 5.0, 0.0])
    expected = Expectation.of(found, torch.zeros(4), labels, alone(4))
    assert expected.mae == pytest.approx(0.25)
    assert expected.start == pytest.approx(2.25)
    assert expected.error == pytest.approx((0.25**2 + 1 / 16) ** 0.5)
    said = expected.sentence()
    assert said == "0.25 +- 0.35 cells on images like these, from 4 labels (the start: 2.25)"


def test_a_handful_without_an_error_is_no_proof():
    labels = torch.tensor([1.0, 3.0, 5.0, 2.0])
    expected = Expectation.of(labels, labels + 1, labels, alone(4))
    assert expected.mae == 0
    assert expected.error == pytest.approx(0.25)


def test_what_more_labels_bring_follows_the_curve():
    found, labels = torch.tensor([1.0, 2.0, 6.0, 0.0]), torch.tensor([1.0, 3.0, 5.0, 0.0])
    curve = LearningCurve(0.5, True)
    expected = Expectation.of(found, torch.zeros(4), labels, alone(4), 0.75, curve)
    assert expected.mae == pytest.approx(0.5 * 0.75**0.5)  # left out, they had learned from fewer
    assert expected.with_more == pytest.approx(expected.mae * (4 / 24) ** 0.5)
    assert f"20 more would give about {expected.with_more:.2f}" in expected.sentence()
    usual = Expectation.of(found, torch.zeros(4), labels, alone(4), 0.75, LearningCurve(0.5, False))
    assert "20 more usually give about" in usual.sentence()
    flat = Expectation.of(found, torch.zeros(4), labels, alone(4), 0.75, LearningCurve(0.0, True))
    assert flat.sentence().endswith("; more would change little")
    many = Expectation.of(found.repeat(10), torch.zeros(40), labels.repeat(10), alone(40), 0.75, curve)
    assert "40 more would give" in many.sentence()


def test_the_curve_of_many_images_is_their_own_and_that_of_few_the_usual_one():
    chance = torch.Generator().manual_seed(0)
    many = torch.rand(2000, generator=chance) + 0.1
    few = many * 3**0.5 + 0.1 * torch.randn(2000, generator=chance)
    found = learning_curve(few, many, alone(2000))
    assert found.measured
    assert found.falls == pytest.approx(0.5, abs=0.02)
    few_images = learning_curve(torch.tensor([0.1, 2.0, 0.3]), torch.tensor([1.0, 0.2, 0.1]), alone(3))
    assert few_images.falls == pytest.approx(USUAL, abs=0.1)
    nothing = torch.full((3,), torch.nan)
    assert learning_curve(nothing, many[:3], alone(3)) == LearningCurve(USUAL, False)
    assert learning_curve(many * 0.1, many, alone(2000)).falls == 0  # fewer labels did better: chance
    assert learning_curve(many * 90, many, alone(2000)).falls == STEEPEST


def test_frames_of_one_chamber_say_less_of_the_curve_than_images_of_many():
    few, many = torch.tensor([2.0, 1.9, 2.1, 2.2] * 5), torch.tensor([0.5, 0.7, 0.4, 0.6] * 5)
    apart = learning_curve(few, many, alone(20))
    together = learning_curve(few, many, torch.zeros(20).long())
    assert apart.falls > together.falls == USUAL


@pytest.mark.parametrize("labels", [3, 5, 10, 20, 100])
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


def test_one_wrong_label_of_twenty_does_not_decide_the_interval():
    found = np.arange(20.0)
    right = conformal_spread(found + 0.3 * np.sqrt(found + 1), found)
    labels = found.copy()
    labels[7] += 9
    assert right < conformal_spread(found + 0.3 * np.sqrt(found + 1), labels) < 2 * right
