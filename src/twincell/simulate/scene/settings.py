"""What may be in a chamber, as numbers one can change. Each preset in presets/*.yaml gives the reasons for
its values.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twincell.errors import UserError
from twincell.simulate.preset_files import faults, read_section

MOST_VISITORS = 2
"""Cells in doors that do not count, in one chamber."""

Range = Annotated[tuple[float, float], Field(description="uniform between these two")]


class Strict(BaseModel):
    """Settings that refuse unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CountSettings(Strict):
    """How many cells: P(k) is proportional to offset - k for least <= k <= most (the paper's generator)."""

    least: int = Field(default=1, ge=0)
    """Fewest cells of an image."""
    most: int = Field(default=30, ge=0, le=200)
    """Most cells of an image."""
    offset: float = 36.0
    """P(k) is proportional to this minus k; has to exceed `most`."""
    weights: list[float] | None = None
    """Relative weight of least, least + 1, ..., most, in place of the rule; None = the rule."""

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
    """px, the typical radius of a chamber's cells."""
    per_cell: bool = False
    """Whether every cell draws its own radius from the range, in place of one typical radius a chamber."""
    whole: bool = False
    """Whether typical radii and `sides` are whole px, limits as likely as what lies between (the paper's
    generator)."""
    spread: float = Field(default=0.0, ge=0)
    """Log-normal standard deviation of radii between the cells of one chamber."""
    swollen_images: float = Field(default=0.0, ge=0, le=1)
    """Share of chambers that have swollen cells."""
    swollen: Range = (0.0, 0.0)
    """Share of swollen cells in such a chamber."""
    swollen_factor: Range = (1.4, 2.6)
    """Radius of a swollen cell in usual radii."""
    swollen_depth: Range = (0.4, 0.9)
    """Optical thickness of a swollen cell, relative to that of its size."""
    swollen_grain: float = Field(default=1.0, ge=0)
    """Granules of a swollen cell, times the usual."""
    swollen_lobes: float = Field(default=1.0, ge=0)
    """Unevenness of a swollen cell's outline, times the usual."""
    stretch: Range = (1.0, 1.1)
    """Long axis over short axis of most cells."""
    long: float = Field(default=0.0, ge=0, le=1)
    """Share of elongated cells."""
    long_stretch: Range = (1.3, 1.8)
    """Long axis over short axis of elongated cells."""
    sides: Range | None = None
    """px by which the left and the upper side of a disc 2 r + 1 px wide move to the right and down, half of
    it at radius 3: below 0 the cell grows (the paper's generator). None = not."""
    lobes: float = Field(default=0.0, ge=0)
    """Unevenness of an outline, relative to the radius."""
    blebbing_images: float = Field(default=0.0, ge=0, le=1)
    """Share of chambers with blebbing cells."""
    blebbing: float = Field(default=0.0, ge=0, le=1)
    """Share of blebbing cells in such a chamber."""
    bleb: Range = (0.4, 1.2)
    """px, roughness of a blebbing outline."""
    smooth: float = Field(default=0.0, ge=0)
    """px, roughness of a healthy outline, at most."""
    fused_images: float = Field(default=0.0, ge=0, le=1)
    """Share of chambers whose clumps have grown together, so that borders vanish."""
    fused: Range = (0.0, 0.0)
    """How far clumps have grown together in such a chamber: 0 = not, 1 = no border left."""
    rosette_images: float = Field(default=0.0, ge=0, le=1)
    """Share of chambers with a rosette: large cells grown together round one, like petals."""
    petals: Range = (4, 9)
    """Cells of a rosette round the middle one; the upper limit is excluded."""
    petal_factor: Range = (1.1, 1.7)
    """Radius of a petal in usual radii."""
    petal_fused: Range = (0.8, 1.0)
    """How far petals have grown together: 0 = not, 1 = no border left."""
    grain: Range = (0.5, 1.5)
    """Strength of a cell's granules, times that of the look."""
    depth: Range = (0.8, 1.2)
    """Optical thickness of a cell, relative to that of its size."""
    ghosts: float = Field(default=0.0, ge=0, le=6)
    """Mean number of faint remains in an image, which do not count."""
    ghost_depth: Range = (0.05, 0.3)
    """Their optical thickness, relative to that of their size."""
    ghost_factor: Range = (0.4, 1.1)
    """Their radius in usual radii."""


