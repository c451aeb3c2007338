"""What single images are read as, and whether numbered ones can be a time-lapse at all."""

import numpy as np
from numpy.typing import NDArray

from twincell.io.filenames import listed
from twincell.io.readers.base import FrameError
from twincell.io.recording import Recording

LOOKS = 12
"""Places of a recording that are looked at."""
FEWEST = 6
"""Images below which nothing can be said."""


def read_as(recording: Recording) -> list[str]:
    """In sentences: which single images are taken for one time-lapse, and what speaks against it."""
    if not recording.of_images or recording.alone:
        return []
    numbers = [frame.number for frame in recording.frames]
    name, span = recording.name, f"frames {min(numbers)} to {max(numbers)}"
    told = [
        f"{name}: {len(numbers)} images read as one time-lapse, by their names {span} (--single takes each "
        "for itself)"
    ]
    if not may_be_film(recording):
        told.append(
            f"{name}: neighbouring images have nothing in common, so this may be no time-lapse; if each "
            "image stands for itself, say --single"
        )
    if recording.missing:
        told.append(f"{name}: no image of frame {listed([str(n) for n in recording.missing])}")
    return told


def may_be_film(recording: Recording) -> bool:
    """Whether frames may follow one another: neighbours differ by less than a frame's own contrast.

    Images that have nothing to do with each other differ by 1.4 times their contrast (mean absolute grey
    levels around their mean); 400 single images of LDC by 1.3 times, frames of 21 published chambers by 0.2
    to 0.5. The median over up to `LOOKS` places is judged, on every fourth pixel.
    """
    n = len(recording)
    if n < FEWEST:
        return True
    differences, contrasts = [], []
    for i in np.unique(np.linspace(0, n - 2, min(LOOKS, n - 1)).round().astype(int)).tolist():
        here, after = _pixels(recording, i), _pixels(recording, i + 1)
        if here is not None and after is not None:
            differences.append(np.abs(here - after).mean())
            contrasts.append(np.abs(here).mean())
    return not differences or bool(np.median(differences) <= np.median(contrasts))


def _pixels(recording: Recording, place: int) -> NDArray[np.float64] | None:
    """Every fourth pixel of a frame without its mean; None where it cannot be read or is of another size."""
    try:
        pixels = recording.read(place)[::4, ::4].astype(float)
    except FrameError:
        return None
    return pixels - pixels.mean()
