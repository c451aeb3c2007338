"""Counts of whole time-lapses: better than the frame alone, deaf to bad frames, the same in any company."""

import numpy as np
import pandas as pd
import pytest

from twincell.errors import UserError
from twincell.series import ErrorModel, smooth, smooth_all
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table

SEEN = ["chamber", "frame", "count_frame"]


def cultures(n: int, seed: int = 0) -> list[Culture]:
    rng = np.random.default_rng(seed)
    return [
        Culture(
            division=rng.uniform(0.006, 0.018), start=int(rng.integers(1, 6)), lag=int(rng.choice([0, 80]))
        )
        for _ in range(n)
    ]


def error(table: pd.DataFrame, name: str) -> float:
    return float((table[name].round() - table["truth"]).abs().mean())


@pytest.mark.parametrize(
    ("fast", "slow", "gain"),
    [(0.02, 0.03, 0.0), (0.05, 0.1, 0.0), (0.15, 0.1, 0.25), (0.3, 0.15, 0.3), (0.4, 0.3, 0.2)],
)
def test_never_worse_than_the_frame_and_much_better_where_it_is_poor(fast, slow, gain):
    table = recordings_table(cultures(36, 0), Errors(fast=fast, slow=slow), 200, 1)
    read = smooth(table[SEEN]).assign(truth=table["truth"])
    assert error(read, "count") <= (1 - gain) * error(read, "count_frame")


def test_counted_frames_win_back_what_a_biased_model_loses():
    table = recordings_table(cultures(20, 5), Errors(fast=0.08, slow=0.35, memory=150), 250, 5)
    at = table.groupby("chamber")["frame"].transform(
        lambda frame: frame.isin(np.quantile(frame, [0.1, 0.3, 0.5, 0.7, 0.9], method="nearest"))
    )
    labelled = table[at].assign(count=table["truth"])[["chamber", "frame", "count"]]
    alone = smooth(table[SEEN]).assign(truth=table["truth"])[~at]
    helped = smooth(table[SEEN], counted=labelled).assign(truth=table["truth"])[~at]
    assert error(helped, "count") <= 0.7 * error(alone, "count")


def test_single_bad_frames_are_flagged_and_ignored():
    table = recordings_table([Culture(), Culture(start=12, division=0.004)], Errors(outlier=0.0), 200, 1)
    spoiled = table.copy()
    hit = spoiled["frame"].isin([30, 77, 120])
    spoiled.loc[hit, "count_frame"] = [0.0, 44.0, 31.0, 0.0, 44.0, 1.0][: hit.sum()]
    clean, read = smooth(table[SEEN]), smooth(spoiled[SEEN])
    assert (read.loc[hit, "flag"].str.contains("bad frame")).all()
    assert (read["count"] - clean["count"]).abs().max() < 1.0
    assert read.loc[~hit, "flag"].str.contains("bad frame").mean() < 0.01


def test_intervals_hold_the_count_and_widen_where_nothing_was_seen():
    table = recordings_table(cultures(4), Errors(), 200, 2)[SEEN]
    table.loc[table["frame"].between(80, 110), "count_frame"] = np.nan
    read = smooth(table)
    assert ((read["lower"] <= read["count"]) & (read["count"] <= read["upper"])).all()
    dark = read["frame"].between(85, 105)
    width = read["upper"] - read["lower"]
    assert width[dark].mean() > width[~dark].mean()
    assert (read.loc[dark, "flag"].str.contains("unreadable")).all()


def test_a_chamber_does_not_depend_on_its_company_or_on_row_order():
    table = recordings_table(cultures(5), Errors(), 150, 3)[SEEN]
    together = smooth(table)
    shuffled = smooth(table.sample(frac=1, random_state=0)).sort_index()
    pd.testing.assert_frame_equal(together, shuffled)
    one = table[table["chamber"] == "sim0003"]
    alone = smooth(one)
    pd.testing.assert_frame_equal(together.loc[one.index], alone, atol=1e-3)


def test_missing_frame_numbers_and_strides_are_gaps_in_time():
    table = recordings_table([Culture(division=0.01)], Errors(fast=0.03, slow=0.03), 300, 4)
    thinned = table[table["frame"] % 4 == 0]
    read = smooth(thinned[SEEN]).assign(truth=thinned["truth"])
    assert error(read, "count") < 0.5
    holed = table[~table["frame"].between(100, 140)]
    assert error(smooth(holed[SEEN]).assign(truth=holed["truth"]), "count") < 0.5
    far = table.assign(frame=np.where(table["frame"] > 100, table["frame"] + 1_000_000, table["frame"]))
    assert error(smooth(far[SEEN]).assign(truth=far["truth"]), "count") < 0.5


