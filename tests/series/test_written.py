"""What is written of a frame: the interval that is measured is the one that stands in counts.csv."""

import numpy as np
import pandas as pd
import pytest

from twincell.series import ErrorModel, score_labels, smooth
from twincell.series.smoothing.chamber import chamber_series
from twincell.series.smoothing.intervals import extra_cells, label_probability, needed, written
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table
from twincell.series.smoothing.table import with_counted
from twincell.series.smoothing.written import levels


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    rng = np.random.default_rng(3)
    middle, width = rng.uniform(1, 28, 200)[:, None], rng.uniform(0.3, 2, (200, 1))
    state = np.exp(-0.5 * ((np.arange(61) - middle) / width) ** 2)
    return label_probability((state / state.sum(1, keepdims=True)).astype(np.float32), 0.15)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    made = [Culture(division=0.012, start=4), Culture(division=0.008, start=6)]
    return recordings_table(made, Errors(fast=0.1, slow=0.2, every=5), 120, 1)


@pytest.mark.parametrize("extra", [0, 2])
@pytest.mark.parametrize("level", [0.2, 0.7])
def test_an_interval_holds_a_label_exactly_where_its_level_suffices(
    labels: np.ndarray, level: float, extra: int
) -> None:
    mean, more = labels @ np.arange(61), np.full(200, extra)
    lower, upper = written(labels, level, mean, more)
    counts = np.arange(61)
    inside = (counts >= lower[:, None]) & (counts <= upper[:, None])
    assert (inside == (needed(labels, mean, more) <= level)).mean() > 0.998
    assert ((lower <= np.floor(mean)) & (upper >= np.ceil(mean))).all()


def test_what_is_scored_is_what_is_written(table: pd.DataFrame) -> None:
    scored = score_labels(table, ErrorModel())
    found = smooth(table[["chamber", "frame", "count_frame"]])
    both = scored.merge(found, on=["chamber", "frame"], suffixes=("", "_written"))
    assert len(both) == len(scored)
    for name in ("lower", "upper"):
        assert (both[name] == both[f"{name}_written"]).all()
    assert both["count"].round(3).tolist() == both["count_written"].tolist()


def test_doubt_widens_an_interval_and_moves_no_count(table: pd.DataFrame) -> None:
    seen = table[["chamber", "frame", "count_frame"]]
    sure, unsure = smooth(seen.assign(novelty=0.3)), smooth(seen.assign(novelty=3.0))
    assert sure["count"].equals(unsure["count"])
    assert smooth(seen)[["lower", "upper"]].equals(sure[["lower", "upper"]])
    wider = (unsure["upper"] - unsure["lower"]) - (sure["upper"] - sure["lower"])
    assert wider.min() >= 3
    assert unsure["flag"].str.startswith("unlike training").all()
    assert (extra_cells(np.array([8.0]), np.array([6.0])) == 9).all()  # 0.6 * 5 * 3


def test_a_chambers_own_labels_say_how_wide_its_intervals_are(table: pd.DataFrame) -> None:
    errors = ErrorModel()
    rng = np.random.default_rng(0)
    known = table[table["label"].notna()].rename(columns={"label": "count"})[["chamber", "frame", "count"]]
    good = known.assign(count=known["count"])
    bad = known.assign(count=(known["count"] + rng.choice([-4, 4], len(known))).clip(lower=0))
    two = known.groupby("chamber").head(2)

    def found(counted: pd.DataFrame) -> list[float]:
        return levels(chamber_series(with_counted(table.drop(columns="label"), counted), errors), errors)

    assert found(two) == [errors.level_for(2)] * 2
    assert max(found(bad)) <= 1.0
    assert min(found(bad)) > max(*found(good), errors.level_for(9))


def test_the_best_count_takes_a_share_of_what_the_frame_says(table: pd.DataFrame) -> None:
    seen = table[["chamber", "frame", "count_frame"]]
    plain, mixed = smooth(seen, errors=ErrorModel(frame_share=0.0)), smooth(seen)
    moved = mixed["count"] - plain["count"]
    assert moved.abs().max() <= 0.5 + 1e-3
    assert moved.std() > 0
    away = (seen["count_frame"] - plain["count"]).to_numpy()
    near = np.abs(away) < 0.5  # a frame far off is not believed
    assert np.corrcoef(moved[near], away[near])[0, 1] > 0.5
