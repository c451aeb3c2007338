"""What a model sees: where it puts the cells, how it draws a chamber, how it draws it as the other origin."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.data.image_spec import ImageSpec
from twincell.evaluate.translation import can_translate, translate
from twincell.models.base.file import LoadedModel
from twincell.report.images import as_grey, overlay, sheet
from twincell.report.markup import figure, picture, tiles
from twincell.report.page import Section

Images = Sequence[NDArray[Any]]
"""N images (H, W), of any sizes and one number type."""


def spread(length: int, most: int) -> list[int]:
    """At most `most` positions, evenly over 0..length - 1."""
    return np.unique(np.linspace(0, length - 1, min(most, length)).round().astype(int)).tolist()


def where(
    model: LoadedModel,
    images: Images,
    names: Sequence[str],
    truth: Sequence[float] | None = None,
    spec: ImageSpec | None = None,
) -> Section | None:
    """Density maps over their chambers; None for a method that has no map.

    Args:
        model: the model.
        images: N times (H, W), a dozen or so.
        names: of the images, for the captions.
        truth: (N,) labelled counts where known.
        spec: what the images' numbers mean; None: grey levels.
    """
    # One by one: maps of images of several sizes do not fit into one array.
    found = [model.predict([image], spec=spec) for image in images]
    shown = [
        overlay(as_grey(image, spec), one.density[0, 0].numpy())
        for image, one in zip(images, found, strict=True)
        if one.density is not None
    ]
    if not shown:
        return None
    captions = []
    for i, name in enumerate(names):
        known = "" if truth is None or truth[i] != truth[i] else f" (counted {truth[i]:g})"
        captions.append(f"{name}: {float(found[i].count):.1f}{known}")
    lead = (
        "The model counts by marking where cells are: the orange glow is its map, and the sum over "
        "the map is the count below each picture."
    )
    return Section("Where the cells are", lead, tiles(shown, captions, "chamber with marked cells"))


def translations(model: LoadedModel, images: Images) -> Section | None:
    """Originals, reconstructions and translations; None for a method that cannot draw.

    Args:
        model: a Twin-VAE.
        images: natural ones, up to a dozen; those that are no bytes of the model's own size are left out.
    """
    fit = [image for image in images if image.shape == model.card.view and image.dtype == np.uint8]
    if not fit or not can_translate(model.network):
        return None
    found = translate(model, np.stack(fit), "synthetic")
    rows = (found.original, found.reconstructed, found.translated)
    picture_ = sheet([image for row in rows for image in row], columns=len(fit))
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
