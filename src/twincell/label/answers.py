"""What a person says of a frame: all that was done there, one after the other, undone things left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from twincell.label.records import FINISHED, NO_CELL, Record


@dataclass
class Answer:
    """One person's word on one frame, one time round.

    Attributes:
        person, image, page, round: whose, and on what.
        dots: by id: {id, x, y, label}, in the order in which they were set.
        number: typed instead of dots; None where none is.
        status: open, done, skipped, unsure.
        at: when it was last changed, seconds since 1970.
        seconds: from the frame's first showing to the last change.
        blind: whether nothing of the model's was shown before the answer was finished.
        records: what it comes from, by id.
        undone: ids of records that are undone.
    """

    person: str
    image: str
    page: int
    round: int
    dots: dict[str, dict[str, Any]] = field(default_factory=dict)
    number: int | None = None
    status: str = "open"
    at: float = 0.0
    seconds: float = 0.0
    blind: bool = True
    records: dict[int, Record] = field(default_factory=dict)
    undone: list[int] = field(default_factory=list)

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The dots that are cells."""
        return [dot for dot in list(self.dots.values()) if dot["label"] != NO_CELL]

    @property
    def dotted(self) -> bool:
        """Whether the count comes from dots, or from a number that says the same."""
        return self.number is None or self.number == len(self.cells)

    @property
    def count(self) -> int | None:
        """Cells, of a frame that is finished; else None."""
        if self.status not in FINISHED:
            return None
        return len(self.cells) if self.number is None else self.number

    @property
    def draft(self) -> bool:
        """Whether something was begun and not finished."""
        return self.status == "open" and (self.number is not None or bool(self.dots))

    def take(self, record: Record) -> None:
        """Take one more record in, the newest there is."""
        self.records[record.id] = record
        self.at = record.at
        if record.kind == "undo":
            target = record.new.get("target", -1)
            if target in self.records and target not in self.undone:
                self.undone.append(target)
            self._again()
        elif record.kind == "redo":
            if record.new.get("target") in self.undone:
                self.undone.remove(record.new["target"])
            self._again()
        else:
            self.seconds = max(self.seconds, record.seconds)
            if self.status not in FINISHED and record.shown.get("model"):
                self.blind = False
            self._apply(record)

    def to_undo(self) -> int | None:
        """The id of the record that undo takes back next."""
        deeds = [
            i for i, r in self.records.items() if r.kind not in ("undo", "redo") and i not in self.undone
        ]
        return deeds[-1] if deeds else None

    def to_redo(self) -> int | None:
        """The id of the record that redo brings back; none once something new was done."""
        if not self.undone:
            return None
        last = max((i for i, r in self.records.items() if r.kind not in ("undo", "redo")), default=-1)
        undo = max((i for i, r in self.records.items() if r.kind == "undo"), default=-1)
        return self.undone[-1] if undo > last else None

    def before(self, kind: str, new: dict[str, Any]) -> dict[str, Any]:
        """What stands where a record of this kind would set something."""
        if kind in ("dot", "gone"):
            return dict(self.dots.get(new["id"], {}))
        if kind == "number":
            return {"number": self.number}
        return {"status": self.status} if kind == "status" else {}

    def _again(self) -> None:
        self.dots, self.number, self.status = {}, None, "open"
        for number, record in self.records.items():
            if record.kind not in ("undo", "redo") and number not in self.undone:
                self._apply(record)

    def _apply(self, record: Record) -> None:
        new = record.new
        if record.kind == "dot":
            self.dots[new["id"]] = dict(new)
            self.number = None  # who sets a dot counts by dots
        elif record.kind == "gone":
            self.dots.pop(new["id"], None)
            self.number = None
        elif record.kind == "number":
            self.number = new["number"]
        elif record.kind == "status":
            self.status = new["status"]


Frame = tuple[str, int]
"""A frame as the manifest names it: image and page."""
Key = tuple[str, str, int, int]
"""person, image, page, round."""


class Answers:
    """All answers of all people, kept up as records come.

    Attributes:
        conditions: by chamber, the last word.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._by_key: dict[Key, Answer] = {}
        self._by_frame: dict[Frame, list[Answer]] = {}
        self.conditions: dict[str, str] = {}
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Take one more record in."""
        if record.kind == "condition":
            self.conditions[record.new["chamber"]] = record.new["condition"]
            return
        self._own(record.person, record.image, record.page, record.round).take(record)

    def of(self, person: str, image: str, page: int, round_: int = 0) -> Answer:
        """One person's answer; an empty one where there is none."""
        return self._by_key.get((person, image, page, round_)) or Answer(person, image, page, round_)

    def on(self, image: str, page: int) -> list[Answer]:
        """Every answer on a frame, first come first."""
        return self._by_frame.get((image, page), [])

    def all(self) -> list[Answer]:
        """Every answer, first come first."""
        return list(self._by_key.values())

    def final(self, image: str, page: int) -> Answer | None:
        """The answer that stands for a frame.

        One that a person gave, never a mean: its count is the (lower) median of all that people said last,
            and
        one with dots goes before one without, a later one before an earlier.
        """
        last: dict[str, Answer] = {}
        for answer in self.on(image, page):
            if answer.count is not None and answer.round >= last.get(answer.person, answer).round:
                last[answer.person] = answer
        if not last:
            return None
        said = sorted(last.values(), key=_said)
        middle = said[(len(said) - 1) // 2].count
        return max((a for a in said if a.count == middle), key=lambda a: (a.dotted, a.at))

    def frames(self) -> list[Frame]:
        """Every frame that anything was done on."""
        return list(self._by_frame)

    def _own(self, person: str, image: str, page: int, round_: int) -> Answer:
        key = (person, image, page, round_)
        if key not in self._by_key:
            answer = self._by_key[key] = Answer(*key)
            self._by_frame.setdefault((image, page), []).append(answer)
        return self._by_key[key]


def _said(answer: Answer) -> int:
    return answer.count or 0
