"""How a chamber fills its crop: all of it is seen, also of one that is wider than the template's."""

import numpy as np
import pytest

from twincell.preprocess.chambers.crop import make_cutter
from twincell.preprocess.chambers.find import Box
from twincell.preprocess.chambers.framing import FRAMINGS
from twincell.preprocess.registration.deskew import stand_upright


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize(("w", "h"), [(60.0, 100.0), (150.0, 60.0)])
def test_the_whole_chamber_lies_in_the_crop(w: float, h: float, turn: int) -> None:
    upright = stand_upright(np.zeros((300, 400), np.float32), 0.0)
    box = Box(120.0, 90.0, w, h)
    frame = FRAMINGS["box"]
    cutter = make_cutter(box, upright, frame, 64, turn)
    high, wide = (h, w) if turn == 0 else (w, h)
    assert cutter.scale * 64 == pytest.approx(max(high / frame.fill, wide * 1.04))
    points = cutter.points.reshape(-1, 2)
    assert (points.min(0) <= (box.x, box.y)).all()
    assert (points.max(0) >= (box.x + w, box.y + h)).all()
