"""What damaged frames become: skipped with the reason, or kept and flagged."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.recording_toys import bf_field, film, in_memory, pc_field
from twincell.preprocess.chambers.framing import framing_for
from twincell.preprocess.chambers.layout import Wanted, first_look
from twincell.preprocess.frames import treat_frame
from twincell.preprocess.quality_control import Seen
from twincell.preprocess.registration.registration import Motion


def _stripes(frame: np.ndarray) -> np.ndarray:
    rows = np.random.default_rng(0).normal(0, 40, (len(frame), 1))
    return np.clip(frame + rows, 0, 255).astype(np.uint8)


def _specks(frame: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(0).random(frame.shape) < 0.03, 255, frame).astype(np.uint8)


def _noise(frame: np.ndarray) -> np.ndarray:
    noisy = frame + np.random.default_rng(0).normal(0, 60, frame.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _torn(frame: np.ndarray) -> np.ndarray:
    torn = frame.copy()
    torn[len(torn) // 3 :] = 128
    return torn


def _shuffled(frame: np.ndarray) -> np.ndarray:
    """Another place of the chip, as far as registration can tell."""
    return np.ascontiguousarray(np.roll(frame[::-1, ::-1].T.ravel(), 777).reshape(frame.shape))


DAMAGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "black": np.zeros_like,
    "white": lambda frame: np.full_like(frame, 255),
    "flat": lambda frame: np.full_like(frame, 77),
    "dark": lambda frame: (frame * 0.15).astype(np.uint8),
    "saturated": lambda frame: np.clip(frame * (230 / np.median(frame)) + 60, 0, 255).astype(np.uint8),
    "inverted": lambda frame: 255 - frame,
    "stripes": _stripes,
    "specks": _specks,
    "noise": _noise,
    "torn": _torn,
    "no walls": _shuffled,
    "size": lambda frame: frame[:-20],
    "type": lambda frame: frame.astype(np.uint16),
}


@pytest.fixture(scope="module", params=["bf", "pc"])
def clean(request: pytest.FixtureRequest) -> Any:
    made = film(bf_field(1, 2, 1.1, 4) if request.param == "bf" else pc_field(1, 2, 1.1, 4), 40, 2)
    return made, first_look(in_memory(made.frames), Wanted(framing_for(None, request.param)))


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_a_damaged_frame_is_skipped_with_the_reason(clean: Any, kind: str) -> None:
    made, layout = clean
    recording = in_memory([*made.frames[:3], DAMAGE[kind](made.frames[3])])
    result = treat_frame(recording, layout, 3, Motion(), Seen())
    # Some damage shows in more ways than one: too much light may end as glare, grain as specks.
    alike = {"saturated": {"saturated", "glaring", "white"}, "noise": {"noise", "specks"}}
    alike |= {"no walls": {"no walls", "stripes", "noise", "specks"}}
    # Dim phase contrast turns bright; a fit that starts far off may find no walls at all.
    alike |= {"inverted": {"inverted", "glaring", "no walls"}}
    assert result.fault in alike.get(kind, {kind})
    assert result.detail
    assert not result.crops


def test_no_undamaged_frame_is_taken_for_damaged(clean: Any) -> None:
    made, layout = clean
    recording = in_memory(made.frames)
    last, faults = Motion(), []
    for i in range(0, len(made.frames), 4):
        result = treat_frame(recording, layout, i, last, Seen())
        last = result.motion or last
        faults.append((result.fault, result.flag, result.hidden))
    assert set(map(str, faults)) == {str(("", "", []))}


def test_a_blurred_frame_is_kept_and_flagged(clean: Any) -> None:
    made, layout = clean
    blurred = np.rint(gaussian_filter(made.frames[3].astype(float), 3)).astype(np.uint8)
    result = treat_frame(in_memory([blurred]), layout, 0, Motion(), Seen())
    assert (result.fault, result.flag) == ("", "out of focus")
    assert len(result.crops) == 2


def test_a_chamber_under_a_bubble_is_flagged_alone() -> None:
    made = film(bf_field(1, 3, 1.1, 4), 4)
    layout = first_look(in_memory(made.frames), Wanted(framing_for(None, "bf")))
    frame = made.frames[3].astype(float)
    x, y = (int(v) for v in made.field.box_centres()[0])
    w, h = int(made.field.width / 2 + 12), int(made.field.height / 2 + 12)
    ys, xs = np.mgrid[-h:h, -w:w]
    ring = np.exp(-(((np.hypot(xs, ys) - 40) / 9) ** 2))
    frame[y - h : y + h, x - w : x + w] = np.median(frame) * (1 - 0.3 * ring)
    result = treat_frame(in_memory([np.rint(frame).astype(np.uint8)]), layout, 0, Motion(), Seen())
    assert (result.fault, result.flag) == ("", "")
    assert list(result.hidden) == [1]
    assert sorted(result.crops) == [1, 2, 3]
