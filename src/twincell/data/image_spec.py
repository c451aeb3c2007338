"""What the numbers of an image mean: its size, number type, unit and range, and how large things are in it.

A data set says it once, in `manifest.json` beside its manifest; a model says it in its card, of the images it
was trained on. The one function that scales images to [0, 1] stands here.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twincell.documents import read_json
from twincell.errors import UserError
from twincell.faults import FaultError, error
from twincell.files import write_atomic

if TYPE_CHECKING:  # looking at data needs no torch
    from torch import Tensor

NAME = "manifest.json"
VERSION = 1

Side = Annotated[int, Field(gt=0)] | Literal["any"]
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ImageSpec(BaseModel):
    """Images as they are stored, before any model's preprocessing.

    Attributes:
        height: pixels, or "any".
        width: pixels, or "any".
        dtype: number type of the stored pixels.
        unit: what a pixel's number measures.
        range: the numbers that become 0 and 1, in `unit`; what lies outside is clipped.
        pixel_size_um: side of a pixel in micrometres; None = unknown.
        cell_diameter_px: typical diameter of a cell in pixels; None = unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    height: Side = "any"
    width: Side = "any"
    dtype: Literal["uint8", "uint16", "int16", "float32", "float64"] = "uint8"
    unit: Literal["grey level", "nm of optical path"] = "grey level"
    range: tuple[float, float] = (0.0, 255.0)
    pixel_size_um: Length | None = None
    cell_diameter_px: Length | None = None

    @model_validator(mode="after")
    def _range_is_one(self) -> "ImageSpec":
        low, high = self.range
        if not (np.isfinite(self.range).all() and low < high):
            raise ValueError(f"range {low:g} to {high:g} has no length; give the lower number first")
        return self

    def scale(self, images: "Tensor") -> "Tensor":
        """Images of any shape in this spec's own numbers to float32 in [0, 1]."""
        low, high = self.range
        return ((images.float() - low) / (high - low)).clamp(0, 1)

    def fits(self, height: int, width: int) -> bool:
        """Whether an image of this size is what the spec says."""
        return self.height in ("any", height) and self.width in ("any", width)

    def size(self) -> str:
        """The size in words, width first: `128 x 128`."""
        return f"{self.width} x {self.height}"

    def framed(self, side: int) -> "ImageSpec":
        """The spec of such images seen in square windows of `side` pixels."""
        return self.model_copy(update={"height": side, "width": side})

    def magnification_to(self, other: "ImageSpec") -> float:
        """How many times these images have to be enlarged for their cells to look as large as in `other`.

        By the cells' diameters where both are known, else by the pixel sizes where both are, else 1.
        """
        if self.cell_diameter_px and other.cell_diameter_px:
            return other.cell_diameter_px / self.cell_diameter_px
        if self.pixel_size_um and other.pixel_size_um:
            return self.pixel_size_um / other.pixel_size_um
        return 1.0


FIRST_RELEASE = ImageSpec(height=128, width=128)
"""What the first release's models were trained on: their cards say nothing, or the side alone."""

BY_DTYPE = {
    "uint8": ImageSpec(),
    "uint16": ImageSpec(dtype="uint16", range=(0.0, 65535.0)),
    "float32": ImageSpec(dtype="float32", range=(0.0, 1.0)),
    "float64": ImageSpec(dtype="float64", range=(0.0, 1.0)),
}
"""What an array means that comes without a spec: the whole range of its integers, or 0 to 1."""


def read_spec(folder: Path) -> ImageSpec:
    """The spec of the images of a folder's manifest: that of its sidecar, else 8-bit grey of any size.

    Raises:
        FaultError: the sidecar is no JSON, of a newer version, or says what no image can be. A UserError.
    """
    path = folder / NAME
    if not path.is_file():
        return ImageSpec()
    cure = "correct it, or remove it where all images are 8-bit grey"
    told = read_json(path, cure)
    if (
        not isinstance(told, dict)
        or told.get("version") != VERSION
        or not isinstance(told.get("images"), dict)
    ):
        what = f'is not {{"version": {VERSION}, "images": {{...}}}}'
        raise FaultError(error(path, what, cure))
    try:
        return ImageSpec.model_validate(told["images"])
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in ("images", *first["loc"]))
        raise FaultError(error(path, f"{place}: {first['msg']}, found {first['input']!r}", cure)) from problem


def write_spec(folder: str | Path, spec: ImageSpec) -> Path:
    """Writes the sidecar of a folder's `manifest.csv`."""
    return write_atomic(Path(folder) / NAME, spec_text(spec))


def spec_text(spec: ImageSpec) -> str:
    """What the sidecar says."""
    told = {"version": VERSION, "images": spec.model_dump(mode="json")}
    return json.dumps(told, indent=2) + "\n"


def spec_of(pixels: "Tensor | np.ndarray") -> ImageSpec:
    """What an array without a spec means, by its number type.

    Raises:
        UserError: for a type that says no range, numbers outside it, or 16 bits of which only 12 are used.
    """
    dtype = str(pixels.dtype).removeprefix("torch.")
    if dtype not in BY_DTYPE:
        raise UserError(
            f"images of type {dtype}: their range is not known; give uint8 or float in [0, 1], or name it "
            "with spec=ImageSpec(dtype=..., range=(low, high))"
        )
    spec = BY_DTYPE[dtype]
    if spec.dtype == "uint8" or 0 in pixels.shape:
        return spec
    low, high = _extremes(pixels)
    if spec.dtype == "uint16" and 0 < high < 4096:
        raise UserError(
            f"images of type uint16 with values up to {high:g}: they look like 12 bit in 16; say so with "
            "spec=ImageSpec(dtype='uint16', range=(0, 4095))"
        )
    if not (low >= spec.range[0] and high <= spec.range[1]):
        raise UserError(
            f"float images must lie in [0, 1], got values from {low:g} to {high:g}; divide 8-bit grey levels "
            "by 255, or name their range with spec=ImageSpec(dtype=..., range=(low, high))"
        )
    return spec


def _extremes(pixels: Any) -> tuple[float, float]:
    """Smallest and largest value; NaN where there is one."""
    values = pixels if isinstance(pixels, np.ndarray) else pixels.numpy(force=True)
    return float(values.min()), float(values.max())
