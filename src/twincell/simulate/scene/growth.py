"""How a chamber's cells live: growth, division, loss and motion, as numbers one can change."""

from typing import Any

from pydantic import Field, ValidationError

from twincell.errors import UserError
from twincell.simulate.scene.settings import Range, Strict, faults


class GrowthSettings(Strict):
    """Settings of a time-lapse. Every chamber draws its own start, doubling time and luck."""

    frame_interval_h: float = Field(default=0.5, gt=0)
    """Hours between two frames; the published recordings last about four days."""
    start_cells: tuple[int, int] = (1, 4)
    """Cells in the first frame, as the published recordings start."""
    doubling_h: Range = (16.0, 28.0)
    """Hours in which an undisturbed chamber doubles; CHO-K1 in suspension takes about 20."""
    cycle_spread: float = Field(default=0.15, ge=0, le=0.5)
    """Log-normal spread of the cells' own cycle times about their chamber's."""
    resting_chambers: float = Field(default=0.12, ge=0, le=1)
    """Share of chambers that do not grow; one of the published ones stays at 2-4 cells."""
    resting_cells: float = Field(default=0.03, ge=0, le=1)
    """Share of newborn cells that leave the cycle and swell instead of dividing."""
    swelling: Range = (1.3, 2.2)
    """How many times the usual radius they reach, within about a doubling time."""
    death_per_h: float = Field(default=0.0015, ge=0)
    """Chance per hour that a cell starts to die; it blebs, shrinks and is gone after `dying_h`."""
    dying_h: float = Field(default=8.0, gt=0)
    """Hours from the first blebs to the last remains; such a cell still counts."""
    washout_per_h: float = Field(default=0.0015, ge=0)
    """Chance per hour that a cell leaves the chamber at once."""
    dies_out: bool = False
    """Whether a chamber may lose its last cell."""
    step: float = Field(default=0.9, ge=0)
    """px, standard deviation of a cell's random step per frame in each direction."""
    squeeze: float = Field(default=0.93, gt=0, le=1.2)
    """Distance to which neighbours push each other away, in sums of their radii."""
    most: int = Field(default=30, ge=1, le=200)
    """Cells a chamber holds; a daughter too many is washed out at once."""


def growth_settings(overrides: dict[str, Any] | None = None) -> GrowthSettings:
    """Settings with some values replaced, for example {"doubling_h": [20, 20]}.

    Raises:
        UserError: unknown key or impossible value; all faults at once.
    """
    try:
        return GrowthSettings.model_validate(overrides or {})
    except ValidationError as error:
        raise UserError(faults("simulated", "growth", error)) from error
