"""How an error that falls when three causes are taken away is shared out among them.

Which cause is taken away first changes what each of them is found to be worth. Shapley's value is the mean
over all orders (Contributions to the Theory of Games II, 1953), the interaction index what two are worth
together beyond what each is worth alone (Grabisch and Roubens, Int. J. Game Theory 28:547, 1999).
"""

from collections.abc import Mapping
from itertools import combinations
from math import factorial
from typing import Any

DISTRIBUTION, LABEL, PHOTOREALISM = "distribution", "label", "photorealism"
PARTS = (DISTRIBUTION, LABEL, PHOTOREALISM)
"""What may differ between drawn and real images: what is in them, what a person counts, how it looks."""

Closed = frozenset[str]
"""The parts that are closed; the others are as in the generator that was given."""

NOTHING: Closed = frozenset()
EVERYTHING: Closed = frozenset(PARTS)
SUBSETS: tuple[Closed, ...] = tuple(
    frozenset(chosen) for size in range(len(PARTS) + 1) for chosen in combinations(PARTS, size)
)
"""All eight, from nothing closed to everything closed."""
PAIRS = tuple(combinations(PARTS, 2))

Errors = Mapping[Closed, Any]
"""An error for each subset: a number, or an array of them that is shared out element by element."""


def name_of(closed: Closed) -> str:
    """What a subset is called in tables: "nothing", "distribution + label", ..."""
    return " + ".join(part for part in PARTS if part in closed) or "nothing"


def gain(errors: Errors, closed: Closed, part: str) -> Any:
    """By how much the error falls when `part` is closed as well."""
    return errors[closed] - errors[closed | {part}]


def shapley(errors: Errors) -> dict[str, Any]:
    """What each part is worth, the mean over all orders of closing; they sum to the whole fall."""
    return {
        part: sum(_weight(len(rest), 1) * gain(errors, rest, part) for rest in _without(part))
        for part in PARTS
    }


def interactions(errors: Errors) -> dict[tuple[str, str], Any]:
    """What two parts are worth together beyond what each is worth alone, the mean over what else is closed.

    Below 0 both take away the same error; above 0 one is worth more where the other is closed, too.
    """
    return {
        (one, other): sum(
            _weight(len(rest), 2) * (gain(errors, rest | {other}, one) - gain(errors, rest, one))
            for rest in _without(one, other)
        )
        for one, other in PAIRS
    }


def _without(*parts: str) -> list[Closed]:
    return [subset for subset in SUBSETS if not subset & set(parts)]


def _weight(before: int, players: int) -> float:
    """The share of orders in which exactly `before` others come first."""
    others = len(PARTS) - players
    return factorial(before) * factorial(others - before) / factorial(others + 1)
