"""Many images at once, as arrays; those that cannot be read come as faults, so that all are told together."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twincell.faults import Fault, FaultError, error
from twincell.io.images import GreyImage, read_grey
from twincell.progress import track

SIZE = 128  # pixels, the side of every image that a network sees


def read_all(
    paths: Sequence[Path], pages: Sequence[int], progress: bool = True, convert: bool = False
) -> Iterator[GreyImage | Fault]:
    """Each image as (H, W) uint8 in the order given, or the fault that kept it from being read.

    With `convert` colour, 16-bit and float images are made grey bytes (see `twincell.io.images`).
    """

    def read(path: Path, page: int) -> GreyImage | Fault:
        try:
            return read_grey(path, page, convert)
        except FaultError as problem:
            return problem.fault

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders let other threads work meanwhile
        yield from track(pool.map(read, paths, pages), "reading images", total=len(paths), show=progress)


def size_fault(image: GreyImage, where: object) -> Fault | None:
    """The fault of an image that is not 128 x 128."""
    if image.shape == (SIZE, SIZE):
        return None
    height, width = image.shape
    return error(
        where, f"is {width} x {height} pixels, not {SIZE} x {SIZE}", "crop the chamber and resize it"
    )
