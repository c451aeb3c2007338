"""Measures of the series room on simulated chambers: each against what it is made of."""

import numpy as np
import pandas as pd
import pytest

from twincell.series import ErrorModel
from twincell.series.accuracy import (
    measure_growth,
    measure_survival,
    read_each,
    reliability,
    simulated_survival,
    survival_figures,
)
from twincell.series.smoothing.calibrate import shown_labels
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    made = [
        Culture(division=0.016, start=4),
        Culture(division=0.013, start=5),
        Culture(division=0.0, loss=0.0),
    ]
    return recordings_table(made, Errors(fast=0.1, slow=0.15), 280, 1)


@pytest.fixture(scope="module")
def constants(table: pd.DataFrame) -> dict[str, ErrorModel]:
    return {name: ErrorModel() for name in table["chamber"].unique()}


def test_each_chamber_is_read_with_its_own_constants(table, constants):
    wide = {**constants, "sim0001": ErrorModel(level=0.99)}
    usual, other = read_each(table, constants), read_each(table, wide)
    pd.testing.assert_frame_equal(usual["sim0000"], other["sim0000"])
    assert (other["sim0001"]["upper"] - other["sim0001"]["lower"]).mean() > (
        usual["sim0001"]["upper"] - usual["sim0001"]["lower"]
    ).mean()
    shown = read_each(table, constants, 5)["sim0000"]
    assert not shown["count"].equals(usual["sim0000"]["count"])


def test_growth_stands_beside_that_of_the_labels(table, constants):
    found = measure_growth(table, constants)
    assert list(found["shown"]) == [0, 0, 0, 5, 5, 5]
    assert set(found.loc[found["chamber"] == "sim0002", "verdict"]) == {"not growing"}
    growing = found[found["verdict_labels"] == "growing"]
    assert len(growing) >= 2
    assert growing["ratio"].between(0.75, 1.25).all()
    assert (found["ratio"] == found["rate"] / found["rate_labels"]).all()


def test_the_reference_of_growth_holds_no_label_that_was_shown(table, constants):
    found = measure_growth(table, constants, shown=(5,)).set_index("chamber")
    labels = table[table["label"].notna()].groupby("chamber").size()
    assert (found["labels"] == labels - 5).all()
    rows = table[table["chamber"] == "sim0000"].reset_index(drop=True)
    at = shown_labels(rows, 5)
    spoiled = rows.assign(label=rows["label"].where(~rows.index.isin(at), rows["label"] + 1))
    again = measure_growth(spoiled, constants, shown=(5,)).set_index("chamber")
    assert again.loc["sim0000", "rate_labels"] == found.loc["sim0000", "rate_labels"]
    assert again.loc["sim0000", "rate"] != found.loc["sim0000", "rate"]


@pytest.mark.slow
def test_survival_knows_neither_later_frames_nor_the_chamber_itself(table, constants):
    found = measure_survival(table, constants, firsts=(60,), horizon=100)
    assert list(found["chamber"]) == ["sim0000", "sim0001", "sim0002"]
    later = table["frame"] > 60
    changed = table.assign(
        count_frame=table["count_frame"].where(~later | (table["chamber"] != "sim0000"), 1.0)
    )
    again = measure_survival(changed, constants, firsts=(60,), horizon=100)
    assert again["foretold"][0] == pytest.approx(found["foretold"][0])
    assert found["happened"].tolist() == [1.0, 1.0, 0.0]
    assert found["base"].tolist() == [0.5, 0.5, 1.0]


def test_brier_scores_and_groups_are_the_textbooks():
    rows = pd.DataFrame(
        {
            "first": 50,
            "foretold": [0.9, 0.1, 0.5, 0.7],
            "happened": [1.0, 0.0, 1.0, np.nan],
            "base": [0.5, 1.0, 0.5, 0.67],
        }
    )
    figures = survival_figures(rows).iloc[0]
    assert (figures["chambers"], figures["grew"]) == (3, 2)
    assert figures["brier"] == pytest.approx((0.01 + 0.01 + 0.25) / 3)
    assert figures["brier_base"] == pytest.approx((0.25 + 1.0 + 0.25) / 3)
    groups = reliability(rows)
    assert groups["chambers"].sum() == groups["forecasts"].sum() == 3
    assert list(groups["group"]) == ["0 to 0.2", "0.4 to 0.6", "0.8 to 1"]


def test_limits_of_scores_go_by_chamber_not_by_forecast():
    rng = np.random.default_rng(0)
    one = pd.DataFrame({"chamber": [f"c{i}" for i in range(30)], "first": 50, "base": 0.5})
    one = one.assign(foretold=rng.uniform(0.3, 1, 30), happened=(rng.random(30) < 0.7).astype(float))
    # The same forecasts said four times are no more than said once.
    four = pd.concat([one.assign(first=first) for first in (50, 100, 150, 200)], ignore_index=True)
    single, pooled = survival_figures(one).iloc[0], survival_figures(four).iloc[-1]
    assert pooled["first"] == "all"
    assert (pooled["chambers"], pooled["forecasts"]) == (30, 120)
    for name in ("brier", "brier_low", "brier_high", "skill", "skill_low", "skill_high"):
        assert pooled[name] == pytest.approx(single[name])
    standard = (one["foretold"] - one["happened"]).pow(2).std() / np.sqrt(30)
    assert single["brier_high"] - single["brier_low"] == pytest.approx(2 * 1.96 * standard, rel=0.15)
    assert (reliability(four)["chambers"] < reliability(four)["forecasts"]).all()
    assert reliability(four)["happened_low"].tolist() == pytest.approx(
        reliability(one)["happened_low"].tolist()
    )


@pytest.mark.slow
def test_simulated_chambers_are_foretold_better_than_by_their_base_rate():
    found = simulated_survival(50, 10, seed=0)
    figures = survival_figures(found).iloc[0]
    assert figures["chambers"] >= 40
    assert figures["brier"] < 0.95 * figures["brier_base"]
    pd.testing.assert_frame_equal(found, simulated_survival(50, 10, seed=0))
