"""Images as the bytes of a file."""

from __future__ import annotations

import io

import numpy as np
import tifffile
from PIL import Image


def png(image: np.ndarray) -> bytes:
    """A grey 8-bit PNG of an image (H, W) uint8."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png")
    return buffer.getvalue()


def tiff_stack(images: np.ndarray) -> bytes:
    """A grey 8-bit TIFF of pages (T, H, W) uint8, its axes named T, Y, X."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, images, photometric="minisblack", metadata={"axes": "TYX"}, compression=None)
    return buffer.getvalue()
