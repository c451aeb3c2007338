"""Image files to grey bytes, and what cannot be read as such; nothing about an image is guessed.

What counts as readable: PNG, JPEG, BMP, GIF, WebP (through Pillow) and TIFF (through tifffile). An image must be
8-bit grey. With `convert=True` these are made so, by fixed rules that never look at the image's own range, since
that would change the brightness from frame to frame:

- colour: the luma of ITU-R 601, 0.299 R + 0.587 G + 0.114 B (three equal channels stay exactly themselves);
  transparency is dropped;
- 16-bit: the full range 0..65535 to 0..255, value / 257, rounded;
- float: 0..1 to 0..255, times 255, rounded; values outside 0..1 and NaN are refused.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from twincell.data.faults import Fault, error
from twincell.errors import UserError

GreyImage = NDArray[np.uint8]
Pixels = NDArray[Any]  # any number type

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


class ImageError(UserError):
    """An image that cannot be used; `fault` says where, what and the way out."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.sentence())


def read_grey(path: str | Path, page: int = 0, convert: bool = False) -> GreyImage:
    """One image as grey bytes.

    Args:
        path: the image file.
        page: which image of a stack, from 0.
        convert: make colour, 16-bit and float images grey bytes by the rules above instead of refusing them.

    Returns:
        (H, W) uint8, 0 black to 255 white.

    Raises:
        ImageError: missing, empty, truncated, not an image, page out of range, NaN, or (without `convert`) not
            8-bit grey. It is a UserError.
    """
    return to_grey(read_pixels(path, page), path, convert)


def read_pixels(path: str | Path, page: int = 0) -> Pixels:
    """One image as it is stored: (H, W) of any number type, or (H, W, channels) for colour.

    Raises:
        ImageError: missing, empty, truncated, not an image, page out of range.
    """
    path = Path(path)
    require_file(path)
    try:
        return _read_tiff(path, page) if is_tiff(path) else _read_other(path, page)
    except UserError:
        raise
    except Exception as fault:  # decoders raise many kinds; each means that this file is not readable
        reason = str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__
        raise ImageError(
            error(
                path,
                f"cannot be read as an image ({reason})",
                "copy it again from the source, or drop its row",
            )
        ) from fault


def require_file(path: Path) -> None:
    """Refuses a path that is no file, or a file of 0 bytes."""
    if not path.is_file():
        raise ImageError(error(path, "is missing", "put the file back, or drop its row"))
    if path.stat().st_size == 0:
        raise ImageError(error(path, "is empty (0 bytes)", "copy it again from the source, or drop its row"))


def is_tiff(path: Path) -> bool:
    """Whether the file's first bytes are those of a TIFF or BigTIFF; names can lie."""
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def to_grey(pixels: Pixels, where: object, convert: bool = False) -> GreyImage:
    """Pixels of any kind to grey bytes, (H, W) uint8, by the rules at the top of this module.

    Raises:
        ImageError: for pixels that cannot be made grey bytes without a guess.
    """
    if pixels.dtype == np.uint8 and pixels.ndim == 2:
        return pixels
    if pixels.ndim == 2:
        return _to_bytes(pixels, where, convert)
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        if not convert:
            raise ImageError(
                error(where, f"is a colour image ({pixels.shape[2]} channels), not grey", _save_as_grey)
            )
        colour = _to_bytes(pixels[..., :3], where, convert)
        return np.round(colour @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    raise ImageError(
        error(where, f"has shape {pixels.shape}, not one grey picture", "save one picture per file or page")
    )


_save_as_grey = "save it as 8-bit grey"


def _to_bytes(pixels: Pixels, where: object, convert: bool) -> GreyImage:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8)
    kind = f"{pixels.dtype.itemsize * 8}-bit {'float' if pixels.dtype.kind == 'f' else 'integer'}"
    if pixels.dtype.kind == "f":
        bad = int(pixels.size - np.isfinite(pixels).sum())
        if bad:
            raise ImageError(
                error(where, f"holds {bad} pixels that are NaN or infinite", "fill them at the source")
            )
    low, high = pixels.min(), pixels.max()
    if not convert:
        seen = f"is {kind} with values {low:g}..{high:g}, not 8-bit"
        raise ImageError(error(where, seen, f"{_save_as_grey}, with the same scale for all frames"))
    if pixels.dtype == np.uint16:
        return np.round(pixels / 257.0).astype(np.uint8)
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.round(pixels * 255.0).astype(np.uint8)
    seen = f"is {kind} with values {low:g}..{high:g}, of which the full range is not known"
    raise ImageError(error(where, seen, f"{_save_as_grey}, with the same scale for all frames"))


def _read_tiff(path: Path, page: int) -> Pixels:
    with tifffile.TiffFile(path) as tif:
        _require_page(path, page, len(tif.pages))
        pixels = np.asarray(tif.pages[page].asarray())
    return pixels if pixels.ndim == 3 and pixels.shape[2] in (3, 4) else np.squeeze(pixels)


def _read_other(path: Path, page: int) -> Pixels:
    with Image.open(path) as picture:
        _require_page(path, page, getattr(picture, "n_frames", 1))
        picture.seek(page)
        # Modes whose numbers are brightness are taken as they are; in all others (palette, CMYK, ...) they are not.
        plain = picture.mode in ("L", "F", "I") or picture.mode.startswith("I;16")
        return np.array(picture if plain else picture.convert("RGB"))


def _require_page(path: Path, page: int, pages: int) -> None:
    if not 0 <= page < pages:
        raise ImageError(
            error(path, f"has no page {page}, it holds {pages}", f"name a page from 0 to {pages - 1}")
        )
