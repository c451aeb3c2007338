"""Conditions: the chamber is the unit, and the tests are the textbook's."""

import numpy as np
import pytest
from scipy import stats

from twincell.series.growth.conditions import compare


def test_means_limits_and_welch_agree_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.012, 0.002, 9), rng.normal(0.009, 0.004, 7)
    names = np.array(["fed"] * 9 + ["starved"] * 7)
    found = compare(np.concatenate([a, b]), names, np.full(16, "growing"))
    welch = stats.ttest_ind(b, a, equal_var=False)
    limits = welch.confidence_interval()
    (pair,) = found.pairs
    assert (pair.a, pair.b) == ("fed", "starved")
    assert pair.difference == pytest.approx(b.mean() - a.mean())
    assert pair.p == pytest.approx(welch.pvalue)
    assert (pair.low, pair.high) == pytest.approx((limits.low, limits.high))
    assert found.p == pytest.approx(welch.pvalue)
    fed = found.conditions[0]
    reach = stats.t.ppf(0.975, 8) * a.std(ddof=1) / 3
    assert (fed.rate_low, fed.rate_high) == pytest.approx((a.mean() - reach, a.mean() + reach))


@pytest.mark.slow
def test_no_difference_is_found_by_chance_only_as_often_as_it_should():
    rng = np.random.default_rng(1)
    names = np.repeat(["a", "b", "c"], 6)
    found = [compare(rng.normal(0.01, 0.003, 18), names, np.full(18, "growing")) for _ in range(60)]
    assert np.mean([f.p < 0.05 for f in found]) <= 0.1
    assert np.mean([any(pair.p < 0.05 for pair in f.pairs) for f in found]) <= 0.1


def test_pairs_are_corrected_for_their_number():
    rng = np.random.default_rng(2)
    rates = np.concatenate([rng.normal(m, 0.002, 6) for m in (0.010, 0.010, 0.016)])
    found = compare(rates, np.repeat(["a", "b", "c"], 6), np.full(18, "growing"))
    assert len(found.pairs) == 3
    raw = stats.ttest_ind(rates[:6], rates[6:12], equal_var=False).pvalue
    assert next(p.p for p in found.pairs if (p.a, p.b) == ("a", "b")) >= raw
    assert next(p.p for p in found.pairs if (p.a, p.b) == ("a", "c")) < 0.05


def test_chambers_that_do_not_grow_count_and_single_ones_are_not_tested():
    rates = np.array([0.01, 0.012, 0.0, 0.011, np.nan, 0.02])
    names = np.array(["a", "a", "a", "b", "b", "c"])
    verdicts = np.array(["growing", "growing", "not growing", "growing", "too short", "growing"])
    found = compare(rates, names, verdicts)
    a, b, _ = found.conditions
    assert (a.chambers, a.growing) == (3, 2)
    assert a.rate == pytest.approx(0.022 / 3)
    assert 0 < a.growing_low < 2 / 3 < a.growing_high < 1
    assert b.chambers == 1
    assert np.isnan(b.rate_low)
    assert np.isnan(found.p)
    assert found.pairs == []
    assert found.test.startswith("no test")
