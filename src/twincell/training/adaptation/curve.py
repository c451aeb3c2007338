"""How the error falls with the number of labels: measured on the labels, held against the usual."""

import math
from dataclasses import dataclass

from torch import Tensor

from twincell.training.adaptation.sure import standard_error

USUAL, USUAL_ERROR = 0.25, 0.15
"""Exponent with which the error usually falls, and how far labs differ in it."""
STEEPEST = 0.7


@dataclass(frozen=True)
class LearningCurve:
    """Error proportional to the number of labels to the power of -`falls`.

    Attributes:
        falls: the exponent, 0 = more labels change nothing.
        measured: whether the labels themselves had a say in it.
    """

    falls: float
    measured: bool

    def factor(self, before: float, after: float) -> float:
        """What the error is multiplied by where labels grow from `before` to `after`."""
        return (before / after) ** self.falls


FLAT = LearningCurve(0.0, False)
"""Of a model that did not learn from the labels."""


def learning_curve(
    few: Tensor, many: Tensor, units: Tensor, labels: tuple[float, float] = (1.0, 3.0)
) -> LearningCurve:
    """The curve through two errors of the same images, drawn towards the usual exponent.

    A handful of images says little about an exponent: what they say and what is usual are weighed by their
    variances.

    Args:
        few, many: (N,) |count - label| in cells, by networks that learned from few and from more of the other
            labels; N from 1, NaN where an image was not left out.
        units: (N,) int, the place each image shows.
        labels: how many labels both learned from, in any unit.
    """
    known = ~(few.isnan() | many.isnan())
    usual = LearningCurve(USUAL, False)
    if not bool(known.any()):
        return usual
    few, many, units = few[known], many[known], units[known]
    least, most = float(few.mean()), float(many.mean())
    if least <= 0 or most <= 0:
        return usual
    apart, ratio = math.log(labels[1] / labels[0]), least / most
    found = math.log(ratio) / apart
    error = float(standard_error(few - ratio * many, units)) / least / apart
    if not math.isfinite(error):
        return usual
    weights = 1 / max(error, 1e-3) ** 2, 1 / USUAL_ERROR**2
    both = (found * weights[0] + USUAL * weights[1]) / sum(weights)
    return LearningCurve(min(max(both, 0.0), STEEPEST), True)
