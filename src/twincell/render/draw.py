"""Pictures of scenes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.render.camera import expose, over, pick_backgrounds
from twincell.render.microscope import cells_seen
from twincell.render.settings import EllipseLook, OpticsLook, load_look
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


def _draw(
    look: OpticsLook | EllipseLook, scene: Scene, draws: Draws, backgrounds: Tensor | None
) -> Rendered:
    seen, slot, empty = cells_seen(look, scene, draws)
    if backgrounds is not None:
        background = pick_backgrounds(look.background, backgrounds, draws)
    else:
        level = draws.between("camera.level", look.camera.level)[:, None, None] if look.camera.level else empty[:, None, None]
        background = torch.ones_like(seen) * level
    level = background.mean((1, 2)) if look.modality == "bf" else empty
    picture = over(background, seen / empty[:, None, None] * level[:, None, None], level)
    picture = expose(look.camera, picture, draws)
    return Rendered(picture[:, None], scene.counts, scene.centres, slot[:, None] + 1)
