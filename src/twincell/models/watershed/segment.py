"""Marker-controlled watershed: one region for each cell, by a handful of numbers and no learning."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

Image = NDArray[np.float32]
POLARITIES = ("bright", "dark", "grain")
"""What sets a cell off: it is brighter than the field around it, darker, or grainier."""
BACKGROUND = 16.0
"""Standard deviation in pixels of the blur that stands for the field: well above a cell's radius (3-12)."""
GRAIN = 2.0
"""Standard deviation in pixels of the blur that grain is what it removes."""


@dataclass(frozen=True)
class Rule:
    """The numbers of a segmentation.

    Attributes:
        polarity: one of `POLARITIES`.
        sigma: smoothing of the response, standard deviation in pixels.
        threshold: a pixel whose response exceeds it belongs to a cell; in grey levels of 1.
        distance: two markers are farther apart than this, in pixels.
        area: smaller regions are dirt; in pixels.
        margin: pixels along each edge of the image that hold no cell.
    """

    polarity: str
    sigma: float
    threshold: float
    distance: int
    area: float
    margin: int


def response(image: Image, polarity: str, sigma: float) -> Image:
    """How much each pixel of an image (H, W) in [0, 1] looks like a cell: (H, W) in grey levels."""
    if polarity == "grain":
        fine = image - ndimage.gaussian_filter(image, GRAIN)
        return np.sqrt(ndimage.gaussian_filter(fine**2, sigma))
    above = ndimage.gaussian_filter(image, sigma) - ndimage.gaussian_filter(image, BACKGROUND)
    return above if polarity == "bright" else -above


def segment(image: Image, rule: Rule) -> NDArray[np.int32]:
    """Labels (H, W): 0 for the field, 1, 2, ... for each region, whatever its size.

    Pixels above the threshold, holes filled, are cut along the watersheds of their distance to the field;
    each marker is a peak of that distance.
    """
    mask = response(image, rule.polarity, rule.sigma) > rule.threshold
    if rule.margin:
        inside = np.zeros_like(mask)
        inside[rule.margin : -rule.margin, rule.margin : -rule.margin] = True
        mask &= inside
    mask = ndimage.binary_fill_holes(mask)
    # A blur of one pixel joins the several peaks that the ridge of a nearly round region has.
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1.0) * mask
    peaks = peak_local_max(depth, min_distance=rule.distance, exclude_border=False)
    markers = np.zeros(image.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels: NDArray[Any] = watershed(-depth, markers, mask=mask)
    return labels.astype(np.int32)


def count(image: Image, rule: Rule) -> int:
    """The cells of an image (H, W) in [0, 1]: regions of at least `rule.area` pixels."""
    sizes = np.bincount(segment(image, rule).ravel())[1:]
    return int((sizes >= rule.area).sum())
