"""Who is held out: whole chambers once each, few labels spread over time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twincell.data.manifest import Manifest
from twincell.data.splits import few_labels, leave_chamber_out, published
from twincell.errors import UserError


def make(bf: int = 8, pc: int = 13, frames: int = 20, every: int = 4, synthetic: int = 0) -> Manifest:
    """A table alone: splits never open an image."""
    rows = [
        {"image": f"{name}/{t}.png", "count": float(t) if t % every == 0 else np.nan, "split": "train"}
        | {"modality": name[:2], "origin": "natural", "chamber": name, "frame": t}
        for name in [f"bf-{i}" for i in range(bf)] + [f"pc-{i:02d}" for i in range(pc)]
        for t in range(frames)
    ]
    rows += [
        {
            "image": f"synthetic/{t}.png",
            "count": 3.0,
            "split": "train",
            "modality": "bf",
            "origin": "synthetic",
        }
        | {"chamber": "synthetic", "frame": t}
        for t in range(synthetic)
    ]
    return Manifest(pd.DataFrame(rows), Path("nowhere"))


@settings(max_examples=25, deadline=None)
@given(bf=st.integers(1, 6), pc=st.integers(1, 8), folds=st.integers(2, 5), seed=st.integers(0, 3))
def test_each_chamber_is_held_out_exactly_once(bf: int, pc: int, folds: int, seed: int) -> None:
    manifest = make(bf, pc, frames=4, synthetic=5)
    if folds > bf + pc:
        return
    result = leave_chamber_out(manifest, folds, seed)
    assert len(result) == folds
    held_out = np.stack([fold.held_out for fold in result])
    assert (held_out.sum(0) == manifest.natural).all()
    for fold in result:
        assert (fold.train == ~fold.held_out).all()
        assert fold.held_out.any()
        table = manifest.table
        assert not set(table["chamber"][fold.train]) & set(fold.chambers)
        assert sorted(table["chamber"][fold.held_out].unique()) == fold.chambers


@pytest.mark.parametrize("folds", [2, 3, 4, 7])
def test_folds_hold_about_as_many_chambers_of_each_modality(folds: int) -> None:
    result = leave_chamber_out(make(), folds, seed=1)
    for modality, chambers in (("bf", 8), ("pc", 13)):
        sizes = [sum(name.startswith(modality) for name in fold.chambers) for fold in result]
        assert max(sizes) - min(sizes) <= 1
        assert sum(sizes) == chambers
    sizes = [len(fold.chambers) for fold in result]
    assert max(sizes) - min(sizes) <= 1


def test_labels_are_balanced_where_chambers_differ() -> None:
    manifest = make(bf=6, pc=0, frames=60)
    for chamber, keep in zip(("bf-0", "bf-1", "bf-2"), (15, 14, 13), strict=True):
        rows = manifest.table.index[manifest.table["chamber"] == chamber]
        manifest.table.loc[rows, "count"] = np.where(np.arange(60) < keep, 1.0, np.nan)
    for chamber in ("bf-3", "bf-4", "bf-5"):
        rows = manifest.table.index[manifest.table["chamber"] == chamber]
        manifest.table.loc[rows, "count"] = np.where(np.arange(60) < 2, 1.0, np.nan)
    labels = [int(manifest.labelled[fold.held_out].sum()) for fold in leave_chamber_out(manifest, 3)]
    assert max(labels) - min(labels) <= 2


def test_the_seed_decides_the_deal() -> None:
    deals = [[fold.chambers for fold in leave_chamber_out(make(), 4, seed)] for seed in (0, 0, 1)]
    assert deals[0] == deals[1]
    assert deals[0] != deals[2]


@pytest.mark.parametrize("folds", [0, 1, 22])
def test_too_many_or_too_few_folds_are_refused(folds: int) -> None:
    with pytest.raises(UserError, match="21 chambers allow 2 to 21 folds"):
        leave_chamber_out(make(), folds)


def test_the_published_split_is_the_tables_own(imported: Path) -> None:
    manifest = Manifest.read(imported)
    fold = published(manifest)
    assert fold.train.sum() == 54
    assert fold.held_out.sum() == 18
    assert not (fold.train & fold.held_out).any()
    assert len(fold.chambers) == 6


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_k_labels_stay_in_each_chamber_spread_over_time(k: int) -> None:
    manifest = make(bf=3, pc=2, frames=40, every=2)
    kept = few_labels(manifest, k, seed=3)
    for _, part in kept.table.groupby("chamber"):
        frames = part.loc[part["count"].notna(), "frame"].to_numpy()
        assert len(frames) == k
        if k > 1:  # neighbours are k-ths of the recording apart, give or take the labels' own interval
            assert np.abs(np.diff(frames) - 40 / k).max() <= 2
    same = kept.labelled
    pd.testing.assert_series_equal(kept.table.loc[same, "count"], manifest.table.loc[same, "count"])
    assert len(kept) == len(manifest)


def test_k_labels_for_each_modality_come_from_all_its_chambers() -> None:
    kept = few_labels(make(bf=4, pc=5), 5, per="modality").table.query("count == count")
    assert kept.groupby("modality").size().to_dict() == {"bf": 5, "pc": 5}
    assert kept.query("modality == 'pc'")["chamber"].nunique() == 5


def test_all_labels_stay_with_none_or_a_large_k() -> None:
    manifest = make(bf=2, pc=1)
    for k in (None, 1000):
        pd.testing.assert_frame_equal(few_labels(manifest, k).table, manifest.table)


def test_other_splits_and_synthetic_labels_stay() -> None:
    manifest = make(bf=2, pc=0, synthetic=6)
    manifest.table.loc[manifest.table["frame"] >= 16, "split"] = "test"
    before = manifest.table["count"].copy()
    kept = few_labels(manifest, 0).table
    pd.testing.assert_series_equal(manifest.table["count"], before)  # the one given is left alone
    assert kept.loc[kept["split"] == "test", "count"].equals(before[kept["split"] == "test"])
    assert (kept.loc[kept["origin"] == "synthetic", "count"] == 3).all()
    assert kept.loc[(kept["origin"] == "natural") & (kept["split"] == "train"), "count"].isna().all()


def test_the_seed_moves_the_choice_and_nothing_else_does() -> None:
    manifest = make(bf=3, pc=0, frames=60, every=2)
    first, again, other = (few_labels(manifest, 2, seed).labelled for seed in (0, 0, 5))
    assert (first == again).all()
    assert (first != other).any()
    manifest.table.loc[manifest.table["chamber"] == "bf-0", "count"] = np.nan
    manifest.table.loc[0, "count"] = 1
    rest = (manifest.table["chamber"] != "bf-0").to_numpy()
    assert (few_labels(manifest, 2, 0).labelled[rest] == first[rest]).all()


def test_a_negative_number_of_labels_is_refused() -> None:
    with pytest.raises(UserError, match="k -1"):
        few_labels(make(1, 1), -1)
