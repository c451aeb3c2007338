"""Counting images of any magnification: how large their cells are, and those scaled alike together."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twincell.data.image_spec import ImageSpec
from twincell.models.base.loaded import LoadedModel
from twincell.models.base.method import Prediction

MOST = 12
"""Images of a recording that are looked at to find how large its cells are."""

Images = Tensor | Sequence[Tensor] | Sequence[NDArray[Any]]


def evenly(rows: Sequence[int] | NDArray[np.integer], most: int = MOST) -> list[int]:
    """Up to `most` of `rows`, evenly chosen, the first and the last among them."""
    places = np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(int)
    return [int(rows[place]) for place in places]


def found_diameters(
    model: LoadedModel, images: Images, groups: Sequence[str], spec: ImageSpec | None = None
) -> list[float | None]:
    """The cells' diameter in px for each image, as found for the group (modality) it is of.

    None where no cell was found, for models that do not measure, and where `spec` tells it already.

    Args:
        images: N, (H, W) or (1, H, W) each.
        groups: N names.
        spec: what the images' numbers mean.
    """
    if not model.measures or (spec is not None and spec.cell_diameter_px is not None):
        return [None] * len(images)
    found = {}
    for group in dict.fromkeys(groups):
        rows = [row for row, own in enumerate(groups) if own == group]
        found[group] = model.diameter(_of(images, evenly(rows)), spec)
    return [found[group] for group in groups]


def predict_each(
    model: LoadedModel,
    images: Images,
    diameters: Sequence[float | None],
    batch: int = 64,
    progress: Callable[[int], None] | None = None,
    spec: ImageSpec | None = None,
) -> Prediction:
    """Counts images of any sizes, those that are scaled alike together; see `LoadedModel.predict`.

    Args:
        images: N, (H, W) or (1, H, W) each.
        diameters: px, of the cells in each; None = not known.
    """
    shapes = [tuple(image.shape[-2:]) for image in images]
    specs = [model.spec_for(diameter, shape, spec) for diameter, shape in zip(diameters, shapes, strict=True)]
    parts, order = [], []
    for own in dict.fromkeys(specs):
        rows = [row for row, told in enumerate(specs) if told == own]
        parts.append(model.predict(_of(images, rows), batch, progress, own))
        order += rows
    return Prediction.join(parts).at(torch.tensor(order).argsort())


def _of(images: Images, rows: Sequence[int]) -> list[Any]:
    return [images[row] for row in rows]
