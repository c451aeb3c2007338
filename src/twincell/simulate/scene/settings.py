"""What may be in a chamber, as numbers one can change. The reasons stand beside the values in
presets/*.yaml.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twincell.errors import UserError
from twincell.simulate.preset_files import faults, read_section

MOST_VISITORS = 2  # cells in doors that do not count, in one chamber

Range = Annotated[tuple[float, float], Field(description="uniform between these two")]


class Strict(BaseModel):
    """Settings that refuse unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CountSettings(Strict):
    """How many cells: P(k) is proportional to offset - k for least <= k <= most (the paper's generator)."""

    least: int = Field(default=1, ge=0)
    most: int = Field(default=30, ge=0, le=60)
    offset: float = 36.0
    weights: list[float] | None = None  # instead of the rule: relative weight of least, least + 1, ..., most

    @model_validator(mode="after")
    def _possible(self) -> "CountSettings":
        if self.most < self.least:
            raise ValueError(f"counts.most = {self.most} is below counts.least = {self.least}")
        if self.weights is None and self.offset <= self.most:
            raise ValueError(f"counts.offset = {self.offset} must exceed counts.most = {self.most}")
        if self.weights is not None and len(self.weights) != self.most - self.least + 1:
            raise ValueError(f"counts.weights needs {self.most - self.least + 1} values, one per count")
        if self.weights is not None and (min(self.weights) < 0 or sum(self.weights) <= 0):
            raise ValueError("counts.weights must be >= 0 and not all 0")
        return self

    def table(self) -> list[float]:
        """Probability of `least`, `least` + 1, ..., `most`."""
        raw = self.weights or [self.offset - k for k in range(self.least, self.most + 1)]
        return [w / sum(raw) for w in raw]


class CellSettings(Strict):
    """Size and shape of a cell."""

    radius: Range
    per_cell: bool = False
    spread: float = Field(default=0.0, ge=0)
    swollen_images: float = Field(default=0.0, ge=0, le=1)
    swollen: Range = (0.0, 0.0)
    swollen_factor: Range = (1.4, 2.6)
    swollen_depth: Range = (0.4, 0.9)
    swollen_grain: float = Field(default=1.0, ge=0)
    swollen_lobes: float = Field(default=1.0, ge=0)
    stretch: Range = (1.0, 1.1)
    long: float = Field(default=0.0, ge=0, le=1)
    long_stretch: Range = (1.3, 1.8)
    sides: Range | None = None
    lobes: float = Field(default=0.0, ge=0)
    blebbing_images: float = Field(default=0.0, ge=0, le=1)
    blebbing: float = Field(default=0.0, ge=0, le=1)
    bleb: Range = (0.4, 1.2)
    smooth: float = Field(default=0.0, ge=0)
    fused_images: float = Field(default=0.0, ge=0, le=1)
    fused: Range = (0.0, 0.0)
    rosette_images: float = Field(default=0.0, ge=0, le=1)
    petals: Range = (4, 9)
    petal_factor: Range = (1.1, 1.7)
    petal_fused: Range = (0.8, 1.0)
    grain: Range = (0.5, 1.5)
    depth: Range = (0.8, 1.2)


class PlaceSettings(Strict):
    """Where cells may lie."""

    margins: tuple[float, float, float, float] | None = None
    inset: Range = (0.0, 0.0)
    keep_in: float = Field(default=0.0, ge=0, le=1)
    doors: float = Field(default=0.0, ge=0, le=1)
    threshold: float = Field(default=2.5, ge=0, le=6)
    visitors: float = Field(default=0.0, ge=0, le=MOST_VISITORS)
    overlap: float = Field(default=0.0, ge=0)
    squeeze: Range = (1.0, 1.0)
    fused_squeeze: Range = (1.0, 1.0)
    touching: float = Field(default=0.0, ge=0, le=1)
    crowding: float = Field(default=0.0, ge=0, le=1)
    crowd_width: Range = (10.0, 30.0)
    tries: int = Field(default=16, ge=1)
    smallest: float = Field(default=0.5, ge=0, le=1)


class ChamberSettings(Strict):
    """The walls."""

    style: Literal["none", "pillars", "channels"] = "none"
    left: Range = (0.0, 0.0)
    top: Range = (0.0, 0.0)
    width: Range = (128.0, 128.0)
    height: Range = (128.0, 128.0)
    tilt: float = 0.0
    rounding: Range = (0.0, 0.0)
    pillar_width: Range = (11.0, 11.0)
    pillar_depth: Range = (9.0, 9.0)
    foot: tuple[float, float] = (0.0, 0.0)
    comb_pitch: Range = (3.4, 3.4)
    comb_phase: Range = (0.0, 0.0)
    comb_length: Range = (4.0, 4.0)
    channel_width: Range = (17.0, 17.0)


class DirtSettings(Strict):
    """Specks, rings and debris: mean number per chamber (Poisson) and size."""

    specks: float = Field(default=0.0, ge=0)
    speck_radius: Range = (0.6, 1.5)
    speck_bright: float = Field(default=0.0, ge=0, le=1)
    rings: float = Field(default=0.0, ge=0)
    discs: float = Field(default=0.0, ge=0, le=1)
    ring_radius: Range = (3.0, 14.0)
    bubbles: float = Field(default=0.0, ge=0)
    bubble_radius: Range = (0.9, 2.2)
    debris: float = Field(default=0.0, ge=0)
    debris_radius: Range = (1.0, 2.5)


class SceneSettings(Strict):
    """Everything a scene is drawn from."""

    block: int = Field(
        default=16, ge=1
    )  # images computed together, see `twincell.simulate.scene.sample.in_blocks`
    counts: CountSettings = CountSettings()
    cells: CellSettings
    place: PlaceSettings
    chamber: ChamberSettings = ChamberSettings()
    dirt: DirtSettings = DirtSettings()


def load_scene_settings(name: str, overrides: dict[str, Any] | None = None) -> SceneSettings:
    """The settings of a shipped preset, with dotted overrides such as {"counts.most": 5}."""
    tree = read_section(name, "scene", overrides)
    try:
        return SceneSettings.model_validate(tree)
    except ValidationError as error:
        raise UserError(faults(name, "scene", error)) from error
