"""The simplest baseline that looks at images: the nearest of the training images. Its card is README.md."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from twincell.models.base.method import LabelledImages, Parts, Prediction
from twincell.models.nearest.choice import errors_by_k
from twincell.models.nearest.network import Nearest
from twincell.models.nearest.settings import NearestSettings


class NearestMethod:
    """Nearest neighbours as `twincell.models.METHODS` knows them."""

    name = "nearest"
    settings_class = NearestSettings
    parts = Parts(outer=(), core=(), head=(), unfreezing=())

    def build(self, settings: NearestSettings) -> Nearest:
        """Nothing known yet: it counts 0."""
        return Nearest(settings.side)

    def fit(self, network: nn.Module, counted: LabelledImages, seed: int, tries: int) -> dict[str, Any]:
        """Remembers the counted images and chooses k among 1 .. `tries` on them; chance has no part in it."""
        assert isinstance(network, Nearest)
        known = network.embed(counted.images)
        errors = errors_by_k(known, counted.counts, counted.chambers, tries)
        k = 1 + int(np.argmin(errors)) if errors else 1
        network.remember(known, counted.counts, k)
        return {"tuned": {"k": k, **({"mae": errors[k - 1]} if errors else {})}}

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W) by their neighbours."""
        return Prediction(network(images))


METHOD = NearestMethod()
