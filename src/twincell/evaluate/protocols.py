"""The three ways a counting method is measured, each a list of independent trials.

- `published`: learn from split train, measure on the labels of split test. Test frames stand a few frames
  from labelled ones of the same chamber, so these figures flatter. Where the test labels are withheld,
  every fourth label of each training chamber is kept aside instead: as leaky as the published split, and
  named so.
- `leave-chamber-out`: whole chambers are held out, each exactly once; measured on their labels.
- `labels`: leave-chamber-out with only k labels, evenly over time, left among all training chambers.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from twincell.data.manifest import Manifest
from twincell.data.splits import few_labels, leave_chamber_out
from twincell.errors import UserError

FOLDS = {"bf": 8, "pc": 4}
"""Chambers of bright field differ more, and there are few: each is a fold of its own."""
SHOTS: tuple[int | None, ...] = (0, 5, 10, 20, 50, None)
"""Labels in the protocol `labels`; None = all."""
KEPT_ASIDE = 4


@dataclass(frozen=True)
class Trial:
    """One training and what it is measured on.

    Attributes:
        protocol: published, interleaved, leave-chamber-out or labels.
        modality: of all its images.
        k: labels left in training, None = all.
        fold: number of the division, from 0.
        seed: of the division of labels and of training.
        manifest: split train is learned from, split test is counted; labelled test rows are measured.
    """

    protocol: str
    modality: str
    k: int | None
    fold: int
    seed: int
    manifest: Manifest

    @property
    def name(self) -> str:
        """A folder's name for the trial."""
        labels = "" if self.protocol != "labels" else f"-k{'all' if self.k is None else self.k}"
        return f"{self.protocol}-{self.modality}{labels}-fold{self.fold}-seed{self.seed}"


def published(manifest: Manifest, modality: str, seed: int) -> list[Trial]:
    """One trial on the manifest's own split, or on interleaved labels where the test split has none.

    Raises:
        UserError: when no chamber has labels enough for one to be kept aside with this seed.
    """
    own = of_modality(manifest, modality)
    test = (own.table["split"] == "test").to_numpy()
    if own.labelled[test].any():
        return [Trial("published", modality, None, 0, seed, own)]
    table = own.table.copy()
    counted = table[own.labelled & ~test].sort_values(["chamber", "frame"])
    place = counted.groupby("chamber").cumcount().to_numpy()
    first = (seed + 1) % KEPT_ASIDE
    aside = counted.index[place % KEPT_ASIDE == first]
    if not len(aside):
        raise UserError(
            f"modality {modality}, seed {seed}: of each chamber's labels numbers {first + 1}, "
            f"{first + 1 + KEPT_ASIDE}, ... are measured, and no chamber has more than "
            f"{place.max(initial=-1) + 1}; count more frames, or choose other seeds "
            "or the protocol leave-chamber-out"
        )
    table.loc[aside, "split"] = "test"
    return [Trial("interleaved", modality, None, 0, seed, Manifest(table, own.root))]


def chambers_out(manifest: Manifest, modality: str, seed: int, folds: int | None = None) -> list[Trial]:
    """A trial per fold; folds are the same for every seed, so that seeds differ by training alone."""
    own = of_modality(manifest, modality)
    number = folds or min(FOLDS.get(modality, 4), own.table["chamber"].nunique())
    trials = []
    for i, fold in enumerate(leave_chamber_out(own, number)):
        table = own.table.copy()
        learned = fold.train & (table["split"] == "train").to_numpy()
        table["split"] = np.where(fold.held_out, "test", np.where(learned, "train", "unused"))
        kept = Manifest(table[table["split"] != "unused"].reset_index(drop=True), own.root)
        trials.append(Trial("leave-chamber-out", modality, None, i, seed, kept))
    return trials


def with_labels(
    manifest: Manifest, modality: str, seed: int, k: int | None, folds: int | None = None
) -> list[Trial]:
    """Leave-chamber-out with k labels in all training chambers together."""
    return [
        replace(trial, protocol="labels", k=k, manifest=few_labels(trial.manifest, k, seed, per="modality"))
        for trial in chambers_out(manifest, modality, seed, folds)
    ]


def of_modality(manifest: Manifest, modality: str) -> Manifest:
    """The natural images of one modality.

    Raises:
        UserError: when there is none.
    """
    mask = manifest.natural & (manifest.table["modality"] == modality).to_numpy()
    if not mask.any():
        there = ", ".join(sorted(manifest.table["modality"].unique()))
        raise UserError(f"modality {modality!r}: the manifest has no natural image of it, only {there}")
    chosen = manifest.select(mask)
    return Manifest(chosen.table.reset_index(drop=True), manifest.root)


def label_noise(table: pd.DataFrame, gap: int = 15) -> dict[str, float]:
    """How far the counters themselves scatter: each label against the line through its two neighbours.

    With neighbours a and b of a label at shares w and 1 - w of the way, the residual's variance is
    (1 + w^2 + (1 - w)^2) times that of one label, if cells neither divided nor left in between; as they do,
    the figure is an upper bound of the noise, and the accuracy computed from it a lower bound of the best
    reachable one.

    Args:
        table: manifest rows (`chamber, frame, count`); unlabelled ones are skipped.
        gap: largest distance in frames of a label from either neighbour.

    Returns:
        `labels`: triples used; `std`: of one label in cells; `accuracy`: percent of labels that a reader of
        the true count would meet exactly if the scatter were normal; `mae`: of that reader, in cells.
    """
    from scipy.stats import norm

    scaled = []
    for _, rows in table[table["count"].notna()].groupby("chamber"):
        ordered = rows.sort_values("frame")
        frame, count = ordered["frame"].to_numpy(float), ordered["count"].to_numpy(float)
        before, after = frame[1:-1] - frame[:-2], frame[2:] - frame[1:-1]
        w = before / (before + after)
        residual = count[1:-1] - ((1 - w) * count[:-2] + w * count[2:])
        near = (before <= gap) & (after <= gap)
        scaled.append((residual / np.sqrt(1 + w**2 + (1 - w) ** 2))[near])
    values = np.concatenate(scaled) if scaled else np.empty(0)
    std = float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")
    steps = np.arange(1, 30)
    beyond = 2 * norm.sf((steps - 0.5) / std)  # chance that the label is at least so many cells off
    return {
        "labels": float(len(values)),
        "std": std,
        "accuracy": 100 * float(1 - beyond[0]),
        "mae": float(beyond.sum()),
    }
