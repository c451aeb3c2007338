"""Image files to grey bytes, and what cannot be read as such; nothing about an image is guessed.

Read is one image of any format in the registry (`twincell.io.readers`). An image must be 8-bit grey, or of a
recording whose bit depth is known (`twincell.io.bit_depth`). With `convert=True` others are made so, by fixed
rules that never look at an image's own range, since that would change the brightness from frame to frame:

- colour: the luma of ITU-R 601, 0.299 R + 0.587 G + 0.114 B; three equal channels stay exactly themselves,
  transparency is dropped;
- 16-bit: the full range 0..65535 to 0..255, value / 257, rounded, where no other depth is known;
- float: 0..1 to 0..255, value * 255, rounded; values outside 0..1 are refused.

NaN and infinite pixels are always refused.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from twincell.errors import UserError
from twincell.faults import FaultError, error
from twincell.io.bit_depth import grey_by_depth
from twincell.io.readers import TIFF_HEADS, format_of, is_pipe, open_stack
from twincell.io.readers.base import FrameError, require_size
from twincell.io.readers.pictures import picture_pixels

GreyImage = NDArray[np.uint8]
Pixels = NDArray[Any]  # of any number type

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's own conversion
SAVE_AGAIN = "save it as 8-bit grey, with the same scale for all frames"
COPY_AGAIN = "copy it again from the source, or drop its row"


def read_grey(path: str | Path, page: int = 0, convert: bool = False, bits: int | None = None) -> GreyImage:
    """One image as grey bytes.

    Args:
        path: the image file.
        page: which image of a stack, from 0.
        convert: make colour, 16-bit and float images grey bytes by the rules above instead of refusing them.
        bits: the camera's depth, by which integers of more than 8 bit are scaled.

    Returns:
        (H, W) uint8, 0 black to 255 white.

    Raises:
        FaultError: missing, empty, truncated, not an image, page out of range, NaN, or (without `convert`)
            not 8-bit grey. It is a UserError.
    """
    return to_grey(read_pixels(path, page), path, convert, bits)


def read_pixels(path: str | Path, page: int = 0) -> Pixels:
    """One image as it is stored: (H, W) of any number type, or (H, W, channels) for colour.

    Raises:
        FaultError: missing, empty, truncated, not an image, page out of range.
    """
    path = Path(path)
    known = format_of(path)
    if known is not None and known.holds == "many":
        return _of_recording(path, page)
    return _decode(path, lambda file, tiff: (_read_tiff if tiff else _read_other)(path, file, page))


def to_grey(pixels: Pixels, where: object, convert: bool = False, bits: int | None = None) -> GreyImage:
    """Pixels of any kind to grey bytes, (H, W) uint8: the one place where images become a model's input.

    Args:
        pixels: in the file's own numbers.
        where: the image, for messages.
        convert: by the rules at the top of this module, instead of refusing what is not 8-bit grey.
        bits: the camera's depth, by which integers of more than 8 bit are scaled.

    Raises:
        FaultError: for pixels that cannot be made grey bytes without a guess.
    """
    if pixels.ndim == 2:
        return _to_bytes(pixels, where, convert, bits)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        what = f"has shape {pixels.shape}, not one grey picture"
        raise FaultError(error(where, what, "save one grey picture per file or page"))
    if not convert:
        raise FaultError(
            error(where, f"is a colour image ({pixels.shape[2]} channels)", "save it as 8-bit grey")
        )
    colour = _to_bytes(pixels[..., :3], where, convert, bits)
    return np.round(colour @ LUMA).astype(np.uint8)


def _to_bytes(pixels: Pixels, where: object, convert: bool, bits: int | None) -> GreyImage:
    """Any number type to bytes, shape kept."""
    if pixels.dtype == np.uint8:
        return pixels
    real = pixels.dtype.kind == "f"
    kind = f"{pixels.dtype.itemsize * 8}-bit {'float' if real else 'integer'}"
    bad = int(pixels.size - np.isfinite(pixels).sum())
    if bad:
        raise FaultError(error(where, f"holds {bad} pixels that are NaN or infinite", SAVE_AGAIN))
    if pixels.dtype.kind in "ui" and (bits is not None or (convert and pixels.dtype == np.uint16)):
        return grey_by_depth(pixels, bits or 16, where)
    low, high = pixels.min(), pixels.max()
    if convert and real and low >= 0 and high <= 1:
        return np.round(pixels * 255.0).astype(np.uint8)
    raise FaultError(error(where, f"is {kind} with values {low:g} to {high:g}, not 8-bit", SAVE_AGAIN))


def _decode(path: Path, read: Callable[[BinaryIO, bool], Any]) -> Any:
    """What `read(file, is it a TIFF)` gives; a missing, empty or undecodable file is a fault.

    The first bytes tell a TIFF: names can lie, and do in the published data.
    """
    if is_pipe(path):
        raise FaultError(error(path, "is a pipe or a device, no file", "drop it from the folder"))
    try:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            if not head:
                raise FaultError(error(path, "is empty (0 bytes)", COPY_AGAIN))
            return read(file, head in TIFF_HEADS)
    except FaultError:
        raise
    except FrameError as failure:
        raise FaultError(
            error(path, f"cannot be read as an image ({failure.detail})", COPY_AGAIN)
        ) from failure
    except (FileNotFoundError, IsADirectoryError) as failure:
        raise FaultError(error(path, "is missing", "put the file back, or drop its row")) from failure
    except Exception as failure:  # decoders raise many kinds; each means that this file cannot be read
        reason = (str(failure).strip() or type(failure).__name__).splitlines()[0]
        if isinstance(failure, UnidentifiedImageError):
            reason = "of no known kind"
        raise FaultError(error(path, f"cannot be read as an image ({reason})", COPY_AGAIN)) from failure


def _read_tiff(path: Path, file: BinaryIO, page: int) -> Pixels:
    with tifffile.TiffFile(file) as tif:
        if 0 < len(tif.pages) <= page:  # large ImageJ stacks describe their first image only
            return _of_recording(path, page)
        _require_page(path, page, len(tif.pages))
        require_size(tif.pages[page].shape)
        return np.asarray(tif.pages[page].asarray())


def _read_other(path: Path, file: BinaryIO, page: int) -> Pixels:
    with Image.open(file) as picture:
        _require_page(path, page, getattr(picture, "n_frames", 1))
        return picture_pixels(picture, page)


def _of_recording(path: Path, page: int) -> Pixels:
    """Image `page` of a microscope's file, all of its axes counted through, slowest first."""
    if not path.exists():
        raise FaultError(error(path, "is missing", "put the file back, or drop its row"))
    try:
        stack = open_stack(path)
        try:
            axes = (
                stack.own_axes or "TPCZ"[: len(stack.shape) - 2] + "YX"
            )  # any letters, for counting through
            sizes = [(a, n) for a, n in zip(axes, stack.shape, strict=True) if a not in "YXS"]
            _require_page(path, page, math.prod(n for _, n in sizes))
            require_size([n for a, n in zip(axes, stack.shape, strict=True) if a in "YXS"])
            index = np.unravel_index(page, [n for _, n in sizes]) if sizes else ()
            return stack.plane(axes, {a: int(i) for (a, _), i in zip(sizes, index, strict=True)})
        finally:
            stack.close()
    except FrameError as failure:
        raise FaultError(error(path, f"cannot be read ({failure.detail})", COPY_AGAIN)) from failure
    except FaultError:
        raise
    except UserError as failure:
        what = str(failure).removeprefix(f"{path}: ")
        raise FaultError(error(path, what, COPY_AGAIN)) from failure


def _require_page(path: Path, page: int, pages: int) -> None:
    if not 0 <= page < pages:
        cure = f"name a page from 0 to {pages - 1}" if pages > 1 else "name page 0, or leave it blank"
        raise FaultError(error(path, f"has no page {page} (pages: {pages})", cure))
