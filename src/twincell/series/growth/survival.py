"""Will this chamber still grow? From its first frames, by a process that rests, grows or has stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.optimize import minimize

from twincell.series.growth.rate import GROWN
from twincell.series.smoothing.birth_death import STATES
from twincell.series.smoothing.error_model import label_kernel

Floats = NDArray[np.float64]

STEP = 10
"""Counts are looked at every so many frames: nearer ones share their errors."""

PACES = (0.5, 1.0, 1.6)
"""The growth rates a growing chamber may have, as factors of the usual one, equally likely."""

FULL = 30
"""Above this a chamber is overfull and its success certain: the published recordings end here."""


@dataclass(frozen=True)
class CultureModel:
    """Constants of a culture's life, per frame; fitted to the 21 published chambers (see `fit_culture`).

    Attributes:
        rate: usual net growth per cell while it grows.
        loss: cells lost per cell, in every state.
        wake: rate at which a resting chamber begins to grow.
        stop: rate at which a growing or resting one stops for good.
        growing: share of chambers that grow from the first frame.
        stopped: share that never will.
    """

    rate: float = 0.0073
    loss: float = 0.0015
    wake: float = 0.012
    stop: float = 0.0006
    growing: float = 0.8
    stopped: float = 0.03


_PHASES = len(PACES) + 2
"""Phases: resting, growing at each pace, stopped."""


def survival(
    series: Sequence[tuple[NDArray, NDArray]], model: CultureModel | None = None, horizon: int = 200
) -> Floats:
    """Probability that each chamber still grows: 1.5 times as many cells `horizon` frames later.

    The state (phase, count) is filtered through the counts seen so far, then run on without any. Overfull
    counts as grown.

    Args:
        series: (frames, counts) of each chamber, its first N frames only, ascending. Counts must not have
            been smoothed with later frames.
        model: constants; the shipped ones by default.
        horizon: frames to look ahead.

    Returns:
        (C,) probabilities; NaN for a chamber without frames.
    """
    model = model or CultureModel()
    found = np.full(len(series), np.nan)
    for i, (frames, counts) in enumerate(series):
        if len(frames):
            state, _ = _filtered(np.asarray(frames), np.asarray(counts, float), model)
            ahead = _run(state, model, horizon)
            now = float(np.asarray(counts, float)[-STEP:].mean())
            found[i] = ahead.sum(0)[np.arange(STATES) >= min(GROWN * max(now, 1.0), FULL + 1)].sum()
    return found


def outcome(frames: NDArray, counts: NDArray, first: int, horizon: int = 200) -> float:
    """Whether a chamber did grow: 1, 0, or NaN where the recording ends too early to say.

    Args:
        frames: (N,) ascending.
        counts: (N,) of the whole recording.
        first: frames, from the recording's first, that the prediction knew.
        horizon: see `survival`.
    """
    frames, counts = np.asarray(frames), np.asarray(counts, float)
    if not len(frames):
        return float("nan")
    now = frames[0] + first - 1
    known = (frames <= now) & (frames > now - STEP)
    if not known.any() or frames[-1] <= now:
        return float("nan")
    goal = min(GROWN * max(counts[known].mean(), 1.0), FULL)
    at = np.abs(frames - (now + horizon)) <= STEP
    if at.any():
        # Above, not at: a count of 1 that stays 1 has not reached 1.5.
        return float(counts[at].mean() > goal - 0.5)
    # A recording that ends before: the published ones end when the chamber is full.
    return 1.0 if counts[-3:].mean() >= min(goal, FULL - 3) and frames[-1] < now + horizon else float("nan")


def fit_culture(
    series: Sequence[tuple[NDArray, NDArray]], start: CultureModel | None = None, evaluations: int = 200
) -> CultureModel:
    """Maximum likelihood of whole recordings, held near the start where few chambers say little.

    Args:
        series: (frames, counts) of each chamber.
        start: constants to start from.
        evaluations: how many sets of constants to try (Nelder-Mead).
    """
    start = start or CultureModel()
    rates, shares = ("rate", "loss", "wake", "stop"), ("growing", "stopped")

    def model(x: Floats) -> CultureModel:
        changed = {
            name: getattr(start, name) * float(np.exp(v)) for name, v in zip(rates, x[:4], strict=True)
        }
        odds = [getattr(start, name) / (1 - start.growing - start.stopped) for name in shares]
        odds = [o * float(np.exp(v)) for o, v in zip(odds, x[4:], strict=True)]
        changed |= {name: o / (1 + sum(odds)) for name, o in zip(shares, odds, strict=True)}
        return replace(start, **changed)

    def cost(x: Floats) -> float:
        evidence = sum(_filtered(np.asarray(f), np.asarray(c, float), model(x))[1] for f, c in series)
        return -evidence + 0.5 * float(x @ x)

    simplex = np.vstack([np.zeros(6), 0.5 * np.eye(6)])
    best = minimize(
        cost, simplex[0], method="Nelder-Mead", options={"maxfev": evaluations, "initial_simplex": simplex}
    )
    return model(best.x)


def _filtered(frames: NDArray, counts: Floats, model: CultureModel) -> tuple[Floats, float]:
    kernel = label_kernel(0.14).astype(float)
    state = np.outer(_start(model), 1.0 / (np.arange(STATES) + 3.0))
    state /= state.sum()
    evidence, last = 0.0, None
    for place in np.unique((frames - frames[0]) // STEP):
        seen = counts[(frames - frames[0]) // STEP == place].mean()
        if last is not None:
            state = _run(state, model, int(place - last) * STEP)
        state = state * kernel[:, int(np.clip(round(seen), 0, STATES - 1))]
        total = state.sum()
        state, evidence, last = state / total, evidence + np.log(total), place
    return state, float(evidence)


def _start(model: CultureModel) -> Floats:
    resting = 1.0 - model.growing - model.stopped
    return np.array([resting, *[model.growing / len(PACES)] * len(PACES), model.stopped])


def _run(state: Floats, model: CultureModel, frames: int) -> Floats:
    """The state (phases, counts) some frames later; changes of phase happen between steps of 10 frames."""
    counts, phases = _count_steps(model), _phase_steps(model)
    for _ in range(max(frames // STEP, 0)):
        state = phases.T @ np.einsum("ps,pst->pt", state, counts)
    return state


_CACHE: dict[CultureModel, Floats] = {}


def _count_steps(model: CultureModel) -> Floats:
    if model not in _CACHE:
        if len(_CACHE) > 32:
            _CACHE.clear()
        growth = [0.0, *[pace * model.rate for pace in PACES], 0.0]
        _CACHE[model] = np.stack([_steps(model.loss, g) for g in growth])
    return _CACHE[model]


def _steps(loss: float, growth: float) -> Floats:
    # Birth at loss + growth, death at loss: without growth the count stays on average. Above 45 cells it
    # stays.
    n = np.arange(STATES - 1)
    rate = np.zeros((STATES, STATES))
    rate[n, n + 1] = (loss + growth) * n * (n < 45)
    rate[n + 1, n] = loss * (n + 1)
    np.fill_diagonal(rate, -rate.sum(1))
    return np.clip(expm(rate * STEP), 0.0, None)


def _phase_steps(model: CultureModel) -> Floats:
    rate = np.zeros((_PHASES, _PHASES))
    rate[0, 1:-1] = model.wake / len(PACES)
    rate[:-1, -1] = model.stop
    np.fill_diagonal(rate, -rate.sum(1))
    return expm(rate * STEP)
