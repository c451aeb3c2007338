"""The registry of readers: which file is of which format, and who reads it.

A new format is one file, a class as `base.Stack` describes it, and one line in `FORMATS`. Readers are
imported when their first file is opened, so a format costs nothing, and needs no package, until it is used.
"""

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twincell.errors import UserError
from twincell.io.readers.base import Stack

TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # both byte orders, plain and Big


@dataclass(frozen=True)
class Format:
    """One line of the registry.

    Attributes:
        name: as users know it.
        suffixes: of its files, in small letters with the dot.
        reader: "module:class" of the class that opens one.
        holds: "one" image a file, "many" (a recording), or "either", which only the file itself can tell.
        marks: names inside a folder by which it is known to be one "file" of this format.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    holds: Literal["one", "many", "either"] = "many"
    marks: tuple[str, ...] = ()


FORMATS: list[Format] = [
    Format("TIFF", (".tif", ".tiff", ".btf", ".tf8"), f"{__name__}.tiff:TiffStack", "either"),
    Format("ND2", (".nd2",), f"{__name__}.nd2:Nd2Stack"),
    Format("CZI", (".czi",), f"{__name__}.czi:CziStack"),
    Format("OME-Zarr", (".zarr",), f"{__name__}.zarr:ZarrStack", marks=(".zattrs", ".zarray", "zarr.json")),
    Format("PNG", (".png",), f"{__name__}.pictures:PictureFile", "one"),
    Format("JPEG", (".jpg", ".jpeg"), f"{__name__}.pictures:PictureFile", "one"),
    Format("BMP", (".bmp",), f"{__name__}.pictures:PictureFile", "one"),
    Format("GIF", (".gif",), f"{__name__}.pictures:PictureFile", "either"),
    Format("WebP", (".webp",), f"{__name__}.pictures:PictureFile", "either"),
]


def format_of(path: Path) -> Format | None:
    """The format of a file (or of a folder that is one, as Zarr's are) by its name; None for any other."""
    suffix, is_folder = path.suffix.lower(), os.path.isdir(path)  # no error for a name too long for any file
    for known in FORMATS:
        if suffix in known.suffixes and (known.marks or not is_folder):
            return known
        if known.marks and is_folder and any((path / mark).exists() for mark in known.marks):
            return known
    return None


def is_image_file(path: Path) -> bool:
    """Whether a file stands there, or a folder that is one, as Zarr's are."""
    try:
        return path.is_file() or (path.is_dir() and format_of(path) is not None)
    except OSError:  # a name longer than any file's, a folder that may not be looked into
        return False


def open_stack(path: Path) -> Stack:
    """Opens a file of any known format; headers are read, no image.

    Raises:
        UserError: it is of no known format, cannot be opened, or its reader is not installed.
    """
    if is_pipe(path):
        raise UserError(f"{path}: is a pipe or a device, no file; drop it from the folder")
    known = format_of(path)
    # Among single images the first bytes tell: names can lie, and do in published data.
    if known is None or (known.holds != "many" and _is_tiff(path)):
        known = FORMATS[0]
    module, name = known.reader.split(":")
    stack: Stack = getattr(importlib.import_module(module), name)(path)
    return stack


def is_pipe(path: Path) -> bool:
    """Whether something stands there that is neither file nor folder: to open a pipe would wait for ever."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def known_formats() -> str:
    """The formats' names, for messages."""
    names = [known.name for known in FORMATS]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _is_tiff(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in TIFF_HEADS
    except OSError:  # its reader names the fault
        return False
