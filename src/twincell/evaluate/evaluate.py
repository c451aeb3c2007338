"""A model against the labels of one split of a manifest, each frame counted from its image alone."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell.data.manifest import Manifest
from twincell.data.modality import others
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.evaluate.baselines import constant_median, time_interpolation
from twincell.evaluate.metrics import Scores, score
from twincell.models.base.file import LoadedModel, ModelCard
from twincell.models.base.sizes import found_diameters, predict_each
from twincell.progress import bar
from twincell.words import number

SPLITS = ("train", "val", "test", "all")
BASELINES = {"constant median": constant_median, "time interpolation": time_interpolation}


@dataclass(frozen=True)
class Evaluation:
    """What one model scores on one split.

    Attributes:
        card: the model's.
        split: train, val, test or all.
        scores: the model's figures.
        baselines: the figures of counting without images, by name; empty where not asked for.
        frames: one row per labelled frame, the manifest's columns with `predicted` (raw cells), `std` (cells,
            NaN where the model gives none) and `novelty` (above 1 unlike training, NaN where it gives none).
        root: the folder that the images of `frames` are relative to.
        notes: what a reader of the figures must know.
    """

    card: ModelCard
    split: str
    scores: Scores
    baselines: dict[str, Scores]
    frames: pd.DataFrame
    root: Path
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The figures of `Scores.as_json`, with `baselines` by name where asked for."""
        extra = {name: scores.as_json() for name, scores in self.baselines.items()}
        return {**self.scores.as_json(), **({"baselines": extra} if extra else {})}


def evaluate(
    model: LoadedModel,
    manifest: Manifest,
    split: str | None = "test",
    baselines: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Counts the labelled frames of a split and measures them; cells are scaled as `twincell count` does it.

    `seconds` is the time the model took over the images once they were read. The baselines learn from the
    labelled rows of the train split, and are left out where these are the ones that are measured.

    Args:
        model: from `load_model`.
        manifest: its counts are the truth; frames without one are not looked at.
        split: train, val, test or all; None: what is counted of test, else of val, else all.
        baselines: measure counting without images too.
        progress: show a bar on stderr.

    Raises:
        UserError: an unknown split, no label in it, images that cannot be read.
    """
    said: list[str] = []
    if split is None:
        split, why = split_to_measure(manifest, model.card)
        said = [why]
    asked = labelled_rows(manifest, split)
    store = ImageStore.load(asked, progress=progress)
    start = time.perf_counter()
    with bar(progress) as shown:
        task = shown.add_task("counting", total=len(store), note="")
        images, words = store.whole(), asked.table["modality"].tolist()
        diameters = found_diameters(model, images, words, store.spec)
        prediction = predict_each(
            model, images, diameters, progress=lambda n: shown.advance(task, n), spec=store.spec
        )
    seconds = time.perf_counter() - start

    table = asked.table.copy()
    truth, chambers = table["count"].to_numpy(), table["chamber"].tolist()
    table["predicted"] = prediction.count.numpy().astype(np.float64)
    for name, values in (("std", prediction.std), ("novelty", prediction.novelty)):
        table[name] = np.nan if values is None else values.numpy().astype(np.float64)
    found, notes = _baselines(manifest, split, asked.table) if baselines else ({}, [])
    return Evaluation(
        card=model.card,
        split=split,
        scores=score(table["predicted"].to_numpy(), truth, chambers, seconds),
        baselines=found,
        frames=table,
        root=manifest.root,
        notes=said + notes + _notes(model.card, table),
    )


def split_to_measure(manifest: Manifest, card: ModelCard) -> tuple[str, str]:
    """The rows to measure on where nobody says which, and one sentence on the choice.

    Rows of split test are there to be measured; without any, those of val; else all that are counted, which
    flatter a model that learned from them.
    """
    counts = manifest.table[manifest.labelled]["split"].value_counts().to_dict()
    for split in ("test", "val"):
        if counts.get(split):
            return split, f"measured on the {number(counts[split], 'counted image')} of split {split}"
    total = number(sum(counts.values()), "counted image")
    flatter = "; if the model learned from them, the figures flatter" if card.data.labelled else ""
    return "all", f"no split test or val: measured on all {total}{flatter}"


def labelled_rows(manifest: Manifest, split: str) -> Manifest:
    """The rows of a split that have a count.

    Raises:
        UserError: an unknown split, or one without rows or without labels.
    """
    if split not in SPLITS:
        raise UserError(f"split {split!r} is unknown; use one of {', '.join(SPLITS)}")
    rows = manifest if split == "all" else manifest.select(split)
    asked = rows.select(rows.labelled)
    if not len(asked):
        counts = manifest.table[manifest.labelled]["split"].value_counts()
        elsewhere = ", ".join(f"{name} has {n}" for name, n in counts.items()) or "no split has any"
        raise UserError(
            f"{manifest.root}: the manifest's split {split!r} has {len(rows)} images but no count to measure "
            f"against ({elsewhere}); fill in some counts, or choose another --split"
        )
    return asked


def _baselines(manifest: Manifest, split: str, asked: pd.DataFrame) -> tuple[dict[str, Scores], list[str]]:
    """The figures of counting without images, or a note why there are none."""
    known = manifest.select("train").table
    if split in ("train", "all") or not known["count"].notna().any():
        why = (
            "no row of it has a count" if split not in ("train", "all") else "here they are the ones measured"
        )
        return {}, [f"no baselines: they learn from the counts of split train, and {why}"]
    truth, chambers = asked["count"].to_numpy(), asked["chamber"].tolist()
    return {name: score(guess(known, asked), truth, chambers) for name, guess in BASELINES.items()}, []


def _notes(card: ModelCard, frames: pd.DataFrame) -> list[str]:
    notes = []
    strange = others(frames["modality"], card.modalities)
    if strange:
        notes.append(
            f"other modality: model {card.name} was trained on {', '.join(card.modalities)}, "
            f"these images are {', '.join(strange)}"
        )
    novel = int((frames["novelty"] > 1).sum())
    if novel:
        notes.append(
            f"unlike training: {novel} of {len(frames)} images look like nothing the model was trained on"
        )
    return notes
