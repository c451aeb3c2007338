"""One frame: checked, laid against the reference, and cut into the chambers' grey crops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twincell.io.readers.base import FrameError
from twincell.io.recording import Recording
from twincell.preprocess.chambers.layout import Chamber, Layout
from twincell.preprocess.chambers.walls import smoothed
from twincell.preprocess.quality_control import BLURRED, Seen, measure, refuse_motion, refuse_unusable
from twincell.preprocess.registration.registration import Motion, register, wall_score

COVERED = 0.4
"""Score of a chamber's own walls below which something hides them, or their focus is another."""
MOST_OUTSIDE = 0.1
"""Part of a crop that may lie outside the frame."""


@dataclass
class FrameResult:
    """What became of a frame.

    Attributes:
        number: the frame's number.
        motion: how it lies against the reference; None where that could not be told.
        gain: how many times brighter it is than the reference.
        focus: its edge strength as part of the usual.
        fault, detail: why it is skipped, or empty.
        flag: why it is kept but not to be trusted, or empty.
        hidden: numbers of the chambers whose walls are not seen as usual; their crops are kept.
        crops: by chamber number, (size, size) uint8.
        lost: by chamber number, why this chamber alone is skipped: (fault, detail).
        digest: fingerprint of the raw pixels.
    """

    number: int
    motion: Motion | None = None
    gain: float = 1.0
    focus: float = 1.0
    fault: str = ""
    detail: str = ""
    flag: str = ""
    hidden: Sequence[int] = ()
    crops: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    lost: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    digest: str = ""


def treat_frame(recording: Recording, layout: Layout, i: int, last: Motion, seen: Seen) -> FrameResult:
    """Reads frame i and makes its crops; a fault of the frame is a result, not an error.

    Args:
        last: the motion of the last good frame, to start from.
        seen: fingerprints of the frames before.
    """
    result = FrameResult(recording.frames[i].number)
    try:
        frame = recording.read(i)
        refuse_unusable(frame)
        result.digest = seen.check(frame, result.number)
        layout.usual.refuse(measure(frame, layout.usual.ceiling))
        smooth = smoothed(frame)
        result.motion = register(smooth, layout.reference.walls, layout.reference.coarse, last)
        result.gain = max(layout.background.gain(smooth, result.motion), 1e-6)
        result.focus = result.motion.gain / result.gain / layout.edge if layout.edge > 0 else 1.0
        refuse_motion(result.motion)
    except FrameError as fault:
        result.fault, result.detail = fault.kind, fault.detail
        return result
    if result.focus < BLURRED:
        result.flag = "out of focus"
    crops, lost, hidden = {}, {}, []
    for chamber in layout.chambers:
        try:
            crops[chamber.number] = _crop(frame, chamber, result.motion, result.gain)
        except FrameError as fault:
            lost[chamber.number] = (fault.kind, fault.detail)
            continue
        if wall_score(smooth, layout.reference.walls, chamber.walls, result.motion) < COVERED:
            hidden.append(chamber.number)
    result.crops, result.lost, result.hidden = crops, lost, hidden
    return result


def _crop(frame: NDArray, chamber: Chamber, motion: Motion, gain: float) -> NDArray[np.uint8]:
    crop, outside = chamber.cutter.cut(frame, motion)
    if outside > MOST_OUTSIDE:
        raise FrameError("out of view", f"{outside:.0%} of the crop lies outside the picture")
    return chamber.scale.grey(crop, gain)
