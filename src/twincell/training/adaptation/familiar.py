"""What familiar images look like to an adapted network, learned from a handful of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from twincell.models.components.ood_score import MARGIN, QUANTILE, OODScore
from twincell.models.density_network.network import DensityNetwork
from twincell.training.adaptation.view import View

PARTS = 5
NEW_PLACE = 1.4
"""Margin where chambers were left out as a whole: a new one lies hardly farther out than these did."""
SIZES, CONTRASTS = (0.93, 1.0, 1.07), (0.85, 1.0, 1.15)
"""How images are varied, so that a handful says something about every direction."""


@torch.no_grad()
def learn_familiar(
    network: DensityNetwork, images: Sequence[Tensor], view: View, units: Tensor | None = None
) -> None:
    """Sets what the network takes for familiar from images it will be used on.

    Few images lie near to the mean of themselves, others farther out. So each is also held against what the
    others teach, and the limit is where nearly all of those lie. Frames of one chamber resemble each other
    more than those of a new one: where there are several chambers, whole ones are held against the others.

    Args:
        network: adapted; its `familiarity` is learned anew.
        images: N tensors (1, H, W) in [0, 1], N from 3.
        view: how they are shown.
        units: (N,) int from 0, the place each shows; by default each its own.
    """
    network.eval()
    alone = torch.arange(len(images))
    units = alone if units is None or int(units.max()) == 0 else units
    margin = MARGIN if int(units.max()) + 1 == len(images) else NEW_PLACE
    features = torch.stack([_features(network, image, view) for image in images])  # N, variants, 2 * width
    network.familiarity.learn(features.flatten(0, 1))
    part = units % min(PARTS, int(units.max()) + 1)
    away = []
    for k in part.unique():
        others = OODScore(features.shape[-1] // 2)
        others.learn(features[part != k].flatten(0, 1))
        plain = features[part == k, len(SIZES) * len(CONTRASTS) // 2]
        away.append(((plain - others.centre) @ others.whitening).norm(dim=1))
    limit = margin * float(torch.quantile(torch.cat(away), QUANTILE))
    network.familiarity.whitening.div_(max(1.0, limit))


def _features(network: DensityNetwork, image: Tensor, view: View) -> Tensor:
    """(variants, 2 * width) features of an image and its variations; the middle one is the image itself."""
    middle = image.mean()
    found = []
    for size in SIZES:
        for contrast in CONTRASTS:
            shown = View(scale=view.scale * size).show(((image - middle) * contrast + middle)[None])
            found.append(network.familiarity.features(network.features(shown))[0])
    return torch.stack(found)
