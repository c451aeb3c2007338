"""First look at a position: its reference, its rotation, its chambers and what is usual in its frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.errors import UserError
from twincell.io.bit_depth import full_scale
from twincell.io.readers.base import FrameError
from twincell.io.recording import Recording
from twincell.preprocess.chambers.crop import Cutter, make_cutter
from twincell.preprocess.chambers.find import LEAST, Box, find_chambers
from twincell.preprocess.chambers.framing import Framing
from twincell.preprocess.chambers.walls import WallPoints, smoothed
from twincell.preprocess.intensity import Background, GreyScale, background, grey_scale
from twincell.preprocess.quality_control import Marks, Seen, Usual, measure, refuse_unusable
from twincell.preprocess.registration.deskew import Upright, stand_upright
from twincell.preprocess.registration.reference import Reference, build_reference
from twincell.preprocess.registration.registration import Motion

SAMPLES = 15
"""Frames of a position that make its reference."""
SAMPLE_PIXELS = 24_000_000
"""All samples together: bounds the memory of the first look to about 300 MB."""


@dataclass(frozen=True)
class Wanted:
    """What the user says of the chambers.

    Attributes:
        framing: how a chamber fills its crop.
        size: side of the crops, px.
        chamber_size: width and height of the chambers in source px, as they stand in the picture, or None.
        boxes: (x, y, w, h) in px of the first frame, upright rectangles about their middles; or None.
        turn: quarter turns clockwise that bring the chambers' top to the top.
    """

    framing: Framing
    size: int = 128
    chamber_size: tuple[float, float] | None = None
    boxes: Sequence[tuple[float, float, float, float]] | None = None
    turn: int = 0


@dataclass(frozen=True)
class Chamber:
    """One chamber of a position.

    Attributes:
        number: from 1, row by row.
        box: its walls in the upright picture.
        cutter, scale: how it is cut out and made grey.
        walls: which of the reference's wall points are its own.
    """

    number: int
    box: Box
    cutter: Cutter
    scale: GreyScale
    walls: NDArray[np.intp]


def make_chamber(
    number: int, box: Box, upright: Upright, walls: WallPoints, wanted: Wanted, scale: GreyScale
) -> Chamber:
    """A chamber from its box; its own walls are those within 4 px of the box."""
    cutter = make_cutter(box, upright, wanted.framing, wanted.size, wanted.turn)
    x, y = (upright.from_reference(walls.xy) - [box.x, box.y]).T
    own = (x > -4) & (y > -4) & (x < box.w + 4) & (y < box.h + 4)
    return Chamber(number, box, cutter, scale, np.flatnonzero(own))


@dataclass(frozen=True)
class Layout:
    """All that is needed to turn a position's frames into crops."""

    reference: Reference
    upright: Upright
    background: Background
    chambers: Sequence[Chamber]
    usual: Usual
    edge: float
    samples: Sequence[int]


def first_look(recording: Recording, wanted: Wanted) -> Layout:
    """Looks at a few frames spread over a recording and lays out how all are to be treated.

    Raises:
        UserError: frames are too small for a chamber, none can be used, they show nothing, or no chamber is
            found; with what was seen and what to do.
    """
    _refuse_small(recording)
    places, frames, usual = _samples(recording)
    reference = _reference(recording, frames)
    light = background(reference.image, reference.spread)
    upright = stand_upright(reference.image, reference.angle)
    boxes = _boxes(recording, wanted, upright, reference, places)
    smooth = [smoothed(f) for f in frames]
    gains = [light.gain(f, m) for f, m in zip(smooth, reference.motions, strict=True)]
    edges = [m.gain / g for m, g in zip(reference.motions, gains, strict=True) if g > 0]
    chambers = []
    for number, box in enumerate(boxes, 1):
        cutter = make_cutter(box, upright, wanted.framing, wanted.size, wanted.turn)
        crops = [
            cutter.cut(f, m)[0] / g for f, m, g in zip(frames, reference.motions, gains, strict=True) if g > 0
        ]
        low, high = np.percentile(np.stack(crops), [0.05, 99.95])
        median = cutter.cut(reference.image, Motion())[0]
        scale = grey_scale(median, float(high), float(low), wanted.framing)
        chambers.append(make_chamber(number, box, upright, reference.walls, wanted, scale))
    return Layout(
        reference,
        upright,
        light,
        chambers,
        usual,
        float(np.median(edges)),
        [recording.frames[i].number for i in places],
    )


def orientation_hints(layout: Layout, wanted: Wanted) -> list[str]:
    """What looks wrong with the orientation: bright-field chambers are open at the top, by their pillars."""
    if wanted.framing.name != "bf" or not layout.chambers or wanted.boxes is not None:
        return []
    sides = np.median([c.box.sides for c in layout.chambers], axis=0)  # left, right, top, bottom
    # Which side is open in the picture, and by how many quarter turns clockwise it would come to the top.
    to_top = {0: 90, 1: 270, 2: 0, 3: 180}[int(np.argmin(sides))]
    if to_top == wanted.turn or sides.max() - sides.min() < 0.2:
        return []
    return [f"the chambers' open side looks to lie elsewhere than at the top; try --turn {to_top}"]


