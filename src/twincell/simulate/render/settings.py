"""How a scene looks, as numbers one can change. The reasons stand beside the values in presets/*.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from twincell.errors import UserError
from twincell.simulate.preset_files import faults, read_section
from twincell.simulate.scene.settings import Range, Strict


class CameraSettings(Strict):
    """From brightness to pixels."""

    gain: Range = (1.0, 1.0)
    offset: Range = (0.0, 0.0)
    drift: float = Field(default=0.0, ge=0)
    shading: float = Field(default=0.0, ge=0)
    noise: Range = (0.0, 0.0)


class BackgroundSettings(Strict):
    """What happens to a natural background before cells are drawn over it."""

    shift: float = Field(default=3.0, ge=0)
    flip_x: bool = True
    flip_y: bool = False


class WallLook(Strict):
    """The empty chamber, where no natural background is given."""

    kind: Literal["lines", "glow"]
    level: Range
    line: Range
    width: Range
    side: Range = (0.0, 0.0)
    comb: Range = (0.0, 0.0)
    halo: Range = (0.0, 0.0)
    reach: Range = (5.0, 5.0)
    apart: Range = (2.4, 2.4)
    mottle: Range = (0.0, 0.0)


class OpticsLook(Strict):
    """Bright field or phase contrast by Fourier optics; see `twincell.simulate.render.optics`."""

    renderer: Literal["optics"] = "optics"
    modality: Literal["bf", "pc"]
    oversample: int = Field(default=2, ge=1, le=4)
    defocus: Range
    blurred: float = Field(default=0.0, ge=0, le=1)
    blurred_defocus: Range = (2.0, 5.0)
    wander: float = Field(default=0.0, ge=0)
    aperture: Range
    source: Range
    ring_width: Range = (0.0, 0.0)
    ring_amplitude: Range = (1.0, 1.0)
    veil: Range = (0.0, 0.0)
    phase: Range
    steepness: Range = (1.0, 1.0)
    thickest: Range
    grain: Range
    grain_most: float = Field(default=1.0, gt=0)
    grain_skew: float = Field(default=0.0, ge=0, le=1)
    coarse: Range = (0.3, 1.0)
    oblique: Range = (0.0, 0.0)
    rim_phase: Range
    rim_absorption: Range
    rim_position: Range
    rim_width: Range
    rim_reach: Range
    rim_spread: float = Field(default=0.0, ge=0)
    rim_uneven: float = Field(default=0.0, ge=0)
    refractile: Range = (0.0, 0.0)
    refractile_factor: Range = (1.5, 2.2)
    contact: Range = (0.0, 0.0)
    beads: Range = (0.0, 0.0)
    absorption: Range
    dirt: float = Field(default=1.0, ge=0)
    disc: Range = (-0.08, -0.08)
    disc_edge: Range = (0.05, 0.05)
    disc_rings: Range = (0.0, 0.0)
    walls: WallLook
    camera: CameraSettings = CameraSettings()
    background: BackgroundSettings = BackgroundSettings()


class EllipseLook(Strict):
    """The paper's generator; grey levels are in [0, 1]."""

    renderer: Literal["ellipse"] = "ellipse"
    modality: Literal["bf", "pc"]
    rim: Range
    rim_width: float = Field(default=1.0, gt=0)
    inside: Range
    blend: float = Field(default=0.5, ge=0, le=1)
    blur: float = Field(default=1.0, gt=0)
    filter: Range = (0.0, 0.0)
    walls: WallLook
    camera: CameraSettings = CameraSettings()
    background: BackgroundSettings = BackgroundSettings(shift=0.0, flip_x=False)


Look = Annotated[OpticsLook | EllipseLook, Field(discriminator="renderer")]


def load_look(name: str, overrides: dict[str, Any] | None = None) -> OpticsLook | EllipseLook:
    """The look of a shipped preset, with dotted overrides such as {"camera.gain": [1, 1]}."""
    tree = read_section(name, "look", overrides)
    try:
        return TypeAdapter(Look).validate_python(tree)
    except ValidationError as error:
        raise UserError(faults(name, "look", error)) from error
