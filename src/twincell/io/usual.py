"""What most frames of a recording are like, learnt from a few of them; damaged ones have no say."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from twincell.errors import UserError
from twincell.io.readers.base import FrameError
from twincell.io.recording import Frame, grey

LOOKED_AT = 9  # frames opened
Kind = tuple[tuple[int, int], np.dtype[Any]]


def usual_kind(
    frames: Sequence[Frame], source: str, shape: tuple[int, int] | None, loose: bool = False
) -> tuple[tuple[int, int], np.dtype[Any], float]:
    """The size and number type of most of a few frames, and the highest value that is usual in these.

    Args:
        frames: of one recording.
        source: the file or folder, for messages.
        shape: the size by the file's word, or None.
        loose: where the first frame that can be read holds bytes, no other is asked; none is no fault.

    Raises:
        UserError: nothing can be read, or what can be read is no grey image.
    """
    places = np.unique(np.linspace(0, len(frames) - 1, LOOKED_AT).round().astype(int))
    kinds: Counter[Kind] = Counter()
    highest: defaultdict[Kind, list[float]] = defaultdict(list)
    fault = "no frames"
    for i in places:
        try:
            image = grey(frames[int(i)].load())
        except FrameError as failure:
            fault = str(failure)
            continue
        kind = (image.shape[0], image.shape[1]), image.dtype
        if shape is None or image.shape == shape:
            kinds[kind] += 1
            highest[kind].append(float(image.max()))
        if loose and all(dtype == np.uint8 for _, dtype in kinds):
            break
    if not kinds and loose:
        return shape or (0, 0), np.dtype(np.uint8), 0.0
    if not kinds:
        raise UserError(
            f"{source}: none of {len(places)} frames looked at can be read ({fault}); copy it again"
        )
    usual = kinds.most_common(1)[0][0]
    if usual[1].kind not in "uif" or usual[1].itemsize > 8:
        raise UserError(f"{source}: holds {usual[1]} pixels; save it as 8- or 16-bit grey")
    return *usual, float(np.median(highest[usual]))