def test_frames_that_stand_twice_are_used_once():
    table = recordings_table([Culture()], Errors(outlier=0), 100, 6)[SEEN]
    doubled = pd.concat([table, table.iloc[[50]].assign(count_frame=33.0)], ignore_index=True)
    read, clean = smooth(doubled), smooth(table)
    assert "duplicate frame" in read["flag"].iloc[-1]
    assert read["count"].iloc[-1] == read["count"].iloc[50]
    assert np.allclose(read["count"].iloc[:-1], clean["count"])


def test_flags_say_why():
    table = recordings_table(
        [Culture(division=0.0, loss=0.0, start=9)], Errors(outlier=0, fast=0.05), 120, 7
    )[SEEN]
    table = table.assign(novelty=0.2, sharpness=100.0, image=[f"{i}.png" for i in range(len(table))])
    table.loc[20, "novelty"] = 1.7
    table.loc[33, "sharpness"] = 20.0
    table.loc[61, "count_frame"] = table.loc[60, "count_frame"]
    table.loc[90:, "count_frame"] = np.abs(table.loc[90:, "count_frame"] - 9)
    read = smooth(table)
    assert read["flag"][20] == "unlike training"
    assert read["flag"][33] == "out of focus"
    assert read["flag"][61] == "duplicate frame"
    assert read.loc[88:93, "flag"].str.contains("escaped").any()
    assert (read.loc[100:, "flag"] == "empty").all()
    assert (read.loc[40:55, "flag"] == "").all()
    full = table.assign(count_frame=table["count_frame"] + 26).iloc[:80]
    assert smooth(full)["flag"].str.contains("overfull").mean() > 0.9
    assert list(read["image"]) == list(table["image"])


def test_single_images_keep_their_own_count():
    table = pd.DataFrame(
        {"chamber": ["", np.nan, ""], "frame": [0, 0, 0], "count_frame": [3.2, 17.9, np.nan]}
    )
    read = smooth(table)
    assert list(read["count"][:2]) == [3.2, 17.9]
    assert (read["lower"] <= read["upper"]).all()
    assert read["flag"][2] == "unreadable"


def test_events_are_found_where_they_happened():
    truth = np.repeat([3, 4, 8, 9, 2], 40)
    rng = np.random.default_rng(8)
    estimate = truth + 0.05 * np.sqrt(truth + 1) * rng.normal(size=len(truth))
    read = smooth_all(pd.DataFrame({"chamber": "a", "frame": np.arange(1, 201), "count_frame": estimate}))
    found = [(event.kind, event.before, event.after) for event in read.events if event.probability > 0.8]
    assert found == [("division", 3, 4), ("division", 4, 8), ("division", 8, 9), ("escape", 9, 2)]
    frames = [event.frame for event in read.events if event.probability > 0.8]
    assert np.abs(np.array(frames) - [41, 81, 121, 161]).max() <= 2
    came_in = smooth_all(
        pd.DataFrame({"chamber": "a", "frame": np.arange(100), "count_frame": np.repeat([2.02, 14.01], 50)})
    )
    assert [event.kind for event in came_in.events] == ["influx"]


def test_same_seed_same_events():
    table = recordings_table(cultures(3), Errors(fast=0.2), 120, 9)[SEEN]
    for seed in (0, 1, 12345):
        assert smooth_all(table, seed=seed).events == smooth_all(table, seed=seed).events


def test_every_fault_is_named_at_once():
    with pytest.raises(UserError) as caught:
        smooth(pd.DataFrame({"chamber": ["a"], "count": [1]}))
    assert len(caught.value.problems) == 2
    bad = pd.DataFrame(
        {"chamber": ["a"] * 5, "frame": [1, 2.5, None, 4, 5], "count_frame": [1, "two", -3, np.inf, 2]}
    )
    with pytest.raises(UserError) as caught:
        smooth(bad)
    text = str(caught.value)
    for sign in ("'two'", "-3", "inf", "2.5", "blank"):
        assert sign in text
    with pytest.raises(UserError, match="no rows"):
        smooth(pd.DataFrame({"chamber": [], "frame": [], "count_frame": []}))


def test_counted_frames_must_exist_and_be_counts():
    table = recordings_table([Culture()], Errors(), 60, 1)[SEEN]
    labelled = pd.DataFrame({"chamber": ["sim0000"] * 3, "frame": [5, 5, 999], "count": [3, 3, 4]})
    with pytest.raises(UserError) as caught:
        smooth(table, counted=labelled)
    assert len(caught.value.problems) == 2
    with pytest.raises(UserError, match="'many'"):
        smooth(table, counted=labelled.assign(count=["many", 1, 2]))
    blank = labelled.assign(count=np.nan)
    pd.testing.assert_frame_equal(smooth(table, counted=blank), smooth(table))


def test_constants_change_what_comes_out():
    table = recordings_table(cultures(2), Errors(fast=0.2), 120, 9)[SEEN]
    narrow = smooth(table, errors=ErrorModel(level=0.5))
    wide = smooth(table, errors=ErrorModel(level=0.99))
    assert (wide["upper"] - wide["lower"]).mean() > (narrow["upper"] - narrow["lower"]).mean()
