"""How a scene looks, as numbers one can change. presets/*.yaml give the reasons for their values."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from twincell.errors import UserError
from twincell.simulate.preset_files import faults, read_section
from twincell.simulate.scene.settings import Range, Strict


class CameraSettings(Strict):
    """From brightness to pixels."""

    gain: Range = (1.0, 1.0)
    """Contrast about the image's mean, as a factor."""
    offset: Range = (0.0, 0.0)
    """Grey level (0..1) added to the image."""
    drift: float = Field(default=0.0, ge=0)
    """Largest relative change of the light within a recording."""
    shading: float = Field(default=0.0, ge=0)
    """Largest relative change of the light towards the border, in each direction."""
    noise: Range = (0.0, 0.0)
    """Standard deviation of the pixel noise, in grey levels (0..1)."""


class BackgroundSettings(Strict):
    """What happens to a natural background before cells are drawn over it."""

    shift: float = Field(default=3.0, ge=0)
    """px, largest shift in x and in y."""
    flip_x: bool = True
    """Whether it may be mirrored left to right."""
    flip_y: bool = False
    """Whether it may be mirrored upside down."""


class WallLook(Strict):
    """The empty chamber, where no natural background is given."""

    kind: Literal["lines", "glow", "plain", "ruled", "round"]
    """lines: dark walls with light seams (bright field); glow: bright walls (phase contrast); plain: none;
    ruled: lines of a counting chamber; round: the rim of a droplet or well."""
    level: Range
    """Grey level (0..1) of the empty chamber."""
    line: Range
    """Light that a wall takes, relative to `level` (lines), or adds, in grey levels (glow)."""
    width: Range
    """px, half width of a wall's line."""
    side: Range = (0.0, 0.0)
    """Brightness of the seams beside a wall, relative to `level`."""
    comb: Range = (0.0, 0.0)
    """Brightness of the comb's gaps per px^2 of defocus, relative to `level`."""
    halo: Range = (0.0, 0.0)
    """Brightness of a wall's halo, in grey levels (glow)."""
    reach: Range = (5.0, 5.0)
    """px over which the halo falls to 1/e."""
    apart: Range = (2.4, 2.4)
    """px between the two lines of a wall."""
    mottle: Range = (0.0, 0.0)
    """Standard deviation of the empty field's clouds, relative to `level`."""
    rules: Range = (0.0, 0.0)
    """Lines of a counting chamber in an image (ruled)."""
    streaks: float = Field(default=0.0, ge=0, le=1)
    """Share of images with a wide, blurred band across (ruled)."""
    packed: float = Field(default=0.0, ge=0, le=1)
    """Share of images with neighbouring droplets (round)."""
    lens: Range = (0.0, 0.0)
    """Brightness of a droplet's middle, relative to `level` (round)."""
    outside: Range = (0.0, 0.0)
    """Brightness outside of a droplet, relative to `level` (round)."""


