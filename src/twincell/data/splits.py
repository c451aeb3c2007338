"""Who is trained on and who is held out: the published split, whole chambers, a few labels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from twincell.data.manifest import Manifest
from twincell.errors import UserError


@dataclass(frozen=True)
class Fold:
    """One division of a manifest's rows.

    Attributes:
        train: (N,) bool, rows to learn from.
        held_out: (N,) bool, rows never learned from.
        chambers: the chambers that have held-out rows.
    """

    train: np.ndarray
    held_out: np.ndarray
    chambers: list[str]


def published(manifest: Manifest) -> Fold:
    """The division the manifest's own `split` column gives: train against test; val rows are in neither.

    In the published CHO-K1 data a test frame lies a few frames from a labelled training frame of the same
    chamber, so figures on it flatter; give those of `leave_chamber_out` beside them.
    """
    split = manifest.table["split"].to_numpy()
    held_out = split == "test"
    return Fold(split == "train", held_out, sorted(manifest.table["chamber"][held_out].unique()))


def leave_chamber_out(manifest: Manifest, folds: int, seed: int = 0) -> list[Fold]:
    """Folds over whole chambers: each natural chamber is held out exactly once.

    Chambers of each modality are dealt out so that folds hold about the same number of labelled images of
    each modality. Synthetic images are in every fold's train part. Every row given takes part: select the
    rows first (`manifest.select("train")`) where test labels must stay unseen.

    Args:
        manifest: N rows.
        folds: how many, from 2 to the number of natural chambers.
        seed: which of the equally good deals.

    Raises:
        UserError: when there are fewer chambers than folds, or fewer than two folds.
    """
    table = manifest.table[manifest.natural]
    chambers = table["chamber"].nunique()
    if not 2 <= folds <= chambers:
        raise UserError(f"folds {folds}: {chambers} chambers allow 2 to {chambers} folds; choose among these")
    members: list[list[str]] = [[] for _ in range(folds)]
    rng = np.random.default_rng(seed)
    for _, part in _first_modality(table).groupby("modality", sort=True):
        _deal(part, members, rng)
    result = []
    for names in members:
        held_out = manifest.natural & manifest.table["chamber"].isin(names).to_numpy()
        result.append(Fold(~held_out, held_out, sorted(names)))
    return result


def few_labels(
    manifest: Manifest, k: int | None, seed: int = 0, per: Literal["chamber", "modality"] = "chamber"
) -> Manifest:
    """The manifest with only `k` counts left among the natural training rows of each chamber or modality.

    The counts that stay are spread evenly over time (and over chambers, where counted per modality); all
    other counts of the train split are blanked. Other splits and synthetic rows keep theirs.

    Args:
        manifest: N rows.
        k: labels to keep, from 0; None keeps all.
        seed: shifts the regular choice along time.
        per: whether `k` counts for each chamber or for each modality.

    Raises:
        UserError: when `k` is negative.
    """
    if k is not None and k < 0:
        raise UserError(f"k {k}: cannot keep fewer than 0 labels; give 0 or more")
    table = manifest.table.copy()
    rng = np.random.default_rng(seed)
    eligible = table[manifest.natural & manifest.labelled & (table["split"] == "train").to_numpy()]
    groups = ["modality"] if per == "modality" else ["modality", "chamber"]
    for _, part in eligible.groupby(groups, sort=True):
        # Drawn for each group, also where nothing is blanked: one group's labels never move another's choice.
        shift = rng.random()
        if k is not None and k < len(part):
            ordered = part.sort_values(["chamber", "frame"]).index.to_numpy()
            keep = ordered[((np.arange(k) + shift) * len(part) / max(k, 1)).astype(int)]
            table.loc[np.setdiff1d(ordered, keep), "count"] = np.nan
    return Manifest(table, manifest.root)


def _first_modality(table: pd.DataFrame) -> pd.DataFrame:
    """Chamber, modality and number of labels; a chamber seen in two modalities is dealt once."""
    return (
        table.groupby("chamber", sort=True)
        .agg(modality=("modality", "min"), labels=("count", "count"))
        .reset_index()
    )


def _deal(part: pd.DataFrame, members: list[list[str]], rng: np.random.Generator) -> None:
    """Adds one modality's chambers to the folds, those with most labels first, each to the emptiest fold."""
    order = rng.permutation(len(part))
    part = part.iloc[order].sort_values("labels", ascending=False, kind="stable")
    dealt = [0] * len(members)
    labels = [0] * len(members)
    for chamber, count in zip(part["chamber"], part["labels"], strict=True):
        # Equal numbers of chambers first, then of labels, then of chambers over all modalities, so that the
        # odd ones of several modalities do not all land in fold 0.
        fold = min(range(len(members)), key=lambda i: (dealt[i], labels[i], len(members[i])))
        members[fold].append(chamber)
        dealt[fold] += 1
        labels[fold] += count
