"""Growth rates: near the truth, with limits that hold it; phases found; chambers that do not grow named."""

import numpy as np
import pytest

from twincell.series import fit_growth, growth, smooth
from twincell.series.growth.phases import find_phases
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table, true_counts


def counts(culture: Culture, frames: int, seed: int) -> np.ndarray:
    return true_counts(culture, frames, np.random.default_rng([seed, 11])).astype(float)


def fits(culture: Culture, frames: int, n: int):
    series = [counts(culture, frames, seed) for seed in range(n)]
    return [fit_growth(np.arange(len(c), dtype=float), c) for c in series if len(c) >= 20]


def test_an_exact_exponential_gives_its_rate_and_doubling_time():
    time = np.arange(0, 60, 0.5)
    found = fit_growth(time, 3 * np.exp(0.03 * time))
    assert found.rate == pytest.approx(0.03, rel=1e-6)
    assert found.doubling == pytest.approx(np.log(2) / 0.03, rel=1e-6)
    assert found.doubling_low < found.doubling < found.doubling_high
    assert found.verdict == "growing"
    assert found.fold == pytest.approx(np.exp(0.03 * time[-1]), rel=1e-6)
    assert found.rate_whole == pytest.approx(found.rate)


def test_limits_hold_the_rate_of_the_process_in_most_chambers():
    found = fits(Culture(division=0.012, loss=0.002), 300, 150)
    held = np.mean([f.rate_low <= 0.010 <= f.rate_high for f in found])
    assert 0.88 <= held <= 0.99
    assert np.median([f.rate for f in found]) == pytest.approx(0.010, rel=0.1)


def test_the_rate_does_not_depend_on_the_unit_of_time():
    c = counts(Culture(), 200, 3)
    frames, hours = np.arange(len(c), dtype=float), np.arange(len(c)) / 3
    a, b = fit_growth(frames, c), fit_growth(hours, c)
    assert b.rate == pytest.approx(3 * a.rate)
    assert b.rate_high == pytest.approx(3 * a.rate_high)
    assert b.verdict == a.verdict


@pytest.mark.parametrize("seed", range(4))
def test_smoothed_counts_give_the_rate_of_the_true_counts(seed):
    cultures = [Culture(division=0.014 + 0.002 * i, start=2 + i) for i in range(5)]
    table = recordings_table(cultures, Errors(fast=0.15, slow=0.15), 260, seed)
    read = smooth(table[["chamber", "frame", "count_frame"]])
    near = []
    for _, rows in read.groupby("chamber"):
        frames = rows["frame"].to_numpy(float)
        truth = fit_growth(frames, table.loc[rows.index, "truth"].to_numpy(float))
        if truth.verdict == "growing":
            near.append(abs(fit_growth(frames, rows["count"].to_numpy()).rate / truth.rate - 1) <= 0.1)
    assert np.mean(near) >= 0.8


def test_chambers_that_do_not_grow_are_named():
    still = [f.verdict for f in fits(Culture(division=0.001, loss=0.001), 400, 40)]
    assert still.count("not growing") + still.count("shrinking") >= 30
    assert still.count("growing") <= 1
    assert all(f.verdict == "growing" for f in fits(Culture(division=0.015, loss=0.0, start=4), 250, 25))
    dying = fits(Culture(division=0.0, loss=0.01, start=25), 250, 10)
    assert {f.verdict for f in dying} == {"shrinking"}


def test_nothing_and_little_to_fit_is_said():
    few = fit_growth(np.arange(3.0), np.array([1.0, 2.0, 3.0]))
    assert few.verdict == "too short"
    assert np.isnan(few.rate)
    empty = fit_growth(np.arange(50.0), np.zeros(50))
    assert (empty.verdict, empty.reason) == ("not growing", "no cells")
    constant = fit_growth(np.arange(50.0), np.full(50, 4.0))
    assert constant.verdict == "not growing"
    assert constant.rate == pytest.approx(0, abs=1e-9)
    assert fit_growth(np.zeros(0), np.zeros(0)).verdict == "too short"


def test_lag_and_plateau_are_found():
    t = np.arange(330.0)
    lagged = np.where(t < 200, 4.0, 4 * np.exp(0.015 * (t - 200)))
    phases = find_phases(t, lagged)
    assert phases.lag
    assert not phases.plateau
    assert phases.start == pytest.approx(200, abs=15)
    levelled = np.minimum(3 * np.exp(0.016 * t), 20)
    phases = find_phases(t, levelled)
    assert phases.plateau
    assert not phases.lag
    assert phases.end == pytest.approx(np.log(20 / 3) / 0.016, abs=15)
    found = fit_growth(t, lagged)
    assert found.rate == pytest.approx(0.015, rel=0.1)
    assert found.rate_whole < 0.9 * found.rate
    assert "after a lag" in found.reason


def test_no_phases_are_invented():
    found = fits(Culture(division=0.012, loss=0.001, start=4), 300, 60)
    assert np.mean([f.phases.lag or f.phases.plateau for f in found]) <= 0.1


def test_jumps_are_no_growth():
    t = np.arange(240.0)
    flushed = np.where(t < 20, 2.0, 14.0) * np.exp(0.002 * t)
    found = fit_growth(t, flushed)
    assert len(found.phases.influx) == 1
    assert found.phases.influx[0] == pytest.approx(20, abs=8)
    assert found.rate == pytest.approx(0.002, rel=0.15)
    escaped = 8 * np.exp(0.008 * t) * np.where(t < 150, 1.0, 0.25)
    found = fit_growth(t, escaped)
    assert len(found.phases.escape) == 1
    assert found.rate == pytest.approx(0.008, rel=0.15)
    assert "cells escaped" in found.reason


def test_the_table_has_one_row_per_chamber_in_one_unit():
    table = recordings_table([Culture(), Culture(division=0.0, loss=0.0)], Errors(), 220, 1)
    table["time_h"] = table["frame"] / 3
    found = growth(table[["chamber", "frame", "time_h", "count_frame"]])
    assert list(found["chamber"]) == ["sim0000", "sim0001"]
    assert set(found["unit"]) == {"h"}
    assert found["verdict"].tolist() == ["growing", "not growing"]
    assert found["survival"].between(0, 1).all()
    per_frame = growth(table[["chamber", "frame", "count_frame"]])
    assert set(per_frame["unit"]) == {"frame"}
    assert np.allclose(found["rate"], 3 * per_frame["rate"], rtol=1e-6, atol=1e-9)


def test_frames_flagged_overfull_take_no_part():
    table = recordings_table([Culture(division=0.02, start=6, full=60)], Errors(fast=0.03, slow=0.02), 300, 2)
    read = smooth(table[["chamber", "frame", "count_frame"]])
    over = read["flag"].str.contains("overfull")
    assert over.any()
    spoiled = read.assign(count=read["count"].where(~over, 500.0))
    assert growth(spoiled)["rate"][0] == pytest.approx(growth(read)["rate"][0])
