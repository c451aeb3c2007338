"""Images written to files, or as the bytes of one."""

import io
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image


def png(image: NDArray[np.uint8]) -> bytes:
    """A grey 8-bit PNG of an image (H, W) uint8."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png")
    return buffer.getvalue()


def tiff_stack(images: NDArray[np.uint8]) -> bytes:
    """A grey 8-bit TIFF of pages (T, H, W) uint8, its axes named T, Y, X."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, images, photometric="minisblack", metadata={"axes": "TYX"}, compression=None)
    return buffer.getvalue()


def write_png(file: Path, image: NDArray[np.uint8]) -> None:
    """Writes a grey PNG under a temporary name and renames it.

    Unlike `files.write_atomic` it does not wait for the disk: it is for the thousands of crops of an import,
    whose journal notes each one after it is written, so that one lost in a crash is made again.
    """
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(png(image))
    temporary.replace(file)