class OpticsLook(Strict):
    """Bright field or phase contrast by Fourier optics; see `twincell.simulate.render.optics`."""

    renderer: Literal["optics"] = "optics"
    """Names this renderer."""
    modality: Literal["bf", "pc"]
    """bf: bright field; pc: phase contrast."""
    oversample: int = Field(default=2, ge=1, le=4)
    """Samples per px of the wave field."""
    defocus: Range
    """px^2, of most images."""
    blurred: float = Field(default=0.0, ge=0, le=1)
    """Share of images out of focus as a whole."""
    blurred_defocus: Range = (2.0, 5.0)
    """px^2, of those."""
    focus_drift: float = Field(default=0.0, ge=0)
    """px^2, largest slow change of the focus within a recording."""
    aperture: Range
    """Cycles / px, frequency at which half the amplitude passes."""
    source: Range
    """Cycles / px, radius of the lamp in the pupil."""
    ring_width: Range = (0.0, 0.0)
    """Cycles / px, width of the phase ring; its inverse is the halo's reach."""
    ring_amplitude: Range = (1.0, 1.0)
    """Share of the direct light's amplitude that the phase ring passes."""
    veil: Range = (0.0, 0.0)
    """Stray light, added to the brightness."""
    phase: Range
    """rad in the middle of a typical cell."""
    steepness: Range = (1.0, 1.0)
    """Power of the ball's thickness: from 1, a ball, to lenses."""
    thickest: Range
    """px, height to which the chamber flattens cells."""
    grain: Range
    """rad, standard deviation of the granules inside."""
    grain_most: float = Field(default=1.0, gt=0)
    """rad at which granules level off."""
    grain_skew: float = Field(default=0.0, ge=0, le=1)
    """0 = granules thin cells as often as they thicken them, 1 = they only thicken them."""
    coarse: Range = (0.3, 1.0)
    """Share of coarse (2 px) granules against fine (1 px) ones."""
    oblique: Range = (0.0, 0.0)
    """px, how far light comes from one side: slopes of the phase towards it brighten."""
    rim_phase: Range
    """rad that the membrane adds, seen edge on."""
    rim_absorption: Range
    """Share of light that the rim takes."""
    rim_position: Range
    """px outside of the outline."""
    rim_width: Range
    """px, half width on the inner side."""
    rim_reach: Range
    """px, half width on the outer side."""
    rim_spread: float = Field(default=0.0, ge=0)
    """Log-normal standard deviation of the rim between cells of an image."""
    rim_uneven: float = Field(default=0.0, ge=0)
    """Standard deviation of the rim along one cell, relative to the rim."""
    refractile: Range = (0.0, 0.0)
    """Share of dying cells with a thick rim."""
    refractile_factor: Range = (1.5, 2.2)
    """Their rim, times the usual."""
    contact: Range = (0.0, 0.0)
    """Strength of the border between touching cells, relative to a free rim; below 0 it is taken off."""
    beads: Range = (0.0, 0.0)
    """How much stronger granules are below the rim, relative to those inside."""
    absorption: Range
    """Share of light that granules take."""
    stained: Range = (0.0, 0.0)
    """Share of cells that took up a dye; below 0 none."""
    stain: Range = (0.0, 0.0)
    """Absorption in the middle of those."""
    dirt: float = Field(default=1.0, ge=0)
    """Strength of specks, debris and smudges, as a factor."""
    disc: Range = (-0.08, -0.08)
    """Brightness of a round smudge, relative to the field."""
    disc_edge: Range = (0.05, 0.05)
    """Brightness of its edge, relative to the field."""
    disc_rings: Range = (0.0, 0.0)
    """Brightness of the fine rings within it, relative to the field."""
    walls: WallLook
    """The empty chamber."""
    camera: CameraSettings = CameraSettings()
    """From brightness to pixels."""
    background: BackgroundSettings = BackgroundSettings()
    """Of natural backgrounds."""


class EllipseLook(Strict):
    """The paper's generator; grey levels are in [0, 1]."""

    renderer: Literal["ellipse"] = "ellipse"
    """Names this renderer."""
    modality: Literal["bf", "pc"]
    """bf: bright field; pc: phase contrast."""
    rim: Range
    """Grey level (0..1) of a cell's outline."""
    rim_width: float = Field(default=1.0, gt=0)
    """px."""
    inside: Range
    """Grey level (0..1) inside a cell."""
    blend: float = Field(default=0.5, ge=0, le=1)
    """Weight of a cell's blurred drawing against the sharp one, from 0 to 1."""
    blur: float = Field(default=1.0, gt=0)
    """px, standard deviation of the smoothing of cells."""
    filter: Range = (0.0, 0.0)
    """px, standard deviation of the smoothing of the whole image."""
    walls: WallLook
    """The empty chamber."""
    camera: CameraSettings = CameraSettings()
    """From grey levels to pixels."""
    background: BackgroundSettings = BackgroundSettings(shift=0.0, flip_x=False)
    """Of natural backgrounds."""


Look = Annotated[OpticsLook | EllipseLook, Field(discriminator="renderer")]


def load_look(name: str, overrides: dict[str, Any] | None = None) -> OpticsLook | EllipseLook:
    """The look of a shipped preset, with dotted overrides such as {"camera.gain": [1, 1]}."""
    tree = read_section(name, "look", overrides)
    try:
        return TypeAdapter(Look).validate_python(tree)
    except ValidationError as error:
        raise UserError(faults(name, "look", error)) from error
