"""How good counts are: the paper's figures (from rounded counts) and two from the raw ones.

The paper rounds every predicted count to a whole number of cells before it measures (section "Results"):

    MAE      = mean |round(p) - y|                     in cells
    MRE      = mean |round(p) - y| / y, over y > 0     in percent
    accuracy = share of frames with round(p) == y      in percent

Beside them stand two figures that rounding hides: `mae_raw`, the mean |p - y|, and `bias`, the mean p - y.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def mae(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Mean absolute error of the rounded counts, in cells; NaN when there is nothing to measure."""
    rounded, label = _pair(np.rint(prediction), truth)
    return _mean(np.abs(rounded - label))


def mre(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Mean relative error of the rounded counts, in percent, over the labels above 0; NaN without one."""
    rounded, label = _pair(np.rint(prediction), truth)
    occupied = label > 0
    return 100 * _mean(np.abs(rounded[occupied] - label[occupied]) / label[occupied])


def accuracy(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Share of rounded counts equal to the label, in percent; NaN when there is nothing to measure."""
    rounded, label = _pair(np.rint(prediction), truth)
    return 100 * _mean((rounded == label).astype(np.float64))


def mae_raw(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Mean absolute error of the counts before rounding, in cells."""
    raw, label = _pair(prediction, truth)
    return _mean(np.abs(raw - label))


def bias(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Mean of count minus label before rounding, in cells; above 0 the model counts too many."""
    raw, label = _pair(prediction, truth)
    return _mean(raw - label)


@dataclass(frozen=True)
class Figures:
    """The five figures of one group of frames; `mre` and `accuracy` in percent, the others in cells."""

    n: int
    mae: float
    mre: float
    accuracy: float
    mae_raw: float
    bias: float

    @classmethod
    def of(cls, prediction: ArrayLike, truth: ArrayLike) -> "Figures":
        """Measures `prediction` (N,) raw counts against `truth` (N,) labels."""
        raw, label = _pair(prediction, truth)
        return cls(
            n=len(label),
            mae=mae(raw, label),
            mre=mre(raw, label),
            accuracy=accuracy(raw, label),
            mae_raw=mae_raw(raw, label),
            bias=bias(raw, label),
        )


@dataclass(frozen=True)
class Scores:
    """The figures of all frames, of each true count and of each chamber."""

    total: Figures
    per_count: dict[int, Figures] = field(default_factory=dict)
    per_chamber: dict[str, Figures] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def n(self) -> int:
        """How many labelled frames were measured."""
        return self.total.n

    @property
    def mae(self) -> float:
        """Mean absolute error of the rounded counts, in cells."""
        return self.total.mae

    @property
    def mre(self) -> float:
        """Mean relative error of the rounded counts, in percent."""
        return self.total.mre

    @property
    def accuracy(self) -> float:
        """Share of exact rounded counts, in percent."""
        return self.total.accuracy

    @property
    def mae_raw(self) -> float:
        """Mean absolute error before rounding, in cells."""
        return self.total.mae_raw

    @property
    def bias(self) -> float:
        """Mean of count minus label before rounding, in cells."""
        return self.total.bias

    def as_json(self) -> dict[str, Any]:
        """`{n, mae, mre, accuracy, mae_raw, bias, seconds, per_count, per_chamber}`; null where undefined."""
        return {
            **_finite(asdict(self.total)),
            "seconds": self.seconds,
            "per_count": {str(count): _finite(asdict(figures)) for count, figures in self.per_count.items()},
            "per_chamber": {name: _finite(asdict(figures)) for name, figures in self.per_chamber.items()},
        }


def score(
    prediction: ArrayLike,
    truth: ArrayLike,
    chambers: Sequence[str] | None = None,
    seconds: float | None = None,
) -> Scores:
    """Measures raw counts against labels.

    Args:
        prediction: (N,) counts as the model gives them, cells per image.
        truth: (N,) labels, cells per image; frames without one (NaN) are left out.
        chambers: (N,) chamber of each frame, for the figures per chamber.
        seconds: how long the counting took, kept for the table.
    """
    raw, label = _pair(prediction, truth)
    names = np.asarray([""] * len(label) if chambers is None else list(chambers), dtype=object)
    if len(names) != len(label):
        raise ValueError(f"{len(names)} chambers for {len(label)} frames")
    known = ~np.isnan(label)
    raw, label, names = raw[known], label[known], names[known]
    return Scores(
        total=Figures.of(raw, label),
        per_count={
            int(count): Figures.of(raw[label == count], label[label == count]) for count in np.unique(label)
        },
        per_chamber={}
        if chambers is None
        else {str(name): Figures.of(raw[names == name], label[names == name]) for name in sorted(set(names))},
        seconds=seconds,
    )


def _pair(prediction: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(prediction, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"counts and labels must be two lists of equal length, not {a.shape} and {b.shape}")
    return a, b


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no NaN: a figure that has no meaning for a group is null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in figures.items()
    }
