"""How images are enlarged before anything is tried: as `twincell count` does it with the start."""

from collections.abc import Sequence

from torch import Tensor

from twincell.data.image_spec import ImageSpec
from twincell.data.resize import magnify
from twincell.models.base.file import LoadedModel
from twincell.models.base.method import Measuring
from twincell.training.adaptation.labelled import Labelled


def enlargement(start: LoadedModel, images: Sequence[Tensor], spec: ImageSpec) -> float:
    """Factor by which the start enlarges images of one lab.

    By the cells' diameter that the spec tells, else by the one that the start finds in the images, if it is a
    model that finds any.

    Args:
        start: the model.
        images: (1, H, W) each, as the model prepares them.
        spec: what is known about them.
    """
    known = start.card.preprocessing.scale * spec.magnification_to(start.card.image)
    if spec.cell_diameter_px or not images:
        return known
    if not (start.measures and isinstance(start.method, Measuring)):
        return known
    found = start.spec_for(start.method.diameter(start.network, images), tuple(images[0].shape[1:]))
    if found is None:
        return start.card.preprocessing.scale
    return start.card.preprocessing.scale * found.magnification_to(start.card.image)


def enlarged(labelled: Labelled, factor: float) -> Labelled:
    """Labelled images at `factor` times their size, places with them."""
    if factor == 1.0:
        return labelled
    images = [magnify(image, factor) for image in labelled.images]
    points = [
        None if at is None else at * at.new_tensor([new.shape[2] / old.shape[2], new.shape[1] / old.shape[1]])
        for at, old, new in zip(labelled.points, labelled.images, images, strict=True)
    ]
    return Labelled.of(images, labelled.counts, points, labelled.chambers, labelled.frames)
