"""Many images at once, as arrays; those that cannot be read come as faults, so that all are told together."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.data.image_spec import NAME, ImageSpec
from twincell.faults import Fault, FaultError, error
from twincell.io.images import read_grey, read_pixels
from twincell.progress import track

Pixels = NDArray[Any]


def read_all(
    paths: Sequence[Path],
    pages: Sequence[int],
    progress: bool = True,
    convert: bool = False,
    spec: ImageSpec | None = None,
) -> Iterator[Pixels | Fault]:
    """Each image as (H, W) in the order given, or the fault that kept it from being read.

    Images are 8-bit grey where the spec says nothing else; then, with `convert`, colour, 16-bit and float
    images are made grey bytes (see `twincell.io.images`). Else they come as stored, of the spec's own type.
    """
    told = spec or ImageSpec()

    def read(path: Path, page: int) -> Pixels | Fault:
        try:
            if told.dtype == "uint8":
                return read_grey(path, page, convert)
            return _native(path, page, told)
        except FaultError as problem:
            return problem.fault

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders let other threads work meanwhile
        yield from track(pool.map(read, paths, pages), "reading images", total=len(paths), show=progress)


def size_fault(image: Pixels, where: object, spec: ImageSpec) -> Fault | None:
    """The fault of an image of another size than the spec says."""
    height, width = image.shape
    if spec.fits(height, width):
        return None
    what = f"is {width} x {height} pixels, not {spec.size()}"
    return error(where, what, f"crop and resize it, or say another size in {NAME}")


def _native(path: Path, page: int, spec: ImageSpec) -> Pixels:
    """An image as it is stored; its type has to be the one promised, its pixels numbers."""
    pixels = read_pixels(path, page)
    if pixels.ndim != 2:
        what = f"has shape {pixels.shape}, not one grey picture"
        raise FaultError(error(path, what, "save one grey picture per file or page"))
    if str(pixels.dtype) != spec.dtype:
        raise FaultError(
            error(path, f"is {pixels.dtype}, not {spec.dtype}", f"save it so, or correct {NAME}")
        )
    if bad := int(pixels.size - np.isfinite(pixels).sum()):
        what = f"holds {bad} pixels that are NaN or infinite"
        raise FaultError(error(path, what, "save it again, every pixel a number"))
    return pixels
