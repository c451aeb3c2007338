"""PNG, JPEG, BMP, GIF and WebP through Pillow: one image a file, or several in a GIF or WebP."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twincell.errors import UserError
from twincell.io.readers.base import FrameError, Stack, first_line, flat_index

FILMS = ("GIF", "WEBP")  # what other formats hold besides their first image is a preview of it


class PictureFile(Stack):
    """A file as Pillow reads it; see `Stack`. Several images are a dimension that the file does not name."""

    axes_from = "image file"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with Image.open(path) as picture:
                self._films = picture.format in FILMS
                images = getattr(picture, "n_frames", 1) if self._films else 1
                samples = () if _is_grey(picture) else (3,)
                size = (picture.height, picture.width)
        except Exception as failure:  # decoders raise many kinds
            raise UserError(
                f"{path}: cannot be read as an image ({first_line(failure)}); copy it again from the source"
            ) from failure
        self.shape = (*((images,) if images > 1 else ()), *size, *samples)
        self.own_axes = None if images > 1 else "YXS" if samples else "YX"

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:  # noqa: D102
        place = flat_index(axes, self.shape, index)
        try:
            with Image.open(self.path) as picture:
                return picture_pixels(picture, place)
        except Exception as failure:  # decoders raise many kinds
            raise FrameError(
                "unreadable", f"image {place + 1} of {self.path.name}: {first_line(failure)}"
            ) from failure


def picture_pixels(picture: Image.Image, place: int = 0) -> NDArray[Any]:
    """Image `place` of an open file: (H, W) where its numbers are brightness, else (H, W, 3) uint8 colour."""
    picture.seek(place)
    return np.array(picture if _is_grey(picture) else picture.convert("RGB"))


def _is_grey(picture: Image.Image) -> bool:
    """In these modes numbers are brightness; in all others (palette, CMYK, ...) they stand for colours."""
    return picture.mode in ("L", "F", "I") or picture.mode.startswith("I;16")
