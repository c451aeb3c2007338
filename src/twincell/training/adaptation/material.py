"""From a manifest to labelled images and to those that show what images look like."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.models.base.loaded import LoadedModel
from twincell.training.adaptation.labelled import Labelled

MATCHED = 128
"""Images that drawn scenes are matched to."""
SEEN = 32
"""Images without labels that are looked at to learn what is familiar."""


@dataclass(frozen=True)
class Material:
    """What an adaptation works on.

    Attributes:
        labelled: every labelled natural image of split train, as the model prepares images.
        others: up to `SEEN` natural images of split train without a label, (1, H, W) each.
        other_chambers: their chambers' names.
        modalities: of all of these.
        images: how many natural images split train has.
    """

    labelled: Labelled
    others: tuple[Tensor, ...]
    other_chambers: tuple[str, ...]
    modalities: tuple[str, ...]
    images: int


def labelled_rows(manifest: Manifest) -> np.ndarray:
    """Which rows an adaptation learns from, (N,) bool: natural, of split train, with a count or places."""
    return _usable(manifest) & manifest.labelled


def read_material(manifest: Manifest, model: LoadedModel, progress: bool = True) -> Material:
    """Reads labelled images, and some of the others, evenly chosen.

    Raises:
        UserError: one sentence for each image that cannot be read or whose labels are faulty.
    """
    rows = labelled_rows(manifest)
    chosen, rest = manifest.select(rows), manifest.select(_usable(manifest) & ~rows)
    some = rest.select(np.unique(np.linspace(0, max(len(rest) - 1, 0), min(SEEN, len(rest))).astype(int)))
    store = ImageStore.load(chosen, progress=progress)
    labelled = Labelled.of(
        _prepared(store, model),
        store.counts,
        [_places(store, k) for k in range(len(store))],
        store.chambers,
        store.frames.tolist(),
        chosen.table["image"].tolist(),
    )
    usable = manifest.select(_usable(manifest)).table
    others = _prepared(ImageStore.load(some, progress=False), model) if len(some) else []
    chambers = tuple(some.table["chamber"])
    return Material(labelled, tuple(others), chambers, tuple(sorted(set(usable["modality"]))), len(usable))


def unlabelled(manifest: Manifest, model: LoadedModel) -> tuple[list[Tensor], str]:
    """Natural images of split train, labelled or not, up to `MATCHED`, (1, H, W) each, and their modality.

    Raises:
        UserError: there is none, they are of several modalities, or one cannot be read.
    """
    rows = np.flatnonzero(_usable(manifest))
    words = sorted(set(manifest.table["modality"].iloc[rows]))
    if len(words) != 1:
        raise UserError(
            f"{manifest.root}: has images of several modalities ({', '.join(words)}); match each for itself"
            if words
            else f"{manifest.root}: has no natural image of split train to match scenes to"
        )
    places = np.linspace(0, len(rows) - 1, min(MATCHED, len(rows))).round().astype(int)
    some = manifest.select(rows[places])
    return _prepared(ImageStore.load(some, progress=False), model), words[0]


def _usable(manifest: Manifest) -> np.ndarray:
    return manifest.natural & (manifest.table["split"] == "train").to_numpy()


def _prepared(store: ImageStore, model: LoadedModel) -> list[Tensor]:
    return [model.prepare(image, store.spec) for image in store.whole()]


def _places(store: ImageStore, k: int) -> Tensor | None:
    """The places (K, 2) of image k, None where they are not known."""
    if not bool(store.placed[k]):
        return None
    places = store.points[k]
    return places[~torch.isnan(places[:, 0])]
