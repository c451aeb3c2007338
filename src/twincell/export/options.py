"""What the user asks of an export."""

import re
from dataclasses import dataclass

from twincell.errors import UserError
from twincell.export.engines import FORMATS


@dataclass(frozen=True)
class ExportOptions:
    """How a model leaves the package.

    Attributes:
        form: "onnx" or "openvino".
        size: height and width in px of the images it will count; None: the model's own.
        diameter: px, of their cells, for models that scale images to the cells they know; None: unscaled.
        int8: count with 8-bit integers, where they lose less than `lost` and are faster on this machine.
        lost: cells, mean difference in counts that int8 may bring.

    Raises:
        UserError: options out of range, all at once.
    """

    form: str = "onnx"
    size: tuple[int, int] | None = None
    diameter: float | None = None
    int8: bool = False
    lost: float = 0.1

    def __post_init__(self) -> None:
        problems = []
        if self.form not in FORMATS:
            problems.append(f"format {self.form!r} is not known; choose one of: {', '.join(FORMATS)}")
        if self.size is not None and not all(16 <= side <= 4096 for side in self.size):
            problems.append(f"size {self.size[1]}x{self.size[0]}: give sides from 16 to 4096 pixels")
        if self.diameter is not None and not 1 <= self.diameter <= 1000:
            problems.append(f"diameter {self.diameter:g}: give the cells' diameter in pixels, from 1 to 1000")
        if not 0 < self.lost <= 10:
            problems.append(f"lost {self.lost:g}: give the cells that may be lost on average, up to 10")
        if problems:
            raise UserError(problems)


def parse_size(said: str | None) -> tuple[int, int] | None:
    """Height and width from `WIDTHxHEIGHT`, such as 700x500.

    Raises:
        UserError: it is written otherwise.
    """
    if said is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", said.strip().lower())
    if found is None:
        raise UserError(f"size {said!r}: write width and height in pixels as 700x500")
    return int(found[2]), int(found[1])
