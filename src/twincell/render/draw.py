"""Pictures of scenes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.render.camera import expose, over, pick_backgrounds
from twincell.render.dirt import smudges
from twincell.render.microscope import draw_pupil, objects_seen
from twincell.render.optics import empty_level
from twincell.render.settings import EllipseLook, OpticsLook, load_look
from twincell.render.walls import drawn_background
from twincell.scene.random import Draws
from twincell.scene.sample import BLOCK, draw_scene, in_blocks
from twincell.scene.scene import Scene
from twincell.scene.settings import SceneSettings, load_scene_settings


@dataclass
class Rendered:
    """Pictures with their truth.

    Attributes:
        images: (N, 1, 128, 128) float32 in [0, 1].
        counts: (N,) int64, cells per image.
        centres: (N, S, 2) x, y in px (pixel 0 has its centre at 0.5); NaN in unused slots.
        masks: (N, 1, 128, 128) int64, 0 = no cell, k = the cell in slot k - 1.
    """

    images: Tensor
    counts: Tensor
    centres: Tensor
    masks: Tensor

    def __getitem__(self, index: slice) -> Rendered:
        return Rendered(**{f.name: getattr(self, f.name)[index] for f in dataclasses.fields(self)})

    @staticmethod
    def cat(parts: list[Rendered]) -> Rendered:
        """Several batches behind one another."""
        names = [f.name for f in dataclasses.fields(Rendered)]
        return Rendered(**{name: torch.cat([getattr(p, name) for p in parts]) for name in names})


def synthesise(
    preset: str | tuple[SceneSettings, OpticsLook | EllipseLook],
    n: int,
    seed: int,
    start: int = 0,
    backgrounds: Tensor | None = None,
    device: str | torch.device = "cpu",
) -> Rendered:
    """Images `start` .. `start + n - 1` of a seed; image i does not depend on how many are asked for.

    Args:
        preset: `ellipse-bf`, `ellipse-pc`, `optics-bf`, `optics-pc`, or own settings of scene and look.
        n: number of images, >= 1; multiples of 16 from a multiple of 16 cost least.
        backgrounds: (M, 1, 128, 128) natural backgrounds in [0, 1] to draw the cells over, instead of drawn walls.

    Raises:
        UserError: unknown preset.
    """
    settings, look = (load_scene_settings(preset), load_look(preset)) if isinstance(preset, str) else preset

    def block(first: int) -> Rendered:
        ids = torch.arange(first, first + BLOCK, dtype=torch.int64, device=device)
        draws = Draws(seed, ids)
        return _draw(look, draw_scene(settings, draws), draws, backgrounds)

    return in_blocks(start, n, block, Rendered.cat)


def _optics(look: OpticsLook, scene: Scene, draws: Draws, backgrounds: Tensor | None) -> tuple[Tensor, Tensor]:
    """Pictures (N, 128, 128) and slots (N, 128, 128), by Fourier optics."""
    pupil = draw_pupil(look, draws)
    seen, slot = objects_seen(look, scene, draws, pupil)
    empty = empty_level(pupil)
    if backgrounds is None:
        background = drawn_background(look.walls, scene.chamber, draws, pupil.defocus)
    else:
        background = pick_backgrounds(look.background, backgrounds, draws)
    if look.modality == "bf":
        # Bright field is relative: the same cells under half the light are half as bright.
        level = background.mean((1, 2))
        seen, empty = seen * (level / empty)[:, None, None], level
    picture = over(background, seen, empty)
    picture = picture * (1 + smudges(scene.dirt, look.dirt))
    return expose(look.camera, picture, draws), slot


def _draw(
    look: OpticsLook | EllipseLook, scene: Scene, draws: Draws, backgrounds: Tensor | None
) -> Rendered:
    picture, slot = _optics(look, scene, draws, backgrounds)
    return Rendered(picture[:, None], scene.counts, scene.centres, slot[:, None] + 1)
