"""What a person may expect of a model on images like the labelled ones, from errors on images left out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from twincell.series.conformal import conformal_spread

DECAY = 0.2
"""Error falls as the number of labels to the minus this: measured, see docs/results/adaptation.md."""


@dataclass(frozen=True)
class Expectation:
    """What to expect, all from images whose labels were left out.

    Attributes:
        labels: images it comes from.
        mae: mean |round(count) - label|, cells.
        error: standard error of `mae`, cells.
        start: the same for the model before, on the same images.
        spread: half the width of a 90 % interval is `spread` * sqrt(count + 1), cells.
    """

    labels: int
    mae: float
    error: float
    start: float
    spread: float

    @classmethod
    def of(cls, predicted: ArrayLike, start: ArrayLike, labels: ArrayLike) -> "Expectation":
        """From counts (N,) of images left out, those of the start (N,) and the labels (N,)."""
        found, before, truth = (np.asarray(a, float) for a in (predicted, start, labels))
        missed = np.abs(np.rint(found) - truth)
        return cls(
            labels=len(truth),
            mae=float(missed.mean()),
            error=float(missed.std(ddof=1) / math.sqrt(len(truth))) if len(truth) > 1 else math.nan,
            start=float(np.abs(np.rint(before) - truth).mean()),
            spread=conformal_spread(found, truth),
        )

    @property
    def with_as_many_again(self) -> float:
        """About what `mae` would be with twice the labels, if it falls as it usually does."""
        return self.mae * 2**-DECAY

    def sentence(self) -> str:
        """For people: what to expect, from how many labels, and what more of them would bring."""
        return (
            f"{self.mae:.2f} +- {self.error:.2f} cells on images like these, from {self.labels} labels "
            f"(the start: {self.start:.2f}); {self.labels} more would give about "
            f"{self.with_as_many_again:.2f}"
        )
