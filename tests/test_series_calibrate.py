"""Constants from labelled chambers: worth it on chambers left out, intervals that hold 90 %."""

import numpy as np
import pytest

from twincell.series import ErrorModel, calibrate, leave_chamber_out, score_labels, summary
from twincell.series.calibrate import shown_labels
from twincell.series.simulate import Culture, Errors, recordings_table


def chambers(n: int, errors: Errors, seed: int):
    rng = np.random.default_rng(seed)
    made = [Culture(division=rng.uniform(0.006, 0.018), start=int(rng.integers(1, 6))) for _ in range(n)]
    return recordings_table(made, errors, 160, seed)


def test_calibrated_intervals_hold_90_percent_of_new_chambers_labels():
    errors = Errors(fast=0.12, slow=0.25, every=8)
    fitted = calibrate(chambers(24, errors, 1), evaluations=25)
    scored = score_labels(chambers(40, errors, 2), fitted)
    inside = (scored["label"] >= scored["lower"]) & (scored["label"] <= scored["upper"])
    assert len(scored) > 500
    assert 0.86 <= inside.mean() <= 0.94
    assert (scored["upper"] - scored["lower"]).mean() <= 4


def test_calibration_finds_a_larger_slow_error():
    little = calibrate(chambers(12, Errors(fast=0.08, slow=0.05), 3), evaluations=30)
    much = calibrate(chambers(12, Errors(fast=0.08, slow=0.45), 3), evaluations=30)
    assert much.slow > 1.5 * little.slow


def test_every_chamber_is_scored_once_without_its_labels_in_the_fit():
    table = chambers(6, Errors(), 4)
    scored = leave_chamber_out(table, folds=3, shown=(0, 3), evaluations=8)
    none = scored[scored["shown"] == 0]
    assert len(none) == table["label"].notna().sum()
    assert none.groupby("chamber")["fold"].nunique().max() == 1
    assert len(scored[scored["shown"] == 3]) == len(none) - 3 * 6
    figures = summary(scored)
    assert {"n", "mae_frame", "mae_series", "better", "coverage", "width"} == set(figures.columns)
    assert figures.loc[3, "mae_series"] <= figures.loc[0, "mae_series"]


def test_shown_labels_are_spread_and_leave_some_to_score():
    table = chambers(2, Errors(every=10), 5)
    at = shown_labels(table, 5)
    first = table.loc[[i for i in at if table["chamber"][i] == "sim0000"], "frame"].to_numpy()
    assert len(first) == 5
    assert np.diff(first).min() >= 10
    few = table[table["frame"] <= 40]
    left = (
        few["label"].notna().groupby(few["chamber"]).sum()
        - few.loc[shown_labels(few, 99)].groupby("chamber").size()
    )
    assert (left == 2).all()


def test_shown_labels_are_not_scored_and_help():
    table = chambers(10, Errors(slow=0.4, memory=200), 6)
    alone, helped = score_labels(table, ErrorModel()), score_labels(table, ErrorModel(), shown=5)
    both = alone.merge(helped, on=["chamber", "frame"], suffixes=("", "_helped"))
    assert len(both) == len(helped)
    worse = (both["count"] - both["label"]).abs().mean()
    assert (both["count_helped"] - both["label"]).abs().mean() < 0.85 * worse


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_level_moves_the_interval(level):
    scored = score_labels(chambers(4, Errors(), 7), ErrorModel(level=level))
    inside = (scored["label"] >= scored["lower"]) & (scored["label"] <= scored["upper"])
    assert (inside == ((scored["surprise"] <= level) | (inside & (scored["lower"] == scored["upper"])))).all()
