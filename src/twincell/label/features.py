"""What images look like to a model, as numbers: alike images have like numbers."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from twincell.errors import UserError
from twincell.label.dataset import Dataset
from twincell.label.queue import LARGEST
from twincell.models.base.loaded import LoadedModel
from twincell.models.density_network.network import DensityNetwork

SIDE = 128
"""px; images are looked at in about this size."""
PLAIN = 16
"""px; where the model gives no features, the image itself so small."""


def features(
    dataset: Dataset, model: LoadedModel, rows: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray]:
    """Features of some images, at most `LARGEST` evenly chosen ones.

    Returns:
        (N, D) features, and (N,) the rows they belong to; images that cannot be read are left out.
    """
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(LARGEST, len(rows))).astype(int))]
    found, read = [], []
    for row in chosen.tolist():
        try:
            image = dataset.grey(row)
        except UserError:
            continue
        found.append(look(model, image))
        read.append(row)
    return np.array(found, np.float32), np.array(read, int)


@torch.no_grad()
def look(model: LoadedModel, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The features of one image (H, W) uint8, (D,)."""
    picture = Image.fromarray(image)
    network = model.network
    if not isinstance(network, DensityNetwork):
        return np.asarray(picture.resize((PLAIN, PLAIN)), np.float32).ravel() / np.float32(255)
    factor = SIDE / max(image.shape)
    sides = [max(32, round(side * factor / 8) * 8) for side in image.shape]
    small = np.array(picture.resize((sides[1], sides[0]), Image.Resampling.BILINEAR))
    shown = model.prepare(torch.from_numpy(small)[None, None])
    pooled: NDArray[np.float32] = network.familiarity.features(network.features(shown))[0].float().numpy()
    return pooled
