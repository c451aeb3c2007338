"""Parts of a gap against a plain restatement: the mean over all orders of closing them."""

from itertools import permutations

import numpy as np
import pytest

from twincell.gap.shapley import (
    DISTRIBUTION,
    EVERYTHING,
    LABEL,
    NOTHING,
    PARTS,
    PHOTOREALISM,
    SUBSETS,
    interactions,
    name_of,
    shapley,
)


def any_errors(seed: int = 0) -> dict[frozenset[str], float]:
    chance = np.random.default_rng(seed)
    return {subset: float(chance.uniform(0, 5)) for subset in SUBSETS}


def over_all_orders(errors: dict[frozenset[str], float]) -> dict[str, float]:
    """What each part takes away where it comes in an order, the mean over the six orders."""
    worth = dict.fromkeys(PARTS, 0.0)
    for order in permutations(PARTS):
        closed: frozenset[str] = frozenset()
        for part in order:
            worth[part] += (errors[closed] - errors[closed | {part}]) / 6
            closed |= {part}
    return worth


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_the_mean_over_all_orders_and_sum_to_the_fall(seed: int) -> None:
    errors = any_errors(seed)
    found = shapley(errors)
    assert found == pytest.approx(over_all_orders(errors))
    assert sum(found.values()) == pytest.approx(errors[NOTHING] - errors[EVERYTHING])


def test_parts_that_only_add_up_do_not_interact() -> None:
    alone = {DISTRIBUTION: 2.0, LABEL: 0.5, PHOTOREALISM: 1.0}
    errors = {subset: 5 - sum(alone[part] for part in subset) for subset in SUBSETS}
    assert shapley(errors) == pytest.approx(alone)
    assert list(interactions(errors).values()) == pytest.approx([0, 0, 0])


def test_the_same_error_taken_away_twice_is_shared_and_named() -> None:
    """Either of two parts takes all of it away: each is worth half, and together 2 less than each alone."""
    errors = {subset: 1.0 if subset & {DISTRIBUTION, PHOTOREALISM} else 3.0 for subset in SUBSETS}
    assert shapley(errors) == pytest.approx({DISTRIBUTION: 1.0, LABEL: 0.0, PHOTOREALISM: 1.0})
    assert interactions(errors)[DISTRIBUTION, PHOTOREALISM] == pytest.approx(-2)


def test_two_parts_that_help_only_together_are_above_zero() -> None:
    both = {DISTRIBUTION, LABEL}
    errors = {subset: 0.0 if both <= subset else 4.0 for subset in SUBSETS}
    assert interactions(errors)[DISTRIBUTION, LABEL] == pytest.approx(4)
    assert shapley(errors)[PHOTOREALISM] == pytest.approx(0)


def test_arrays_are_shared_out_element_by_element() -> None:
    one, other = any_errors(1), any_errors(2)
    both = {subset: np.array([one[subset], other[subset]]) for subset in SUBSETS}
    for part in PARTS:
        assert shapley(both)[part] == pytest.approx([shapley(one)[part], shapley(other)[part]])


def test_there_are_eight_subsets_with_names_of_their_own() -> None:
    assert len({name_of(subset) for subset in SUBSETS}) == 8
    assert (name_of(NOTHING), name_of(frozenset({LABEL, DISTRIBUTION}))) == (
        "nothing",
        "distribution + label",
    )
