"""The learning rate over a run, as a factor of its largest value."""

import math

from twincell.config import TrainingSettings

ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1 / 25 / 1e4


def factor(settings: TrainingSettings, step: int, steps: int) -> float:
    """The learning rate of step 0 .. steps - 1, relative to `learning_rate`.

    - constant: 1 after a linear ramp over the share `warmup`.
    - cosine: the same ramp, then half a cosine towards 0.
    - staircase: the same ramp, then 1, divided by 10 after each of the shares `drops`.
    - one-cycle: half a cosine from 1/25 up to 1 over the share `warmup`, another one down to 1/250,000
      (Smith and Topin's, as torch's OneCycleLR has it).
    """
    if settings.schedule == "one-cycle":
        return _one_cycle(settings.warmup, step, steps)
    ramp = round(settings.warmup * steps)
    if step < ramp:
        return (step + 1) / ramp
    if settings.schedule == "staircase":
        return 10.0 ** -sum(step >= round(share * steps) for share in settings.drops)
    if settings.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(steps - ramp, 1)))
    return 1.0


def _one_cycle(rising: float, step: int, steps: int) -> float:
    peak, last = rising * steps - 1, steps - 1
    if step <= peak:
        return _between(ONE_CYCLE_START, 1.0, step / peak if peak > 0 else 1.0)
    return _between(1.0, ONE_CYCLE_END, min((step - peak) / (last - peak), 1.0))


def _between(first: float, second: float, share: float) -> float:
    return second + (first - second) * 0.5 * (1 + math.cos(math.pi * share))
