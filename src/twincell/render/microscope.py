"""The optics renderer: from a scene to what a microscope's camera sees of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from twincell.render.field import Field, cell_field
from twincell.render.optics import Pupil, empty_level, intensity
from twincell.render.settings import OpticsLook
from twincell.render.texture import grain
from twincell.scene.random import Draws
from twincell.scene.scene import SIZE, Scene

PAD = 8  # px around the image, so that the wrap-round of the Fourier transform stays outside
REACH = 3.0  # px beyond a cell's outline that blebs may need


def cells_seen(look: OpticsLook, scene: Scene, draws: Draws) -> tuple[Tensor, Tensor]:
    """What cells make of an empty field: brightness (N, 128, 128) relative to it, and the slot of each pixel's cell."""
    scale = look.oversample
    side = (SIZE + 2 * PAD) * scale
    field = cell_field(scene, SIZE, scale, PAD, REACH)
    fine, coarse = grain(draws, "cells.fine", side, scale), grain(draws, "cells.coarse", side, 2 * scale)
    phase, absorption, label = cell_object(look, scene, draws, field, fine, coarse)
    pupil = draw_pupil(look, draws)
    seen = intensity(phase, absorption, pupil, scale)
    seen = F.avg_pool2d(seen[:, None], scale)[:, 0, PAD:-PAD, PAD:-PAD]
    middle = scale // 2
    label = label[:, middle::scale, middle::scale][:, PAD:-PAD, PAD:-PAD]
    return seen, label, empty_level(pupil)


def draw_pupil(look: OpticsLook, draws: Draws) -> Pupil:
    """The microscope of each image."""
    blurred = draws.chance("pupil.blurred", look.blurred)
    defocus = draws.between("pupil.defocus", look.defocus)
    return Pupil(
        defocus=torch.where(blurred, draws.between("pupil.blurred-defocus", look.blurred_defocus), defocus),
        aperture=draws.between("pupil.aperture", look.aperture),
        source=draws.between("pupil.source", look.source),
        ring_width=draws.between("pupil.ring-width", look.ring_width),
        ring_amplitude=draws.between("pupil.ring-amplitude", look.ring_amplitude),
    )


def cell_object(
    look: OpticsLook, scene: Scene, draws: Draws, field: Field, fine: Tensor, coarse: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Phase (rad), absorption and slot (-1 = no cell), each (N, H, W)."""

    def own(use: str, limits: tuple[float, float]) -> Tensor:
        return draws.between(use, limits)[:, None, None]

    near = field.slot >= 0
    radius = field.of(scene.radius).clamp(min=0.5)
    # Px to the outline: where cells press on each other, the border runs where both are equally far.
    edge = torch.maximum(field.distance, (field.distance - field.second) * 0.5)
    edge = edge + field.of(scene.bleb) * coarse * near
    inside = torch.sigmoid(-(edge + 0.6) * 4) * near
    # A ball's thickness, flattened where it is higher than the chamber lets it be.
    share = ((0.35 - edge) / radius).clamp(0, 1)
    dome = torch.sqrt(share * (2 - share) + 1e-6) - 1e-3
    highest = own("cells.thickest", look.thickest)
    height = torch.minimum(radius, highest + 0.25 * (radius - highest).clamp(min=0)) / 4.5
    granules = inside * field.of(scene.grain) * (0.6 * coarse + fine) * own("cells.grain", look.grain)
    phase = own("cells.phase", look.phase) * field.of(scene.depth) * height * dome + granules
    width = own("cells.rim-width", look.rim_width)
    absorption = own("cells.rim", look.rim) * torch.exp(-((edge / width) ** 2)) * near
    absorption = absorption + own("cells.absorption", look.absorption) * granules.clamp(min=0)
    return phase, absorption, torch.where(edge < 0, field.slot, -1)
