"""Conditions compared, with the chamber as the unit: cells of one chamber are no independent witnesses."""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        name: the value of the condition's column.
        chambers: chambers with a rate.
        growing: how many of them grow.
        growing_low: lower 95 % limit of the share that grows (Wilson).
        growing_high: upper limit.
        rate: mean growth rate over its chambers, growing or not.
        rate_low: lower 95 % limit of the mean (Student t); NaN for a single chamber.
        rate_high: upper limit.
    """

    name: str
    chambers: int
    growing: int
    growing_low: float
    growing_high: float
    rate: float
    rate_low: float
    rate_high: float


@dataclass(frozen=True)
class Pair:
    """Two conditions against each other.

    Attributes:
        a: first condition.
        b: second condition.
        difference: mean rate of b minus that of a.
        low: lower 95 % limit of the difference (Welch).
        high: upper limit.
        p: p-value of Welch's test, corrected for the number of pairs (Holm).
    """

    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """All conditions.

    Attributes:
        conditions: in alphabetical order.
        test: what was done, in words, or why nothing could be.
        statistic: Welch's F over all conditions with two chambers or more; NaN without.
        p: its p-value; NaN without.
        pairs: of conditions with two chambers or more.
    """

    conditions: list[Condition]
    test: str
    statistic: float = float("nan")
    p: float = float("nan")
    pairs: list[Pair] = field(default_factory=list)


def compare(rates: NDArray[np.float64], names: NDArray, verdicts: NDArray) -> Comparison:
    """Means, limits and Welch's tests of the chambers' growth rates, all chambers with a rate alike.

    Chambers that do not grow count with the rate they have: to leave them out would compare survivors.

    Args:
        rates: (C,) growth rates; NaN = none, left out.
        names: (C,) conditions.
        verdicts: (C,) of `rate.VERDICTS`.
    """
    known = np.isfinite(rates)
    groups = {str(name): rates[known & (names == name)] for name in sorted(set(map(str, names)))}
    conditions = [
        _condition(name, own, int(((verdicts == "growing") & (names == name) & known).sum()))
        for name, own in groups.items()
    ]
    testable = {name: own for name, own in groups.items() if len(own) >= 2 and own.std() > 0}
    if len(testable) < 2:
        return Comparison(conditions, "no test: it takes two conditions with two chambers each")
    from statsmodels.stats.oneway import anova_oneway  # slow to load, and counting needs none of these

    overall = anova_oneway(list(testable.values()), use_var="unequal", welch_correction=True)
    skipped = sorted(set(groups) - set(testable))
    left_out = f"; left out with fewer than two chambers: {', '.join(skipped)}" if skipped else ""
    return Comparison(
        conditions,
        "Welch's analysis of variance of the chambers' rates; pairs by Welch's t test, corrected after Holm"
        + left_out,
        float(overall.statistic),
        float(overall.pvalue),
        _pairs(testable),
    )


def _condition(name: str, rates: NDArray[np.float64], growing: int) -> Condition:
    from statsmodels.stats.proportion import proportion_confint
    from statsmodels.stats.weightstats import DescrStatsW

    n = len(rates)
    if not n:
        nan = float("nan")
        return Condition(name, 0, 0, nan, nan, nan, nan, nan)
    share_low, share_high = proportion_confint(growing, n, method="wilson")
    low, high = DescrStatsW(rates).tconfint_mean() if n > 1 else (np.nan, np.nan)
    return Condition(
        name, n, growing, float(share_low), float(share_high), float(rates.mean()), float(low), float(high)
    )


def _pairs(groups: dict[str, NDArray[np.float64]]) -> list[Pair]:
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    names = list(combinations(groups, 2))
    tests = [CompareMeans(DescrStatsW(groups[b]), DescrStatsW(groups[a])) for a, b in names]
    raw = [test.ttest_ind(usevar="unequal")[1] for test in tests]
    corrected = multipletests(raw, method="holm")[1]
    pairs = []
    for (a, b), test, p in zip(names, tests, corrected, strict=True):
        low, high = test.tconfint_diff(usevar="unequal")
        pairs.append(
            Pair(a, b, float(groups[b].mean() - groups[a].mean()), float(low), float(high), float(p))
        )
    return pairs
