"""The gap in parts, with intervals that know that images of one chamber, and of one seed, err alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.gap.measured import REAL, Measured
from twincell.gap.shapley import (
    EVERYTHING,
    NOTHING,
    PARTS,
    SUBSETS,
    gain,
    interactions,
    name_of,
    shapley,
)

Array = NDArray[np.float64]
DRAWS = 2000
"""Times seeds and chambers are drawn anew, with replacement."""
WITHIN = (0.05, 0.95)


@dataclass(frozen=True)
class Value:
    """A number and its 90 % interval."""

    value: float
    lower: float
    upper: float

    @property
    def is_sure(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.lower > 0 or self.upper < 0

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.lower:.2f}, {self.upper:.2f}]"

    def as_json(self) -> dict[str, float | None]:
        """Rounded to four digits behind the point; a value that is none is None."""
        return {k: (round(v, 4) if np.isfinite(v) else None) for k, v in vars(self).items()}


@dataclass(frozen=True)
class Split:
    """A gap and its parts, in cells (mean absolute error of rounded counts).

    Attributes:
        errors: by subset (`name_of`), and of what drawn images are compared with.
        gap: error of the generator as given less that of as many labelled real images.
        worth: of each part: by how much closing it lowers the error, the mean over all orders.
        first, last: the same where nothing, and where everything else, is closed.
        share: of each part in what all three close together, 0 to 1; NaN where these close nothing.
        together: by pair, what two parts are worth together beyond what each is worth alone.
        left: error with everything closed less that of as many labelled real images.
        images, chambers, seeds: how many were measured.
    """

    errors: dict[str, Value]
    gap: Value
    worth: dict[str, Value]
    first: dict[str, Value]
    last: dict[str, Value]
    share: dict[str, Value]
    together: dict[tuple[str, str], Value]
    left: Value
    images: int
    chambers: int
    seeds: int

    @property
    def order(self) -> list[str]:
        """The parts, the one that is worth most first."""
        return sorted(PARTS, key=lambda part: -self.worth[part].value)


def split(measured: Measured, seed: int = 0) -> Split:
    """Shares the gap out among its parts.

    Args:
        measured: errors of images, by seed and chamber.
        seed: of the draws that intervals come from.
    """
    table = measured.images
    names = [name for name in table.columns if name not in ("seed", "chamber", "image", "counted")]
    means = _means(table, names, seed)
    errors = {subset: means[name_of(subset)] for subset in SUBSETS}
    real, closed = means[REAL], errors[NOTHING] - errors[EVERYTHING]
    worth = shapley(errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = closed if closed[0] > 0 else np.nan  # where closing all makes it worse, nothing is shared
        share = {part: worth[part] / whole for part in PARTS}
    return Split(
        errors={name: _value(means[name]) for name in names},
        gap=_value(errors[NOTHING] - real),
        worth=_values(worth),
        first=_values({part: gain(errors, NOTHING, part) for part in PARTS}),
        last=_values({part: gain(errors, EVERYTHING - {part}, part) for part in PARTS}),
        share=_values(share),
        together=_values(interactions(errors)),
        left=_value(errors[EVERYTHING] - real),
        images=int(table["image"].nunique()),
        chambers=int(table["chamber"].nunique()),
        seeds=int(table["seed"].nunique()),
    )


def _means(table: pd.DataFrame, names: list[str], seed: int) -> dict[str, Array]:
    """(1 + DRAWS,) mean errors by column: as measured, then with seeds and chambers drawn anew."""
    seeds, chambers = (np.unique(table[key].to_numpy().astype(str)) for key in ("seed", "chamber"))
    place = [np.searchsorted(found, table[key].to_numpy().astype(str))
             for key, found in (("seed", seeds), ("chamber", chambers))]  # fmt: skip
    sums = np.zeros((len(names) + 1, len(seeds), len(chambers)))
    for row, values in enumerate([np.ones(len(table)), *(table[name].to_numpy(float) for name in names)]):
        np.add.at(sums[row], tuple(place), values)
    chance = np.random.default_rng(seed)
    drawn = [
        np.concatenate([np.ones((1, n)), chance.multinomial(n, np.full(n, 1 / n), DRAWS)])
        for n in (len(seeds), len(chambers))
    ]
    total = np.einsum("rsc,ds,dc->rd", sums, *drawn)
    # Seeds measure different halves: a draw may hold no image at all.
    total = total[:, total[0] > 0]
    return dict(zip(names, total[1:] / total[0], strict=True))


def _value(drawn: Array) -> Value:
    known = drawn[1:][np.isfinite(drawn[1:])]
    low, high = np.quantile(known, WITHIN) if len(known) else (np.nan, np.nan)
    return Value(float(drawn[0]), float(low), float(high))


def _values(drawn: Mapping[Any, Array]) -> dict[Any, Value]:
    return {name: _value(values) for name, values in drawn.items()}
