"""Pictures for pages: tiles side by side, density maps laid over chambers, files as text inside the page."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from twincell.data.image_spec import ImageSpec, spec_of

Grey = NDArray[np.uint8]  # (H, W)
Colour = NDArray[np.uint8]  # (H, W, 3)
LIGHT = 235  # grey level of what lies between images
GLOW = np.array([255, 122, 26], np.float64)  # the page's colour for "a cell is here"


def png(picture: Grey | Colour) -> bytes:
    """A PNG file's bytes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def data_uri(picture: Grey | Colour, quality: int = 0) -> str:
    """A picture as the text of an `src`: PNG, or JPEG where a quality (1-95) is given."""
    if not quality:
        return "data:image/png;base64," + base64.b64encode(png(picture)).decode()
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def sheet(tiles: Sequence[Grey] | Sequence[Colour], columns: int, gap: int = 3) -> Grey | Colour:
    """Tiles of one size in rows of `columns`, with a light gap between them."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles[0].shape[2:])
    whole = np.full(shape, LIGHT, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        whole[y : y + height, x : x + width] = tile
    return whole


def smaller(picture: Grey | Colour, side: int) -> Grey | Colour:
    """Fit an image into a square of `side` pixels, its proportions kept and the rest left light."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    whole = np.full((side, side, *picture.shape[2:]), LIGHT, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    whole[top : top + size[1], left : left + size[0]] = small
    return whole


def as_grey(image: NDArray[Any], spec: ImageSpec | None = None) -> Grey:
    """Show an image of any number type as grey levels.

    Args:
        image: (H, W).
        spec: what its numbers mean; None: bytes as they are, others by what their type can hold.
    """
    if image.dtype == np.uint8 and spec is None:
        return image
    shown = (spec or spec_of(image)).scale(torch.from_numpy(image))
    return (shown * 255).round().to(torch.uint8).numpy()


def overlay(image: Grey, density: NDArray[np.floating], strength: float = 0.75) -> Colour:
    """A density map laid over its picture as an orange glow.

    Args:
        image: (H, W) grey.
        density: (h, w) cells per map pixel.
        strength: how far the densest place of a typical cell covers the picture, 0..1.
    """
    smooth = Image.fromarray(density.astype(np.float32)).resize(image.shape[::-1], Image.Resampling.BICUBIC)
    # One scale for all pictures: half a cell within the area of a cell of radius 5 px is a full glow.
    per_pixel = np.asarray(smooth, np.float64).clip(0) * density.size / image.size
    alpha = strength * (per_pixel * 2 * np.pi * 5**2 * 0.5).clip(0, 1)[..., None]
    return (image[..., None] * (1 - alpha) + GLOW * alpha).round().astype(np.uint8)
