"""The optics renderer: from a scene to what a microscope makes of its cells."""

import math

import torch
from torch import Tensor

from twincell.simulate.draws import Draws, slow_drift
from twincell.simulate.render.dirt import bubbles_object, dirt_object
from twincell.simulate.render.field import Field, Grid, cell_field
from twincell.simulate.render.optics import Pupil, intensity
from twincell.simulate.render.settings import OpticsLook
from twincell.simulate.render.texture import STOCK, bell, look_up, stock
from twincell.simulate.scene.scene import Scene

PAD = 8
"""px around the image, so that the wrap-round of the Fourier transform stays outside."""
REACH = 4.0
"""px beyond an outline to which a cell's own light and its blebs may extend."""
NECK = 3.0
"""px over which two cells grown together share one surface."""
FAINT = 0.35
"""Depth of a cell that does not count below which its rim fades."""
GRAINS = (1.0, 2.0, 3.4)
"""px, feature sizes of the fine, coarse and lumpy texture."""


def objects_seen(look: OpticsLook, scene: Scene, draws: Draws, pupil: Pupil) -> tuple[Tensor, Tensor]:
    """Cells, specks and debris in an otherwise empty field of brightness `empty_level`.

    Returns:
        brightness (N, 128, 128); slot of each pixel's cell (N, 128, 128), -1 outside of cells.
    """
    grid = Grid(look.oversample, PAD)
    field = cell_field(scene, grid, REACH)
    phase, absorption, inside = cell_object(look, scene, draws, field, grid)
    others = dirt_object(scene.dirt, look.dirt, draws, grid), bubbles_object(scene.dirt, look, draws, grid)
    shape = (len(scene), grid.side, grid.side)
    light = torch.zeros(math.prod(shape), dtype=torch.complex64, device=phase.device)
    light[field.where] = torch.polar((-absorption).exp(), phase) - 1
    for where, delay, loss in others:
        light.index_add_(0, where, torch.polar((-loss).exp(), delay) - 1)
    seen = intensity(light.reshape(shape), pupil, grid)

    slots = torch.full((math.prod(shape),), -1, dtype=torch.int16, device=phase.device)
    slots[field.where[inside]] = (field.cell[inside] % scene.present.shape[1]).to(torch.int16)
    middle = PAD * grid.scale + grid.scale // 2
    stop = middle + seen.shape[-1] * grid.scale
    slots = slots.reshape(shape)[:, middle : stop : grid.scale, middle : stop : grid.scale]
    return seen, slots


def draw_pupil(look: OpticsLook, draws: Draws) -> Pupil:
    """The microscope of each image."""
    blurred = draws.bernoulli("pupil.blurred", look.blurred)
    defocus = draws.between("pupil.defocus", look.defocus)
    if draws.frames is not None:
        defocus = defocus + look.focus_drift * slow_drift(draws, "pupil.wander")
    side = draws.uniform("pupil.side", high=2 * math.pi)
    oblique = draws.between("pupil.oblique", look.oblique)
    return Pupil(
        defocus=torch.where(blurred, draws.between("pupil.blurred-defocus", look.blurred_defocus), defocus),
        aperture=draws.between("pupil.aperture", look.aperture),
        source=draws.between("pupil.source", look.source),
        ring_width=draws.between("pupil.ring-width", look.ring_width),
        ring_amplitude=draws.between("pupil.ring-amplitude", look.ring_amplitude),
        oblique=torch.stack([oblique * side.cos(), oblique * side.sin()], -1),
        veil=draws.between("pupil.veil", look.veil),
    )


