"""What a person may expect of a model on images like the labelled ones, from errors on images left out."""

import math
from dataclasses import dataclass

from torch import Tensor

from twincell.series.conformal import conformal_spread
from twincell.training.adaptation.curve import FLAT, LearningCurve
from twincell.training.adaptation.sure import standard_error

MORE = 20
"""Further labels of which it is said what they would bring; as many again where there are more already."""


@dataclass(frozen=True)
class Expectation:
    """What to expect, all from images whose labels were left out.

    Attributes:
        labels: images it comes from.
        mae: mean |round(count) - label|, cells.
        error: standard error of `mae`, cells.
        start: the mean for the model before, on the same images.
        spread: half the width of a 90 % interval is `spread` * sqrt(count + 1), cells.
        curve: how `mae` falls with further labels.
    """

    labels: int
    mae: float
    error: float
    start: float
    spread: float
    curve: LearningCurve = FLAT

    @classmethod
    def of(
        cls,
        predicted: Tensor,
        start: Tensor,
        labels: Tensor,
        units: Tensor,
        learned_from: float = 1.0,
        curve: LearningCurve = FLAT,
    ) -> "Expectation":
        """From counts (N,) of images left out, those of the start (N,) and the labels (N,).

        Args:
            predicted: cells, by networks that learned from the other images.
            start: cells, by the model before.
            labels: a person's counts.
            units: (N,) int, the place each image shows; images of one place err alike.
            learned_from: share of the labels that these networks learned from; the last one has all.
            curve: how errors fall with labels.
        """
        missed = (predicted.round() - labels).abs()
        n, factor = len(labels), curve.factor(learned_from, 1.0)
        # As if one image more had been missed by a cell: a handful without any error is no proof.
        scatter = math.hypot(float(standard_error(missed, units)), 1 / n)
        return cls(
            labels=n,
            mae=float(missed.mean()) * factor,
            error=scatter * factor,
            start=float((start.round() - labels).abs().mean()),
            spread=conformal_spread(predicted.numpy(), labels.numpy()),
            curve=curve,
        )

    @property
    def more(self) -> int:
        """Further labels that `with_more` speaks of."""
        return max(MORE, self.labels)

    @property
    def with_more(self) -> float:
        """About what `mae` would be with `more` labels more."""
        return self.mae * self.curve.factor(self.labels, self.labels + self.more)

    def sentence(self) -> str:
        """For people: what to expect, from how many labels, and what more of them would bring."""
        said = (
            f"{self.mae:.2f} +- {self.error:.2f} cells on images like these, from {self.labels} labels "
            f"(the start: {self.start:.2f})"
        )
        if self.curve == FLAT:
            return said
        if self.mae - self.with_more < 0.005:
            return f"{said}; more would change little"
        would = "would give about" if self.curve.measured else "usually give about"
        return f"{said}; {self.more} more {would} {self.with_more:.2f}"
