"""Growth rate of one chamber, with limits that know how chancy a few cells are."""

import warnings
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid

from twincell.series.growth.phases import Phases, find_phases

Floats = NDArray[np.float64]

GROWN = 1.5
"""A chamber has grown when its fitted count rose by this factor in the growth phase."""

CONFIDENCE = 0.95
"""Confidence of all limits."""

FEWEST = 4
"""Fewest counts to fit, and fewest that a growth phase keeps."""

NOT_READ = "not read"
VERDICTS = ("growing", "not growing", "shrinking", "uncertain", "too short", NOT_READ)


@dataclass(frozen=True)
class Growth:
    """How one chamber grows. Times and rates are in hours where the table has `time_h`, else in frames.

    Attributes:
        verdict: one of `VERDICTS`.
        reason: one sentence why.
        rate: specific growth rate d(log count)/dt in the growth phase.
        rate_low: lower 95 % limit.
        rate_high: upper 95 % limit.
        standard_error: of the rate.
        rate_whole: the same regression over the whole recording, lag, plateau and jumps included.
        doubling: doubling time log(2) / rate; NaN where the chamber does not grow.
        doubling_low: lower limit, log(2) / rate_high.
        doubling_high: upper limit; infinite where the lower limit of the rate is not above 0.
        fold: fitted count at the end of the growth phase over that at its start.
        phases: lag, growth, plateau, jumps.
        first: count at the start of the recording (mean of the first tenth).
        last: count at its end.
        fitted_time: (P,) times inside the growth phase.
        fitted: (P,) fitted count at these times.
    """

    verdict: str
    reason: str
    rate: float
    rate_low: float
    rate_high: float
    standard_error: float
    rate_whole: float
    doubling: float
    doubling_low: float
    doubling_high: float
    fold: float
    phases: Phases
    first: float
    last: float
    fitted_time: Floats
    fitted: Floats


def fit_growth(time: Floats, count: Floats) -> Growth:
    """Fits one chamber.

    A Poisson regression with log link (quasi-likelihood, so that fractions are welcome) on the growth
    phase, with a step at each jump. Counts of one chamber are no independent draws: a division by chance
    raises all later counts. So the limits come from the sandwich formula with the covariance of a
    birth-death process around the fitted curve, Cov(log n_s, log n_t) = v * integral of du / m(u) up to
    min(s, t), with v the variance of the net change per cell and time (Kendall 1948; at least the rate
    itself, as in a pure birth process).

    Args:
        time: (N,) ascending, hours or frames.
        count: (N,) cells >= 0, no NaN.
    """
    time, count = np.asarray(time, float), np.asarray(count, float)
    found = _fit(time, count, find_phases(time, count))
    if found.verdict != "growing" and (found.phases.lag or found.phases.plateau):
        # A growth phase in which growth cannot be shown is none: the recording is judged as a whole.
        return _fit(
            time,
            count,
            replace(found.phases, start=float(time[0]), end=float(time[-1]), lag=False, plateau=False),
        )
    return found


def not_read(reason: str) -> Growth:
    """Give no rate: none of a chamber's frames can be used."""
    return _without_rate(NOT_READ, reason, find_phases(np.zeros(0), np.zeros(0)), np.zeros(0))


def _fit(time: Floats, count: Floats, phases: Phases) -> Growth:
    inside = (time >= phases.start) & (time <= phases.end)
    if not count.any() and len(count):
        return _without_rate("not growing", "no cells", phases, count)
    if inside.sum() < FEWEST or not count[inside].any():
        return _without_rate("too short", f"only {int(inside.sum())} usable frames to fit", phases, count)

    t, n = time[inside], count[inside]
    from scipy.stats import t as student  # slow to load as statsmodels is, and counting needs neither

    jumps = [x for x in sorted(phases.influx + phases.escape) if t[0] < x < t[-1]]
    design = np.column_stack([np.ones_like(t), t - t[0], *[(t > x).astype(float) for x in jumps]])
    rate, curve = _regress(n, design)
    error = float(np.sqrt(_sandwich(design, curve, t, _noise(t, n, rate, jumps))[1, 1]))
    # As many degrees of freedom as cells gained: three divisions say little, however many frames show them.
    gained = max(1.0, abs(float(curve[-1] - curve[0])))
    reach = float(student.ppf(0.5 + CONFIDENCE / 2, gained)) * error
    low, high = rate - reach, rate + reach
    fold = float(np.exp(rate * (t[-1] - t[0])))
    verdict, reason = _verdict(rate, low, high, fold, phases)
    return Growth(
        verdict=verdict,
        reason=reason,
        rate=rate,
        rate_low=low,
        rate_high=high,
        standard_error=error,
        rate_whole=_regress(count, np.column_stack([np.ones_like(time), time - time[0]]))[0],
        doubling=float(np.log(2) / rate) if verdict == "growing" else float("nan"),
        doubling_low=float(np.log(2) / high) if high > 0 else float("nan"),
        doubling_high=float(np.log(2) / low) if low > 0 else float("inf"),
        fold=fold,
        phases=phases,
        first=_end(count, 1),
        last=_end(count, -1),
        fitted_time=t,
        fitted=curve,
    )


