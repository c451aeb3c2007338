"""Unlabelled images as they are compared with drawn ones: windows at the size at which cells are counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from twincell.counting.inputs import Choices, Frames, gather
from twincell.counting.reader import Reader
from twincell.data.resize import magnify
from twincell.errors import UserError
from twincell.faults import Fault, refuse
from twincell.models.base.loaded import LoadedModel
from twincell.simulate.scene.scene import SIZE
from twincell.words import number

MOST_IMAGES, MOST_WINDOWS = 128, 128
"""Images that are read, and windows that are compared, evenly chosen from all."""
FEWEST = 8
"""Windows below which nothing can be said about how images differ."""
SMALLEST = 48
"""px, least side of a window: several cells, and room around them."""
GRAIN = 8
FLAT = 0.004
"""grey levels (of 1), standard deviation below which an image shows nothing."""


@dataclass(frozen=True)
class Real:
    """Windows of unlabelled images.

    Attributes:
        windows: (N, 1, S, S) float32 in [0, 1], S up to 128 and a multiple of 8.
        images: how many images they were cut from.
        scale: drawn px to one px of the images.
        diameter: px of the images, the cells with their rims; None = not found, and the images not scaled.
        area: of a whole image in windows, the mean over the images.
        modality: of the images, "" = not said.
        notes: what was decided or left out, to be printed.
    """

    windows: Tensor
    images: int
    scale: float
    diameter: float | None
    area: float
    modality: str
    notes: tuple[str, ...] = ()

    @property
    def side(self) -> int:
        """S, px."""
        return int(self.windows.shape[-1])


def read_images(
    inputs: Sequence[str | Path],
    model: LoadedModel,
    choices: Choices,
    convert: bool = False,
    diameter: float | None = None,
) -> Real:
    """Reads images of any size and cuts windows from them.

    Args:
        inputs: as for `twincell count`; natural rows of manifests are used, whatever their labels.
        model: says how large the cells are, and so how far images are scaled.
        choices: what the inputs do not say.
        convert: make colour, 16-bit and float images grey bytes.
        diameter: px, of the cells with their rims; None = as the model finds.

    Raises:
        UserError: nothing to read, images of several modalities, too few or too small ones, or images that
            are flat or show no cell.
    """
    frames = gather(inputs, choices)
    rows = _chosen(frames)
    with Reader(frames, None, convert) as reader:
        read = reader.read_all(rows)
    images = [image for image in read if not isinstance(image, Fault)]
    if not images:
        refuse(fault for fault in read if isinstance(fault, Fault))
    notes = list(frames.notes)
    if skipped := len(read) - len(images):
        notes.append(f"{number(skipped, 'image')} could not be read and were left out")
    grey = [torch.from_numpy(image.copy())[None].float() / 255 for image in images]
    return windows_of(grey, model, str(frames.table["modality"].iloc[rows[0]]), diameter, tuple(notes))


def windows_of(
    images: Sequence[Tensor],
    model: LoadedModel,
    modality: str = "",
    diameter: float | None = None,
    notes: tuple[str, ...] = (),
) -> Real:
    """Cuts windows from images (1, H, W) in [0, 1], one or more; arguments and errors as `read_images`."""
    seen = [image for image in images if float(image.std()) > FLAT]
    if not seen:
        raise UserError(
            f"{number(len(images), 'image')}: all are flat, their grey levels differ by less than "
            f"{FLAT:.1%} of the range; give images that show cells, or stretch their contrast first"
        )
    if diameter is None:
        diameter = model.diameter([image[0] for image in seen])
        if diameter is None:
            raise UserError(
                f"no cell is found in {number(len(images), 'image')}, so their scenes are not known; give "
                "images with cells, or say how large these are with --diameter"
            )
    shapes = {tuple(image.shape[1:]) for image in images}
    spec = model.spec_for(diameter, shapes.pop() if len(shapes) == 1 else ())
    scale = 1.0 if spec is None else model.card.preprocessing.scale * spec.magnification_to(model.card.image)
    scaled = [magnify(image, scale) for image in images]
    side = min(SIZE, min(min(image.shape[1:]) for image in scaled) // GRAIN * GRAIN)
    if side < SMALLEST:
        raise UserError(
            f"the smallest image is only {side} px high or wide where cells are about "
            f"{scale * diameter:.0f} px across; give images of at least {math.ceil(SMALLEST / scale)} px"
        )
    windows = torch.cat([cut(image, side) for image in scaled])
    if len(windows) < FEWEST:
        raise UserError(
            f"{number(len(images), 'image')} of this size show too little to say how scenes differ; give 10 "
            "or more images, or larger ones"
        )
    keep = np.linspace(0, len(windows) - 1, min(len(windows), MOST_WINDOWS)).round().astype(int)
    told = (
        f"cells are taken to be {diameter:.0f} px across; images are compared at {scale:.2f} times their size"
    )
    area = float(np.mean([image.shape[1] * image.shape[2] for image in scaled])) / side**2
    kept = windows[torch.from_numpy(keep)]
    return Real(kept, len(images), scale, diameter, area, modality, (*notes, told))


def _chosen(frames: Frames) -> list[int]:
    """Rows to read: natural ones, evenly chosen, of one modality.

    Raises:
        UserError: there are several modalities, or none is natural.
    """
    natural = np.flatnonzero(frames.table["origin"].to_numpy() != "synthetic")
    if not len(natural):
        raise UserError("all images are drawn ones; give images of a microscope")
    words = sorted(set(frames.table["modality"].iloc[natural]))
    if len(words) > 1:
        raise UserError(
            f"images of several modalities ({', '.join(words)}) look different; match each for itself"
        )
    places = np.linspace(0, len(natural) - 1, min(len(natural), MOST_IMAGES)).round().astype(int)
    return [int(row) for row in natural[places]]


def cut(image: Tensor, side: int) -> Tensor:
    """Windows (n, 1, side, side) of an image (1, H, W), side by side, in its middle."""
    rows, columns = (length // side for length in image.shape[1:])
    top, left = (
        (length - count * side) // 2 for length, count in zip(image.shape[1:], (rows, columns), strict=True)
    )
    part = image[0, top : top + rows * side, left : left + columns * side]
    return part.reshape(rows, side, columns, side).transpose(1, 2).reshape(-1, 1, side, side)
