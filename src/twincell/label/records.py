"""One thing a person did: a dot set or moved, a number typed, a frame finished, undone or redone."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Kind = Literal["dot", "gone", "number", "status", "undo", "redo", "condition"]
"""dot: set, moved or named; gone: taken away; number: typed; status: of the frame; condition: of a
chamber."""
Status = Literal["open", "done", "skipped", "unsure"]
FINISHED = ("done", "unsure")
"""A frame with one of these has an answer."""
LABELS = ("", "dividing", "dead", "unsure", "not a cell")
"""What a dot may be called on the page; "" is a living cell. Imported dots may have other words."""
NO_CELL = "not a cell"
"""Such a dot is no cell: it says that this is dirt, and counts as nothing."""
MOST_DOTS = 5_000
LARGEST_NUMBER = 99_999
LONGEST_SHOWN = 10 * 24 * 3600.0
"""Seconds; a page left open over a holiday is no measurement."""

Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
Key = Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40,
                                          pattern=r"^[^\x00-\x1f\x7f]+$")]  # fmt: skip
Pixel = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dot(_Strict):
    """A marked cell: its name within the answer, its place in px from the corner of the first pixel."""

    id: Key
    x: Pixel
    y: Pixel
    label: Word = ""


class Shown(_Strict):
    """What the person had seen of the model when this was done.

    Attributes:
        model: its count and dots in this frame.
        asked: whether the person asked for them before answering.
        curve: the chamber's curve.
        last: the faint dots of the frame counted before.
        count: the model's count as shown, cells.
    """

    model: bool = False
    asked: bool = False
    curve: bool = False
    last: bool = False
    count: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None


class Deed(_Strict):
    """What a page sends: one click or key.

    Attributes:
        key: chosen by the page, so that the same deed sent twice is kept once.
        row: the frame's row in the data set; -1 for a condition.
        round: 0 the first time a person counts a frame; 1 and more when asked again.
        kind: what was done.
        dot: of `dot`, and (its id) of `gone`.
        number: of `number`; None takes the number away.
        status: of `status`.
        chamber, condition: of `condition`.
        seconds: since the frame was put before the person.
        shown: what was to be seen of the model.
    """

    key: Key
    row: Annotated[int, Field(ge=-1, le=100_000_000)]
    round: Annotated[int, Field(ge=0, le=50)] = 0
    kind: Kind
    dot: Dot | None = None
    number: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None = None
    status: Status | None = None
    chamber: Annotated[str, StringConstraints(max_length=400)] | None = None
    condition: Word | None = None
    seconds: float = 0.0
    shown: Shown = Shown()

    @field_validator("seconds")
    @classmethod
    def _bounded(cls, value: float) -> float:
        return min(max(value, 0.0), LONGEST_SHOWN) if math.isfinite(value) else 0.0

    def value(self) -> dict[str, Any]:
        """What it sets, as it is kept.

        Raises:
            ValueError: the part that its kind needs is missing.
        """
        parts: dict[str, Any] = {
            "dot": self.dot and self.dot.model_dump(),
            "gone": self.dot and {"id": self.dot.id},
            "number": {"number": self.number},
            "status": self.status and {"status": self.status},
            "condition": self.chamber is not None
            and {"chamber": self.chamber, "condition": self.condition or ""},
            "undo": {},
            "redo": {},
        }
        found = parts[self.kind]
        if not isinstance(found, dict):
            raise ValueError(f"a record of kind {self.kind} without what it sets")
        return found


@dataclass(frozen=True)
class Record:
    """A deed as it is kept for good.

    Attributes:
        id: rises with time.
        key: see `Deed`.
        at: seconds since 1970, by the computer that keeps it.
        person: who.
        image, page: the frame, as the manifest names it; "" for a condition.
        round: see `Deed`.
        kind: see `Kind`.
        old: what stood there before, {} for nothing.
        new: what it sets; of undo and redo {"target": id}.
        seconds: since the frame was put before the person.
        shown: see `Shown`.
    """

    id: int
    key: str
    at: float
    person: str
    image: str
    page: int
    round: int
    kind: str
    old: dict[str, Any]
    new: dict[str, Any]
    seconds: float
    shown: dict[str, Any]