def cell_object(
    look: OpticsLook, scene: Scene, draws: Draws, field: Field, grid: Grid
) -> tuple[Tensor, Tensor, Tensor]:
    """Phase (rad), absorption and whether inside a cell, for the samples of a field, each (P,)."""
    n, slots = scene.present.shape

    def spread(values: Tensor) -> Tensor:
        """(N, S) or (N, 1) values of cells or images, at the samples."""
        return values.expand(n, slots).flatten()[field.cell]

    def own(limits: tuple[float, float], use: str) -> Tensor:
        """(N, 1) a number of each image's own."""
        return draws.between(f"cells.{use}", limits, 1)

    start = (draws.uniform("cells.texture", slots, 2) * STOCK).long().flatten(0, 1)
    textures = stock(tuple(size * grid.scale for size in GRAINS), field.where.device)
    fine, coarse, lumps = look_up(textures, start, field.cell, field.row, field.column)

    # Px to the outline: where cells press on each other, the border runs where both are equally far. Blebs
    # bulge: the outline's maxima are round, its minima sharp, as those of |noise|.
    rough = spread(scene.bleb) * (0.8 - lumps.abs())
    border = torch.maximum(field.distance, (field.distance - field.second) * 0.5)
    edge = torch.lerp(border, joined(field.distance, field.second), spread(scene.fused)) + rough
    other = torch.maximum(field.second, (field.second - field.distance) * 0.5)

    # A ball's thickness in units of a typical cell's radius, flattened where the chamber is not high enough.
    radius, highest = scene.radius.clamp(min=0.5), own(look.thickest, "thickest")
    height = torch.minimum(radius, highest + 0.25 * (radius - highest).clamp(min=0)) / 4.5
    share = ((0.35 - edge) / spread(radius)).clamp(0, 1)
    dome = (share * (2 - share)).sqrt()
    if look.steepness != (1.0, 1.0):
        dome = dome.clamp(min=1e-3).pow(spread(own(look.steepness, "steepness")))

    mixed = spread(own(look.coarse, "coarse"))
    beads = 1 + spread(own(look.beads, "beads")) * bell((edge + 1.6) / 1.2)
    granules = (mixed * coarse + (1 - mixed) * fine + 0.15 * lumps) * beads
    granules = granules * spread(scene.grain * own(look.grain, "grain")) * torch.sigmoid(-(edge + 0.6) * 4)
    granules = look.grain_most * torch.tanh(granules / look.grain_most)
    granules = granules - look.grain_skew * granules.clamp(max=0)

    position = spread(own(look.rim_position, "rim-position"))
    width, reach = spread(own(look.rim_width, "rim-width")), spread(own(look.rim_reach, "rim-reach"))
    strength = torch.exp(look.rim_spread * draws.normal("cells.rim-strength", slots).clamp(-1.5, 2.5))
    dying = draws.bernoulli("cells.refractile", own(look.refractile, "refractile-share"), slots)
    strength = strength * torch.where(dying, draws.between("cells.dying", look.refractile_factor, slots), 1.0)
    # A ghost's rim is as faint as the rest of it.
    faint = torch.where(scene.counted, 1.0, (scene.depth / FAINT).clamp(max=1.0))
    rim = ring(edge - position, width, reach) * spread(strength * scene.depth.clamp(0.7, 1.0) * faint)
    touch = ring(other - position, width, reach)
    rim = rim * (1 + spread(own(look.contact, "contact")) * touch)
    rim = rim * (1 + look.rim_uneven * (0.6 * lumps + 0.8 * coarse)).clamp(min=0.2)

    phase = spread(own(look.phase, "phase") * scene.depth * height) * dome
    phase = phase + spread(own(look.rim_phase, "rim-phase")) * rim + granules
    absorption = spread(own(look.rim_absorption, "rim-absorption")) * rim
    absorption = (
        absorption + spread(own(look.absorption, "absorption")) * granules.clamp(min=0) / look.grain_most
    )
    if look.stain[1] > 0:
        dyed = draws.bernoulli("cells.stained", own(look.stained, "stained-share"), slots)
        absorption = absorption + spread(dyed * scene.depth * own(look.stain, "stain")) * dome
    return phase, absorption, edge < 0


def joined(nearest: Tensor, second: Tensor) -> Tensor:
    """Px to the outline of two cells grown together: a polynomial smooth minimum of both distances.

    It fills the neck between them; a sample far from the second cell keeps its distance to the nearest.
    """
    share = (1 - (second - nearest) / NECK).clamp(min=0)
    return nearest - NECK / 4 * share**2


def ring(beyond: Tensor, width: Tensor, reach: Tensor) -> Tensor:
    """A ridge along an outline: a bell of the given width on its inner side and of the given reach on its
    outer.
    """
    return bell(beyond / torch.where(beyond > 0, reach, width))
