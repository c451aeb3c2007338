"""The classical baseline: marker-controlled watershed, tuned on counted images. Its card is README.md."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from twincell.models.base.method import LabelledImages, Parts, Prediction
from twincell.models.watershed.network import Watershed
from twincell.models.watershed.settings import WatershedSettings


class WatershedMethod:
    """The watershed as `twincell.models.METHODS` knows it."""

    name = "watershed"
    settings_class = WatershedSettings
    parts = Parts(outer=(), core=(), head=(), unfreezing=())

    def build(self, settings: WatershedSettings) -> Watershed:
        """An untuned watershed."""
        return Watershed()

    def fit(self, network: nn.Module, counted: LabelledImages, seed: int, tries: int) -> dict[str, Any]:
        """Finds the numbers with the smallest mean absolute error on the counted images."""
        from twincell.models.watershed.search import search

        assert isinstance(network, Watershed)
        images = [image.numpy() for image in counted.images[:, 0]]
        found = search(images, counted.counts.numpy().astype(np.float64), seed, tries)
        network.rule = found.rule
        return {"tuned": found.as_json()}

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W) as their regions."""
        return Prediction(network(images))


METHOD = WatershedMethod()
