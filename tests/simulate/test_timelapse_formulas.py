"""Growth and death of drawn cells against their formulas."""

import math

import pytest
import torch

from twincell.simulate.draws import Draws
from twincell.simulate.preset_files import read_section
from twincell.simulate.render.settings import load_look
from twincell.simulate.scene import growth_settings
from twincell.simulate.scene.timelapse import _Cells, _radius, _RandomEvents


def cells(age: list[float], cycle_h: float = 20.0, dying: float = -1.0) -> _Cells:
    n = len(age)
    one = torch.ones(1, n)
    return _Cells(
        present=one > 0, x=one, y=one, newborn=4 * one, age=torch.tensor([age]), cycle_h=cycle_h * one,
        swell_to=1.5 * one, dying=dying * one,
    )  # fmt: skip


def test_the_volume_doubles_over_a_cycle() -> None:
    growth = growth_settings({"dying_h": 8.0})
    birth, half, end = _radius(cells([0.0, 0.5, 1.0]), growth)[0].tolist()
    assert birth == 4
    assert (half / birth) ** 3 == pytest.approx(math.sqrt(2), rel=1e-5)
    assert (end / birth) ** 3 == pytest.approx(2, rel=1e-5)


def test_a_resting_cell_swells_and_a_dying_one_shrinks() -> None:
    growth = growth_settings({"dying_h": 8.0})
    born, old = _radius(cells([0.0, 30.0], cycle_h=math.inf), growth)[0].tolist()
    assert born == 4
    assert old == pytest.approx(6, rel=1e-5)
    assert float(_radius(cells([0.0], dying=8.0), growth)[0, 0]) == pytest.approx(3)


@pytest.mark.parametrize("hours", [0.5, 4.0])
@pytest.mark.parametrize("kind", ["death", "washout"])
def test_losses_go_by_hours_not_by_frames(kind: str, hours: float) -> None:
    growth = growth_settings({f"{kind}_per_h": 0.05, "frame_interval_h": hours, "most": 200})
    events = _RandomEvents(growth, Draws(3, torch.tensor([7])), 0)
    drawn = getattr(events, kind).double()
    expected = 1 - math.exp(-0.05 * hours)
    spread = math.sqrt(expected * (1 - expected) / drawn.numel())
    assert float(drawn.mean()) == pytest.approx(expected, abs=5 * spread)


def test_the_old_name_of_the_focus_drift_is_read_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    assert read_section("optics-bf", "look", {"wander": 0.5})["focus_drift"] == 0.5
    assert "look.wander is called look.focus_drift now" in capsys.readouterr().err
    assert load_look("optics-bf", {"wander": 0.5}).focus_drift == 0.5
