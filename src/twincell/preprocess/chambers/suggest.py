"""Chambers as they are found, in px of the first frame: what a person looks at and corrects before an
import."""

from dataclasses import dataclass

import numpy as np

from twincell.errors import UserError
from twincell.io.recording import Recording
from twincell.preprocess.chambers.layout import Wanted, first_look
from twincell.preprocess.registration.registration import Motion

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Suggestion:
    """What a first look at a position says.

    Attributes:
        boxes: (x, y, w, h) in px of the first frame, upright rectangles about their middles, as
            `Chambers.boxes` takes them.
        angle: how far the chip is turned in the frames, degrees.
        problem: why none is found, or empty.
    """

    boxes: list[Rectangle]
    angle: float
    problem: str


def suggest(recording: Recording, wanted: Wanted) -> Suggestion:
    """Look at a position and name its chambers; where none is found, say why."""
    try:
        layout = first_look(recording, wanted)
    except UserError as fault:
        return Suggestion([], 0.0, " ".join(fault.problems))
    upright, motions = layout.upright, layout.reference.motions
    first = motions[int(np.argmin(layout.samples))] if len(layout.samples) > 1 else Motion()
    boxes = []
    for chamber in layout.chambers:
        box = chamber.box
        middle = upright.to_reference(np.array([[box.x + box.w / 2, box.y + box.h / 2]]))
        x, y = first.apply(middle, upright.shape)[0]
        boxes.append((float(x - box.w / 2), float(y - box.h / 2), box.w, box.h))
    return Suggestion(boxes, layout.reference.angle, "")
