"""What a model sees: where it puts the cells, how it draws a chamber, how it draws it as the other origin."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from twincell.evaluate.translation import can_translate, translate
from twincell.models.base.file import LoadedModel
from twincell.report.images import overlay, sheet
from twincell.report.markup import figure, picture, tiles
from twincell.report.page import Section

Images = NDArray[np.uint8]  # (N, 128, 128)


def spread(length: int, most: int) -> list[int]:
    """At most `most` positions, evenly over 0..length - 1."""
    return np.unique(np.linspace(0, length - 1, min(most, length)).round().astype(int)).tolist()


def where(
    model: LoadedModel, images: Images, names: Sequence[str], truth: Sequence[float] | None = None
) -> Section | None:
    """Density maps over their chambers; None for a method that has no map.

    Args:
        model: the model.
        images: (N, 128, 128) uint8, a dozen or so.
        names: of the images, for the captions.
        truth: (N,) counted cells where known.
    """
    if not len(images):
        return None
    found = model.predict(images)
    if found.density is None:
        return None
    shown = [overlay(image, map_[0].numpy()) for image, map_ in zip(images, found.density, strict=True)]
    captions = []
    for i, name in enumerate(names):
        known = "" if truth is None or truth[i] != truth[i] else f" (counted {truth[i]:g})"
        captions.append(f"{name}: {found.count[i]:.1f}{known}")
    lead = (
        "The model counts by marking where cells are: the orange glow is its map, and the sum over "
        "the map is the count below each picture."
    )
    return Section("Where the cells are", lead, tiles(shown, captions, "chamber with marked cells"))


def translations(model: LoadedModel, images: Images) -> Section | None:
    """Originals, reconstructions and translations; None for a method that cannot draw.

    Args:
        model: a Twin-VAE.
        images: (N, 128, 128) uint8 natural images, up to a dozen.
    """
    if not len(images) or not can_translate(model.network):
        return None
    found = translate(model, images, "synthetic")
    rows = (found.original, found.reconstructed, found.translated)
    picture_ = sheet([image for row in rows for image in row], columns=len(images))
    caption = (
        "Top: the microscope's pictures. Middle: as the natural decoder draws them. Bottom: as the synthetic "
        f"decoder draws them. The rounded count stays the same in {found.agreement:.0f} % of the "
        "translations."
    )
    lead = (
        "A Twin-VAE must be able to draw what it read. Cells that are missing below were not seen; "
        "cells at other places were misplaced."
    )
    return Section("Reconstructions and translations", lead, figure(picture(picture_, caption), caption))


def maps(model: LoadedModel, images: Images, batch: int = 64) -> NDArray[np.float32] | None:
    """Density maps (N, h, w) of images, None for a method that has none."""
    found = model.predict(torch.from_numpy(images)[:, None], batch=batch)
    return None if found.density is None else found.density[:, 0].numpy()
