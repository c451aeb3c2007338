"""What `twincell import stack` may be asked for, in the user's words, and what these words mean."""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

from twincell.data.modality import asked_modality
from twincell.errors import UserError
from twincell.io.recordings import Reading
from twincell.preprocess.import_stack import Chambers

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class ImportOptions:
    """How recordings are read, and what the user says of their chambers.

    Attributes:
        modality: bf, pc or any word; goes into the manifest.
        reading: how to read the files.
        template: how a chamber fills its crop: bf, pc, box; by default that of the modality.
        size: side of the crops, px.
        chamber_size: width and height in px of the file, such as 344x456.
        boxes: a CSV of chambers given by hand.
        turn: degrees clockwise that bring the chambers' top to the top: 0, 90, 180, 270.
        resume: go on with an import that was stopped.
    """

    modality: str
    reading: Reading = field(default_factory=Reading)
    template: str | None = None
    size: int = 128
    chamber_size: str | None = None
    boxes: Path | None = None
    turn: int = 0
    resume: bool = False

    def chambers(self) -> Chambers:
        """Read the words that say what the chambers look like.

        Raises:
            UserError: every word, box and number that cannot be used, all at once.
        """
        problems: list[str] = []
        modality = self.modality
        try:
            modality = asked_modality(self.modality) or ""
        except UserError as error:
            problems += error.problems
        width_height: tuple[float, float] | None = None
        rectangles: dict[str, list[Rectangle]] = {}
        try:
            width_height = None if self.chamber_size is None else parse_size(self.chamber_size)
        except UserError as error:
            problems += error.problems
        try:
            rectangles = {} if self.boxes is None else read_boxes(self.boxes)
        except UserError as error:
            problems += error.problems
        own = self.reading
        for name, value in (("--pixel-size", own.pixel_size_um), ("--interval", own.interval_min)):
            if value is not None and not 0 < value < float("inf"):
                problems.append(f"{name} {value:g} is not above 0; leave it out where the file knows it")
        if problems:
            raise UserError(problems)
        return Chambers(modality, self.template, self.size, width_height, rectangles, self.turn)


def parse_size(text: str) -> tuple[float, float]:
    """ "344x456" as width and height in px.

    Raises:
        UserError: for anything else.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[x×,]\s*(\d+(?:\.\d+)?)\s*", text)
    if match is None or min(float(match[1]), float(match[2])) < 10:
        raise UserError(
            f"--chamber-size {text!r} is no width and height; write both in px of the file, for example "
            "344x456"
        )
    return float(match[1]), float(match[2])


def read_boxes(path: Path) -> dict[str, list[Rectangle]]:
    """Chambers given by hand: a CSV with the columns x, y, w, h (px of the first frame) and perhaps position.

    Returns:
        Rectangles by position name; those without a position under "".

    Raises:
        UserError: one sentence per line that cannot be used.
    """
    if not path.is_file():
        raise UserError(f"--boxes {path}: is missing; write a CSV with the columns x,y,w,h")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"x", "y", "w", "h"} <= set(rows.fieldnames or []):
            raise UserError(f"--boxes {path}: has the columns {rows.fieldnames}; it needs x, y, w and h")
        boxes: dict[str, list[Rectangle]] = {}
        problems = []
        for row in rows:
            try:
                x, y, w, h = (float(row[k]) for k in "xywh")
                if not (w >= 10 and h >= 10):
                    raise ValueError
            except (TypeError, ValueError):
                values = ", ".join(f"{k} {row[k]!r}" for k in "xywh")
                problems.append(
                    f"--boxes {path}, line {rows.line_num}: {values} is no box; write numbers in px"
                )
                continue
            boxes.setdefault((row.get("position") or "").strip(), []).append((x, y, w, h))
    if problems or not boxes:
        raise UserError(problems or f"--boxes {path}: has no rows; write one line per chamber")
    return boxes
