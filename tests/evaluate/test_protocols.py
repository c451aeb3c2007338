"""Protocols: who is trained on, who is measured, and that no label leaks."""

import numpy as np
import pandas as pd
import pytest

from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.protocols import chambers_out, label_noise, published, with_labels


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    """Two modalities, 8 chambers each, 20 frames, every second counted; the last five are test."""
    rows = [
        {
            "image": f"{modality}{chamber}-{frame}.png",
            "count": float(1 + frame) if frame % 2 == 0 and frame < 15 else np.nan,
            "split": "train" if frame < 15 else "test",
            "modality": modality,
            "origin": "natural",
            "chamber": f"{modality}-{chamber}",
            "frame": frame,
        }
        for modality in ("bf", "pc")
        for chamber in range(8)
        for frame in range(20)
    ]
    return Manifest(pd.DataFrame(rows), tmp_path)


def test_every_chamber_is_held_out_once_and_never_learned_from(manifest: Manifest) -> None:
    trials = chambers_out(manifest, "bf", seed=3)
    assert len(trials) == 8
    held: list[str] = []
    for trial in trials:
        table = trial.manifest.table
        assert set(table["modality"]) == {"bf"}
        test, train = table[table["split"] == "test"], table[table["split"] == "train"]
        assert not set(test["chamber"]) & set(train["chamber"])
        assert len(test) == 20 * test["chamber"].nunique()  # its unlabelled and test frames are counted too
        assert train["frame"].max() < 15
        held += sorted(set(test["chamber"]))
    assert sorted(held) == [f"bf-{i}" for i in range(8)]


def test_folds_do_not_change_with_the_seed(manifest: Manifest) -> None:
    first, second = (chambers_out(manifest, "pc", seed) for seed in (0, 1))
    for a, b in zip(first, second, strict=True):
        assert a.manifest.table.equals(b.manifest.table)
        assert a.name != b.name


def test_a_seed_that_keeps_no_label_aside_is_refused(manifest: Manifest) -> None:
    table = manifest.table.assign(count=manifest.table["count"].where(manifest.table["frame"] < 5))
    few = Manifest(table, manifest.root)  # three labels to a chamber: frames 0, 2 and 4
    for seed, frame in ((0, 2), (1, 4), (3, 0)):
        own = published(few, "pc", seed)[0].manifest.table
        aside = own[(own["split"] == "test") & own["count"].notna()]
        assert len(aside) == 8
        assert set(aside["frame"]) == {frame}
    with pytest.raises(UserError, match=r"seed 2: .* numbers 4, 8, .* no chamber has more than 3;"):
        published(few, "pc", 2)


@pytest.mark.parametrize("k", [0, 5, 20, None])
def test_only_k_labels_are_left_to_learn_from(manifest: Manifest, k: int | None) -> None:
    for trial in with_labels(manifest, "pc", seed=0, k=k):
        table = trial.manifest.table
        train, test = table[table["split"] == "train"], table[table["split"] == "test"]
        assert train["count"].notna().sum() == (len(train) // 15 * 8 if k is None else k)
        assert test["count"].notna().sum() == 8 * test["chamber"].nunique()


def test_withheld_test_labels_are_replaced_by_interleaved_ones(manifest: Manifest) -> None:
    (trial,) = published(manifest, "bf", seed=0)
    assert trial.protocol == "interleaved"
    table = trial.manifest.table
    aside = table[(table["split"] == "test") & table["count"].notna()]
    assert len(aside) == 8 * 2
    assert set(aside["chamber"]) == set(table["chamber"])
    table = manifest.table.copy()
    table.loc[table["frame"] == 16, "count"] = 5.0
    (trial,) = published(Manifest(table, manifest.root), "bf", seed=0)
    assert trial.protocol == "published"
    assert trial.manifest.table["split"].eq("test").sum() == 8 * 5


def test_an_unknown_modality_is_refused(manifest: Manifest) -> None:
    with pytest.raises(UserError, match="fluorescence"):
        published(manifest, "fluorescence", 0)


@pytest.mark.parametrize("std", [0.3, 0.6])
def test_label_noise_is_recovered(std: float) -> None:
    rng = np.random.default_rng(0)
    frames = np.arange(0, 3000, 10)
    table = pd.DataFrame(
        {"chamber": "a", "frame": frames, "count": 5 + frames / 300 + rng.normal(0, std, len(frames))}
    )
    found = label_noise(table)
    assert found["std"] == pytest.approx(std, rel=0.1)
    simulated = np.abs(np.rint(rng.normal(0, std, 200_000)))
    assert found["accuracy"] == pytest.approx(100 * (simulated == 0).mean(), abs=5)
    assert found["mae"] == pytest.approx(simulated.mean(), abs=0.06)