def _regress(count: Floats, design: Floats) -> tuple[float, Floats]:
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    with warnings.catch_warnings():
        # A count that never changes is fitted without error; that is an answer here, not a fault.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        fit = sm.GLM(count, design, family=sm.families.Poisson()).fit()
    return float(fit.params[1]), np.maximum(fit.fittedvalues, 0.1)


def _sandwich(design: Floats, curve: Floats, t: Floats, noise: float) -> Floats:
    # Bread: inverse information of the Poisson regression. Filling: covariance of its score, a sum over time
    # of the chance that enters there, times how much all later counts (the reversed sum) carry it on.
    bread = np.linalg.inv(design.T @ (design * curve[:, None]))
    enters = np.diff(noise * cumulative_trapezoid(1.0 / curve, t, initial=0.0))
    carried = np.cumsum((design * curve[:, None])[::-1], axis=0)[::-1][1:]
    return bread @ (carried.T @ (carried * enters[:, None])) @ bread


def _noise(t: Floats, n: Floats, rate: float, jumps: list[float]) -> float:
    # Variance of the net change per cell and time, over steps of about a twentieth of the phase. Errors of
    # the counts make neighbouring changes run against each other: the products with both neighbours take
    # them out again (Zhou 1996).
    at = np.unique(np.linspace(0, len(t) - 1, min(len(t), 21)).astype(int))
    lived = np.diff(cumulative_trapezoid(n, t, initial=0.0)[at])
    calm = np.array([not any(a < x < b for x in jumps) for a, b in pairwise(t[at])])
    surplus = np.where(calm, np.diff(n[at]) - rate * lived, 0.0)
    around = np.convolve(surplus, np.ones(3), mode="same")
    seen = float((surplus * around).sum() / max(lived[calm].sum(), 1e-12))
    # At least the rate, as if no cell died; and one division in all: a flat line does not prove that none
    # can be.
    return max(seen, abs(rate), 1.0 / max(float(lived.sum()), 1e-12))


def _verdict(rate: float, low: float, high: float, fold: float, phases: Phases) -> tuple[str, str]:
    if rate > 0 and fold >= GROWN:
        if low > 0:
            return "growing", f"rose {fold:.1f}-fold in its growth phase" + _shape(phases)
        return "uncertain", f"rose {fold:.1f}-fold, but so few divisions may be chance"
    if high < 0:
        return "shrinking", f"fell to {fold:.2f} of its count" + _shape(phases)
    return "not growing", f"the fitted count changed {fold:.2f}-fold, less than {GROWN}" + _shape(phases)


def _shape(phases: Phases) -> str:
    said = ["after a lag"] * phases.lag + ["then a plateau"] * phases.plateau
    said += ["cells came in"] * bool(phases.influx) + ["cells escaped"] * bool(phases.escape)
    return "".join(f", {text}" for text in said)


def _without_rate(verdict: str, reason: str, phases: Phases, count: Floats) -> Growth:
    nan = float("nan")
    return Growth(
        verdict=verdict,
        reason=reason,
        rate=nan,
        rate_low=nan,
        rate_high=nan,
        standard_error=nan,
        rate_whole=nan,
        doubling=nan,
        doubling_low=nan,
        doubling_high=nan,
        fold=nan,
        phases=phases,
        first=_end(count, 1),
        last=_end(count, -1),
        fitted_time=np.zeros(0),
        fitted=np.zeros(0),
    )


def _end(count: Floats, side: int) -> float:
    tenth = max(1, len(count) // 10)
    return float(np.mean(count[:tenth] if side > 0 else count[-tenth:])) if len(count) else float("nan")
