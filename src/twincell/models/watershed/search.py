"""Tuning the watershed on counted images: candidates by chance, then ever smaller changes of the best."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.models.watershed.segment import POLARITIES, Image, Rule, count

WIDE = 0.6
"""Share of the tries drawn from the whole space; the rest start from the best so far."""
FIRST_LOOK = 4
"""Every so many-th image is counted first; a candidate far worse on these is not tried on the others."""
HOPELESS = 1.5
"""How much worse than the best candidate's final error the first look may be."""

# Lower and upper bound of each number; those that stand for a scale are drawn evenly in their logarithm.
SIGMA, THRESHOLD, DISTANCE, AREA, MARGIN = (0.7, 4.0), (0.004, 0.2), (2, 10), (8.0, 120.0), (0, 20)


@dataclass(frozen=True)
class Found:
    """The best candidate and its mean absolute error in cells on the images it was chosen on."""

    rule: Rule
    mae: float

    def as_json(self) -> dict[str, Any]:
        """For a model's card."""
        return {"mae": self.mae, **asdict(self.rule)}


def search(images: list[Image], counts: NDArray[np.float64], seed: int, tries: int) -> Found:
    """The rule with the smallest mean absolute error among `tries` candidates.

    Args:
        images: N images (H, W) in [0, 1].
        counts: (N,) cells.
        seed: the same one finds the same rule.
        tries: candidates, from 1.
    """
    rng = np.random.default_rng(seed)
    best: Found | None = None
    for number in range(tries):
        if best is None or number < WIDE * tries:
            rule = anywhere(rng)
        else:
            rule = nearby(best.rule, rng, reach=1 - number / tries)
        mae = _error(rule, images, counts, np.inf if best is None else best.mae)
        if best is None or mae < best.mae:
            best = Found(rule, mae)
    assert best is not None
    return best


def anywhere(rng: np.random.Generator) -> Rule:
    """A candidate from the whole space."""
    return Rule(
        polarity=str(rng.choice(POLARITIES)),
        sigma=_log_uniform(rng, *SIGMA),
        threshold=_log_uniform(rng, *THRESHOLD),
        distance=int(rng.integers(DISTANCE[0], DISTANCE[1] + 1)),
        area=_log_uniform(rng, *AREA),
        margin=int(rng.integers(MARGIN[0], MARGIN[1] + 1)),
    )


def nearby(rule: Rule, rng: np.random.Generator, reach: float) -> Rule:
    """A candidate like `rule`; `reach` from 0 to 1 says how far its numbers move."""
    return Rule(
        polarity=rule.polarity,
        sigma=_clip(rule.sigma * np.exp(rng.normal(0, reach)), SIGMA),
        threshold=_clip(rule.threshold * np.exp(rng.normal(0, reach)), THRESHOLD),
        distance=round(_clip(rule.distance + rng.normal(0, 4 * reach), DISTANCE)),
        area=_clip(rule.area * np.exp(rng.normal(0, reach)), AREA),
        margin=round(_clip(rule.margin + rng.normal(0, 8 * reach), MARGIN)),
    )


def _error(rule: Rule, images: list[Image], counts: NDArray[np.float64], best: float) -> float:
    """Mean absolute error; infinite where the first look shows that it cannot become the best."""
    errors = np.full(len(images), np.nan)
    order = [*range(0, len(images), FIRST_LOOK)]
    for i in order:
        errors[i] = abs(count(images[i], rule) - counts[i])
    if np.nanmean(errors) > HOPELESS * best:
        return float("inf")
    for i in np.flatnonzero(np.isnan(errors)):
        errors[i] = abs(count(images[i], rule) - counts[i])
    return float(errors.mean())


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return float(np.clip(value, *bounds))
