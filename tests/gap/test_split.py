"""Parts with intervals: what is measured, and how sure it is."""

import numpy as np
import pandas as pd
import pytest

from twincell.gap.advice import advise
from twincell.gap.card import card, table, verdict
from twincell.gap.convention import Convention
from twincell.gap.measured import REAL, Measured, halves_of
from twincell.gap.shapley import DISTRIBUTION, LABEL, PHOTOREALISM, SUBSETS, name_of
from twincell.gap.split import split
from twincell.simulate.presets import load_preset


def measured(alone: dict[str, float], chambers: int = 12, scatter: float = 0.2, seed: int = 0) -> Measured:
    """Errors of 4 images a chamber in which parts only add up; chambers differ, images of one are alike."""
    chance = np.random.default_rng(seed)
    own = np.repeat(chance.normal(1, scatter, chambers), 4)
    rows = {
        "seed": 0,
        "chamber": np.repeat([f"c{k}" for k in range(chambers)], 4),
        "image": np.arange(len(own)),
    }
    rows |= {"counted": 5.0, REAL: 0.5}
    rows |= {name_of(s): 4 - own * sum(alone[part] for part in s) for s in SUBSETS}
    bias = dict.fromkeys([REAL, *map(name_of, SUBSETS)], 0.1)
    return Measured(pd.DataFrame(rows), {0: Convention()}, bias)


def test_the_largest_part_is_named_with_its_share() -> None:
    found = split(measured({DISTRIBUTION: 1.8, LABEL: 0.3, PHOTOREALISM: 0.9}))
    assert found.order == [DISTRIBUTION, PHOTOREALISM, LABEL]
    assert found.share[DISTRIBUTION].value == pytest.approx(0.6)
    assert found.worth[DISTRIBUTION].lower < 1.8 < found.worth[DISTRIBUTION].upper
    assert "**Distribution** is the largest part" in verdict(found)
    assert "more than half" in verdict(found)
    assert (found.images, found.chambers, found.seeds) == (48, 12, 1)


def test_what_nothing_closes_is_not_named() -> None:
    found = split(measured(dict.fromkeys((DISTRIBUTION, LABEL, PHOTOREALISM), 0.0)))
    assert verdict(found).startswith("No part is surely above zero")
    assert found.gap.value == pytest.approx(3.5)
    assert found.left.value == pytest.approx(3.5)


def test_few_chambers_make_wide_intervals() -> None:
    """Images of one chamber err alike: twice as many of them say no more."""
    alone = {DISTRIBUTION: 1.0, LABEL: 0.0, PHOTOREALISM: 0.0}
    whole = measured(alone, 6, scatter=0.5)
    more_images = pd.concat([whole.images] * 9)
    copies = [whole.images.assign(chamber=whole.images["chamber"] + f"-{k}") for k in range(9)]
    few, many, chambers = (
        split(Measured(images, whole.conventions, whole.bias)).worth[DISTRIBUTION]
        for images in (whole.images, more_images, pd.concat(copies))
    )
    assert many.upper - many.lower == pytest.approx(few.upper - few.lower)
    assert few.upper - few.lower > 2 * (chambers.upper - chambers.lower)


def test_the_same_seed_draws_the_same_intervals() -> None:
    whole = measured({DISTRIBUTION: 1.0, LABEL: 0.5, PHOTOREALISM: 0.2})
    assert split(whole, 3) == split(whole, 3)


def test_card_and_table_hold_every_figure() -> None:
    whole = measured({DISTRIBUTION: 1.8, LABEL: 0.3, PHOTOREALISM: 0.9})
    found = split(whole)
    text = card(found, whole, ["do this"], "a generator")
    assert "1. do this" in text
    assert text.count("\n| distribution + label + photorealism |") == 1
    numbers = table(found, whole.bias)
    errors = numbers[numbers["what"] == "error"].set_index("of")["value"]
    assert errors["nothing"] == pytest.approx(4)
    assert set(errors.index) == {REAL, *map(name_of, SUBSETS)}


def test_halves_are_whole_chambers_and_seeds_swap_them() -> None:
    chambers = [f"c{k // 5}" for k in range(80)]
    halves = halves_of(chambers, (0, 1, 2))
    assert (halves[0] ^ halves[1]).all()
    assert 35 <= int(halves[0].sum()) <= 45
    names = [{c for c, held in zip(chambers, half.tolist(), strict=True) if held} for half in halves.values()]
    assert not names[0] & names[1]
    assert names[2] != names[0]


def test_errors_of_opposite_sign_are_closed_together() -> None:
    """Renderer and counts each hide half of the other's error: by itself either one makes it larger."""
    whole = measured(dict.fromkeys((DISTRIBUTION, LABEL, PHOTOREALISM), 0.0))
    own = 1 + 0.1 * np.repeat(np.linspace(-1, 1, 12), 4)
    for subset in SUBSETS:
        looks = len(subset - {LABEL})
        whole.images[name_of(subset)] = own * (2.6, 3.7, 1.5)[looks]
    found = split(whole)
    assert found.first[DISTRIBUTION].upper < 0 < found.last[DISTRIBUTION].lower
    assert "one helps more once the other is closed" in verdict(found)
    advice = advise(found, whole, load_preset("ellipse-bf"), load_preset("optics-bf"))
    assert advice.worth_closing == {DISTRIBUTION, PHOTOREALISM}
    assert all("not by itself" in str(step) for step in advice.steps)


def test_a_fit_that_resembles_nothing_is_said_to_be_one() -> None:
    whole = measured({DISTRIBUTION: -0.5, LABEL: 0.0, PHOTOREALISM: -1.0})
    found = split(whole)
    assert "makes the error surely larger" in verdict(found)
    assert np.isnan(found.share[PHOTOREALISM].value)
    assert advise(found, whole, load_preset("ellipse-bf"), load_preset("optics-bf")).steps == ()
