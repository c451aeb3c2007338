"""The view under which a network counts best before anything is learned: size and contrast, tried in turn."""

import torch
from torch import Tensor, nn

from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.sure import surely_positive
from twincell.training.adaptation.targets import errors, target_maps
from twincell.training.adaptation.view import PLAIN, View, contrasted, same_size

SCALES = (0.25, 0.315, 0.4, 0.5, 0.63, 0.8, 1.0, 1.26, 1.6, 2.0)
CONTRASTS = (1.0, 1.6, 2.5, 4.0, 6.4)
OWN_CONTRASTS = (0.63, 1.0, 1.6, 2.5)
"""Of networks that divide images by their own contrast already."""
INVERTED = (-1.0, -1.6, -2.5)
"""Dark and bright change places: the other side of the focus, or another kind of contrast."""
LARGEST = 50_000
"""Pixels shown of one image beyond which a larger size is not tried: each try has to stay cheap."""
LOOKED_AT = 16
"""Labelled images the views are tried on; more would say little more."""


class Views:
    """Views with the loss of labelled images under each, so that any part of the images can choose.

    Attributes:
        tried: V views; the first is the image as it is.
        errors: (V, N) loss under each view, averaged with its neighbours in contrast: a view beside which
            counts run away is no good one. NaN for images that were not looked at.
        units: (N,) int, the place each image shows.
    """

    def __init__(self, network: nn.Module, labelled: Labelled, units: Tensor) -> None:
        looked = torch.linspace(0, len(labelled) - 1, min(len(labelled), LOOKED_AT)).round().long()
        some = labelled.select(looked)
        self.tried, rows = [PLAIN], [losses(network, some, PLAIN)]
        scales = _scales(labelled)
        own = getattr(network, "contrast", "") == "own"
        for contrasts in (OWN_CONTRASTS if own else CONTRASTS, INVERTED[:2] if own else INVERTED):
            eyes = [contrasted(network, contrast) for contrast in contrasts]
            for scale in scales:
                views = [View(contrast, scale) for contrast in contrasts]
                found = [losses(eye, some, view) for eye, view in zip(eyes, views, strict=True)]
                self.tried += views
                rows += list(_smoothed(torch.stack(found)))
        self.errors = torch.full((len(self.tried), len(labelled)), torch.nan)
        self.errors[:, looked] = torch.stack(rows)
        self.units = units

    def best(self, among: Tensor | None = None) -> View:
        """The view with the lowest mean loss over the images `among` (N,) bool, by default all; the plain one
        unless another is surely better."""
        known = ~self.errors[0].isnan()
        known = known if among is None else known & among
        if not bool(known.any()):
            return PLAIN
        best = int(self.errors[:, known].mean(1).argmin())
        gain = self.errors[0, known] - self.errors[best, known]
        return self.tried[best] if bool(surely_positive(gain, self.units[known])) else PLAIN


@torch.no_grad()
def losses(network: nn.Module, labelled: Labelled, view: View) -> Tensor:
    """The loss of each labelled image at the view's size, (N,); its contrast is in the network."""
    network.eval()
    found = torch.zeros(len(labelled))
    for group in same_size(labelled.images):
        part = labelled.select(group)
        height, width = part.images[0].shape[1:]
        shown = view.show(torch.stack(part.images))
        places = [None if p is None else view.places(p, height, width) for p in part.points]
        found[group] = errors(network(shown), part.counts, target_maps(places, *shown.shape[2:]))
    return found


def _scales(labelled: Labelled) -> list[float]:
    """The sizes that are cheap enough for the largest image; its own always is."""
    most = max(image.numel() for image in labelled.images)
    return [scale for scale in SCALES if scale == 1.0 or most * scale**2 <= LARGEST]


def _smoothed(found: Tensor) -> Tensor:
    """Losses (C, N) of neighbouring contrasts, each averaged with those beside it: 1-2-1, ends repeated."""
    padded = torch.cat([found[:1], found, found[-1:]])
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
