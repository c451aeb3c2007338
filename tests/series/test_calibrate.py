"""Constants from labelled chambers: worth it on chambers left out, intervals that hold 90 %."""

import numpy as np
import pytest

from twincell.series import ErrorModel, score_each, score_labels, summary, without_each
from twincell.series.smoothing.calibrate import calibrate, shown_labels, try_constants
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table


def chambers(n: int, errors: Errors, seed: int):
    rng = np.random.default_rng(seed)
    made = [Culture(division=rng.uniform(0.006, 0.018), start=int(rng.integers(1, 6))) for _ in range(n)]
    return recordings_table(made, errors, 160, seed)


@pytest.mark.slow
def test_calibrated_intervals_hold_90_percent_of_new_chambers_labels():
    errors = Errors(fast=0.12, slow=0.25, every=8)
    fitted = calibrate(chambers(20, errors, 1), points=8)
    scored = score_labels(chambers(40, errors, 2), fitted)
    inside = (scored["label"] >= scored["lower"]) & (scored["label"] <= scored["upper"])
    assert len(scored) > 500
    assert 0.86 <= inside.mean() <= 0.94
    assert (scored["upper"] - scored["lower"]).mean() <= 4


@pytest.mark.slow
def test_calibration_finds_a_larger_slow_error():
    little = calibrate(chambers(8, Errors(fast=0.08, slow=0.05), 3), points=16)
    much = calibrate(chambers(8, Errors(fast=0.08, slow=0.45), 3), points=16)
    assert much.slow > 1.1 * little.slow


@pytest.mark.slow
def test_a_chamber_has_no_part_in_its_own_constants():
    table = chambers(5, Errors(slow=0.4, memory=200), 4)
    found = without_each(table, points=8)
    other = table.assign(label=table["label"].where(table["chamber"] != "sim0002", table["label"] + 9))
    again = without_each(other, points=8)
    assert again["sim0002"] == found["sim0002"]
    assert again["sim0000"].level > found["sim0000"].level
    tried = try_constants(table, points=8)
    assert tried.scores.shape == (8, 5)
    assert tried.best() != tried.start


def test_every_label_is_scored_once_and_summed_up():
    table = chambers(6, Errors(slow=0.4, memory=200), 4)
    scored = score_each(table, {name: ErrorModel() for name in table["chamber"].unique()}, shown=(0, 3))
    none = scored[scored["shown"] == 0]
    assert len(none) == table["label"].notna().sum()
    assert len(scored[scored["shown"] == 3]) == len(none) - 3 * 6
    figures = summary(scored)
    columns = ["n", "mae_frame", "mae_series", "better", "coverage", "width", "mae_none", "helped"]
    assert list(figures.columns) == columns
    assert figures.loc[3, "mae_series"] < figures.loc[3, "mae_none"]
    assert figures.loc[0, "helped"] == 0
    right = summary(scored.assign(alone=scored["label"]))
    assert right.loc[0, "mae_frame"] == 0


def test_intervals_have_a_level_of_their_own_where_frames_were_counted():
    errors = ErrorModel(level=0.9, level_counted=0.5)
    assert [errors.level_for(k) for k in (0, 5, 9)] == [0.9, 0.5, 0.5]
    assert 0.5 < errors.level_for(2) < 0.9


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
