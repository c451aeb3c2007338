"""Pictures of scenes."""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.simulate.draws import Draws, NotedDraws
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.render.camera import expose, over, pick_backgrounds, soften
from twincell.simulate.render.dirt import smudges
from twincell.simulate.render.ellipse import ellipses_seen, ground
from twincell.simulate.render.microscope import draw_pupil, objects_seen
from twincell.simulate.render.optics import empty_level
from twincell.simulate.render.settings import EllipseLook, OpticsLook, load_look
from twincell.simulate.render.walls import drawn_background
from twincell.simulate.scene.sample import draw_scene, in_blocks
from twincell.simulate.scene.scene import Scene

DRAWN_TOGETHER = 16
"""Scenes that `draw` renders at once."""


@dataclass
class Rendered:
    """Pictures with their truth.

    Attributes:
        images: (N, 1, 128, 128) float32 in [0, 1].
        counts: (N,) int64, cells per image.
        centres: (N, S, 2) x, y in px (pixel 0 has its centre at 0.5); NaN in unused slots, and in those of
            cells that do not count.
        radii: (N, S) px, mean radius of the cell in each slot; NaN where `centres` is.
        masks: (N, 1, 128, 128) int16, 0 = no cell that counts, k = the cell in slot k - 1.
    """

    images: Tensor
    counts: Tensor
    centres: Tensor
    radii: Tensor
    masks: Tensor

    def __getitem__(self, index: slice) -> "Rendered":
        return Rendered(**{f.name: getattr(self, f.name)[index] for f in dataclasses.fields(self)})

    @staticmethod
    def cat(parts: list["Rendered"]) -> "Rendered":
        """Several batches behind one another."""
        names = [f.name for f in dataclasses.fields(Rendered)]
        return Rendered(**{name: torch.cat([getattr(p, name) for p in parts]) for name in names})


def synthesise(
    preset: str | Preset,
    n: int,
    seed: int,
    start: int = 0,
    backgrounds: Tensor | None = None,
    device: str | torch.device = "cpu",
) -> "Rendered":
    """Images `start` .. `start + n - 1` of a seed; image i does not depend on how many are asked for.

    Args:
        preset: `ellipse-bf`, `ellipse-pc`, `optics-bf`, `optics-pc`, or own settings (`load_preset`).
        n: number of images, >= 1; multiples of 16 from a multiple of 16 cost least.
        backgrounds: (M, 1, 128, 128) natural backgrounds in [0, 1] to draw the cells over, instead of drawn
            walls.

    Raises:
        UserError: unknown preset.
    """
    chosen = load_preset(preset) if isinstance(preset, str) else preset
    size = chosen.scene.block

    def block(first: int) -> "Rendered":
        draws = Draws(seed, torch.arange(first, first + size, dtype=torch.int64, device=device))
        return _draw(chosen.look, draw_scene(chosen.scene, draws), draws, backgrounds)

    return in_blocks(start, n, size, block, Rendered.cat)


def synthesise_noted(preset: Preset, seed: int, block: int) -> tuple["Rendered", dict[str, Tensor]]:
    """The images of one block, `scene.block` of them, and what each drew for itself.

    Returns:
        The same images as `synthesise(preset, scene.block, seed, block * scene.block)`; (N,) numbers by what
        they are for, see `NotedDraws`.
    """
    size = preset.scene.block
    draws = NotedDraws(seed, torch.arange(block * size, (block + 1) * size, dtype=torch.int64))
    made = _draw(preset.look, draw_scene(preset.scene, draws), draws, None)
    return made, draws.noted


def draw(
    look: str | OpticsLook | EllipseLook,
    scene: Scene,
    seed: int,
    start: int = 0,
    backgrounds: Tensor | None = None,
    frames: Tensor | None = None,
) -> "Rendered":
    """Pictures of given scenes; the same scene and seed in two looks show the same cells.

    Args:
        look: name of a shipped look or own settings (`load_look`).
        scene: N scenes.
        start: number of the first scene: scene k is drawn with the chances of image `start + k`.
        backgrounds: as in `synthesise`.
        frames: (N,) int64; given, all N scenes are moments of chamber `start`: its look stays, its noise
            changes.
    """
    chosen = load_look(look) if isinstance(look, str) else look
    n, device = len(scene), scene.x.device
    first_id = 0 if frames is not None else start

    def block(first: int) -> "Rendered":
        ids = torch.arange(first, first + DRAWN_TOGETHER, dtype=torch.int64, device=device)
        take = (ids - first_id).clamp(0, n - 1)
        draws = Draws(seed, ids) if frames is None else Draws(seed, torch.full_like(ids, start), frames[take])
        return _draw(chosen, scene[take], draws, backgrounds)

    return in_blocks(first_id, n, DRAWN_TOGETHER, block, Rendered.cat)


def _draw(
    look: OpticsLook | EllipseLook, scene: Scene, draws: Draws, backgrounds: Tensor | None
) -> "Rendered":
    if isinstance(look, OpticsLook):
        picture, slot = _optics(look, scene, draws, backgrounds)
    else:
        picture, slot = _ellipse(look, scene, draws, backgrounds)
    radii = scene.radius.where(scene.counted, torch.nan)
    return Rendered(picture[:, None], scene.counts, scene.centres, radii, _masks(scene, slot)[:, None])


def _masks(scene: Scene, slot: Tensor) -> Tensor:
    """(N, 128, 128) int16: slot + 1 of the cell that counts, else 0."""
    counts = torch.nn.functional.pad(scene.counted, (1, 0))  # slot -1 is no cell
    one_up = slot + 1
    there = counts.gather(1, one_up.flatten(1).long()).reshape(slot.shape)
    return torch.where(there, one_up, 0)


def _optics(
    look: OpticsLook, scene: Scene, draws: Draws, backgrounds: Tensor | None
) -> tuple[Tensor, Tensor]:
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
    picture = picture * (1 + smudges(scene.dirt, look, draws))
    return expose(look.camera, picture, draws), slot


def _ellipse(
    look: EllipseLook, scene: Scene, draws: Draws, backgrounds: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Pictures (N, 128, 128) and slots (N, 128, 128), by the paper's generator."""
    if backgrounds is None:
        background = ground(look, scene, draws)
    else:
        background = pick_backgrounds(look.background, backgrounds, draws)
    picture, slot = ellipses_seen(look, scene, draws, background)
    if look.filter[1] > 0:
        picture = soften(picture, draws.between("ellipse.filter", look.filter), look.filter[1])
    return expose(look.camera, picture, draws), slot