class PlaceSettings(Strict):
    """Where cells may lie."""

    margins: tuple[float, float, float, float] | None = None
    """px that cells keep from the left, right, upper and lower border; None = inside the walls."""
    margins_bind: Literal["centres", "edges"] = "centres"
    """What keeps the margins: the middles, or the edges that cells have before their sides move (the paper's
    generator)."""
    inset: Range = (0.0, 0.0)
    """px from the wall to the outermost centre, one value a chamber."""
    keep_in: float = Field(default=0.0, ge=0, le=1)
    """Share of its radius that a cell keeps from the wall."""
    doors: float = Field(default=0.0, ge=0, le=1)
    """Share of cells on the threshold of a door; they count."""
    threshold: float = Field(default=2.5, ge=0, le=6)
    """px into a door up to which a cell counts."""
    visitors: float = Field(default=0.0, ge=0, le=MOST_VISITORS)
    """Mean number of cells beyond the threshold of a door; they are drawn and do not count."""
    overlap: float = Field(default=0.0, ge=0)
    """px by which neighbours may come nearer than `squeeze` allows."""
    squeeze: Range = (1.0, 1.0)
    """Least distance of neighbours in sums of their radii, one value a chamber."""
    fused_squeeze: Range = (1.0, 1.0)
    """The same in chambers whose clumps have grown together."""
    touching: float = Field(default=0.0, ge=0, le=1)
    """Share of cells placed beside another one."""
    crowding: float = Field(default=0.0, ge=0, le=1)
    """Share of chambers where cells gather in one part."""
    crowd_width: Range = (10.0, 30.0)
    """px, standard deviation of their places there."""
    tries: int = Field(default=16, ge=1)
    """Places tried for a cell before it is made smaller."""
    smallest: float = Field(default=0.5, ge=0, le=1)
    """Share of its radius down to which a cell without room shrinks."""


class ChamberSettings(Strict):
    """The walls."""

    style: Literal["none", "pillars", "channels", "round"] = "none"
    """none: no walls; pillars: with pillars at the top and a comb below; channels: with inlets; round: a
    droplet or well, `width` across."""
    left: Range = (0.0, 0.0)
    """px from the image's left border to the chamber."""
    top: Range = (0.0, 0.0)
    """px from the image's upper border to the chamber."""
    width: Range = (128.0, 128.0)
    """px, inner width."""
    height: Range = (128.0, 128.0)
    """px, inner height."""
    tilt: float = 0.0
    """rad, largest rotation of the chamber in the image."""
    rounding: Range = (0.0, 0.0)
    """px, radius of the corners."""
    pillar_width: Range = (11.0, 11.0)
    """px along the wall."""
    pillar_depth: Range = (9.0, 9.0)
    """px into the chamber."""
    foot: tuple[float, float] = (0.0, 0.0)
    """px by which the side walls step inwards, and px below the pillars' tips where they do."""
    comb_pitch: Range = (3.4, 3.4)
    """px from tooth to tooth of the comb."""
    comb_phase: Range = (0.0, 0.0)
    """px by which the comb is shifted."""
    comb_length: Range = (4.0, 4.0)
    """px, length of the comb's teeth."""
    channel_width: Range = (17.0, 17.0)
    """px, width of an inlet."""


class DirtSettings(Strict):
    """Specks, rings and debris: mean number per chamber (Poisson) and size."""

    specks: float = Field(default=0.0, ge=0)
    """Mean number of specks."""
    speck_radius: Range = (0.6, 1.5)
    """px."""
    speck_bright: float = Field(default=0.0, ge=0, le=1)
    """Share of specks that are bright."""
    rings: float = Field(default=0.0, ge=0)
    """Mean number of smudges: dust out of focus."""
    discs: float = Field(default=0.0, ge=0, le=1)
    """Share of smudges that are round with an edge, like a cell."""
    ring_radius: Range = (3.0, 14.0)
    """px, of smudges."""
    bubbles: float = Field(default=0.0, ge=0)
    """Mean number of small blebs beside cells; they do not count."""
    bubble_radius: Range = (0.9, 2.2)
    """px."""
    debris: float = Field(default=0.0, ge=0)
    """Mean number of remains of dead cells; they do not count."""
    debris_radius: Range = (1.0, 2.5)
    """px."""


class SceneSettings(Strict):
    """Everything a scene is drawn from."""

    block: int = Field(default=16, ge=1)
    """Images computed together, see `twincell.simulate.scene.sample.in_blocks`."""
    counts: CountSettings = CountSettings()
    """How many cells."""
    cells: CellSettings
    """Their size and shape."""
    place: PlaceSettings
    """Where they lie."""
    chamber: ChamberSettings = ChamberSettings()
    """The walls."""
    dirt: DirtSettings = DirtSettings()
    """What is there besides cells."""


def load_scene_settings(name: str, overrides: dict[str, Any] | None = None) -> SceneSettings:
    """The settings of a shipped preset, with dotted overrides such as {"counts.most": 5}."""
    tree = read_section(name, "scene", overrides)
    try:
        return SceneSettings.model_validate(tree)
    except ValidationError as error:
        raise UserError(faults(name, "scene", error)) from error