def sample_places(n: int, pixels: int) -> NDArray[np.intp]:
    """Which of n frames make the reference: up to `SAMPLES`, fewer where frames are large."""
    most = int(np.clip(SAMPLE_PIXELS // max(pixels, 1), 3, SAMPLES))
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.intp))


def _refuse_small(recording: Recording) -> None:
    height, width = recording.shape
    if min(height, width) < LEAST:
        raise UserError(
            f"{recording.source}: the frames of {recording.name} are {height} x {width} px, smaller than any "
            f"chamber ({LEAST:g} px to a side); give the microscope's own frames"
        )


def _reference(recording: Recording, frames: Sequence[NDArray[Any]]) -> Reference:
    try:
        return build_reference(frames)
    except FrameError as fault:
        raise UserError(
            f"{recording.source}: {recording.name} shows {fault.detail}, and no walls to lay frames by; look "
            "at the file, and name the right channel or focal plane with --channel or --z"
        ) from fault


def _samples(recording: Recording) -> tuple[list[int], list[NDArray[Any]], Usual]:
    """Frames for the reference that are not damaged, and what is usual in them."""
    n = len(recording)
    found: list[tuple[int, NDArray[Any]]] = []
    seen = Seen()
    reason = "there are none"
    wanted = sample_places(n, recording.shape[0] * recording.shape[1])
    taken: set[int] = set()
    for place in wanted:
        # A damaged frame is stood in for by its nearest neighbour, so that the others stay what they would
        # be.
        for i in _outwards(int(place), n, 6):
            if i in taken:
                continue
            taken.add(i)
            try:
                frame = recording.read(i)
                refuse_unusable(frame)
                seen.check(frame, i)
            except FrameError as fault:
                reason = str(fault)
                continue
            found.append((i, frame))
            break
    if not found:
        raise UserError(
            f"{recording.source}: no frame of {recording.name} can be used ({reason}); copy it again"
        )
    highest = float(np.median([f.max() for _, f in found]))
    ceiling = full_scale(highest, recording.dtype)
    if recording.depth:
        ceiling = max(ceiling, 2.0**recording.depth.bits - 1)
    marks = [measure(f, ceiling) for _, f in found]
    usual = Usual.of(marks, ceiling)
    good = [k for k, m in enumerate(marks) if _passes(usual, m)]
    return [found[k][0] for k in good], [found[k][1] for k in good], usual


def _outwards(place: int, n: int, reach: int) -> list[int]:
    """place, place + 1, place - 1, place + 2, ... as far as there are frames."""
    order = [place, *(place + sign * k for k in range(1, reach + 1) for sign in (1, -1))]
    return [i for i in order if 0 <= i < n]


def _passes(usual: Usual, marks: Marks) -> bool:
    try:
        usual.refuse(marks)
    except FrameError:
        return False
    return True


def _boxes(
    recording: Recording,
    wanted: Wanted,
    upright: Upright,
    reference: Reference,
    places: Sequence[int],
) -> list[Box]:
    if wanted.boxes is not None:
        return _given_boxes(wanted.boxes, upright, reference, places)
    aspect = wanted.framing.aspect
    if aspect is not None and wanted.turn % 180:
        aspect = 1 / aspect
    if wanted.chamber_size is not None:
        aspect = None
    boxes = find_chambers(upright.image, upright.inside, wanted.chamber_size, aspect)
    if boxes:
        return boxes
    raise UserError(_nothing_found(recording, wanted, find_chambers(upright.image, upright.inside)))


def _given_boxes(
    given: Sequence[tuple[float, float, float, float]],
    upright: Upright,
    reference: Reference,
    places: Sequence[int],
) -> list[Box]:
    """Boxes in px of the first frame as boxes in the upright picture, about the same middles."""
    first = reference.motions[int(np.argmin(places))] if len(places) > 1 else Motion()
    boxes = []
    for x, y, w, h in given:
        middle = first.undo(np.array([[x + w / 2, y + h / 2]]), upright.shape)
        cx, cy = upright.from_reference(middle)[0]
        boxes.append(Box(float(cx - w / 2), float(cy - h / 2), w, h))
    return boxes


def _nothing_found(recording: Recording, wanted: Wanted, others: Sequence[Box]) -> str:
    where = f"{recording.source}: no chamber is found in {recording.name}"
    if others:
        sizes = f"{others[0].w:.0f} x {others[0].h:.0f} px"
        if wanted.chamber_size is not None:
            w, h = wanted.chamber_size
            return (
                f"{where} of the size given ({w:g} x {h:g} px), but {len(others)} of {sizes}; "
                "mend --chamber-size"
            )
        return (
            f"{where} of the proportions of --template {wanted.framing.name}, but {len(others)} of {sizes}; "
            "add --template box, or --turn 90 where they lie on their side"
        )
    return f"{where}; give their size with --chamber-size, or their places with --boxes"
