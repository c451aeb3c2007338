"""Names of chambers and of their crops' files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def chamber_name(position: str, number: int) -> str:
    """The manifest's word for a chamber."""
    return f"{position}-ch{number:02}"


def image_path(position: str, number: int, frame: int) -> str:
    """Where a crop lies, relative to the result folder."""
    return f"images/{chamber_name(position, number)}/t{frame:05}.png"


def write_png(file: Path, image: NDArray[np.uint8]) -> None:
    """Writes a grey picture under a temporary name and renames it."""
    # No fsync: the journal's line follows the picture, and an interrupted frame is made again.
    temporary = file.with_name(f".{file.name}.tmp")
    Image.fromarray(image).save(temporary, format="PNG")
    temporary.replace(file)
