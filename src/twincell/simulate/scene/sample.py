"""Scenes drawn from a preset."""

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.doors import WIDEST, visitor_slots, visitors
from twincell.simulate.scene.ghosts import fade, ghost_slots, ghosts
from twincell.simulate.scene.place import place
from twincell.simulate.scene.scene import SIZE, Scene
from twincell.simulate.scene.settings import CellSettings, CountSettings, SceneSettings, load_scene_settings
from twincell.simulate.scene.surroundings import bubbles, chamber, dirt

Part = TypeVar("Part")

SHOWN = 0.4
"""radii a middle may lie out of view for its cell to count: people count cells cut by the border."""


def in_blocks(
    start: int, n: int, size: int, make: Callable[[int], Part], join: Callable[[list[Part]], Part]
) -> Part:
    """Images start .. start + n - 1 from whole blocks, block b being images size * b .. size * (b + 1) - 1.

    Floating-point kernels round differently at the end of a tensor than in its middle. Computing always the
    same blocks keeps image i bit-equal whatever is asked together with it; what is made too much at either
    end is dropped, so multiples of `size` cost least.

    Raises:
        ValueError: n below 1 or start below 0.
    """
    if n < 1 or start < 0:
        raise ValueError(f"n must be >= 1 and start >= 0, not n = {n} and start = {start}")
    first, last = start // size, -(-(start + n) // size)
    whole = join([make(block * size) for block in range(first, last)])
    return whole[start - first * size : start - first * size + n]  # type: ignore[index]


def sample(
    preset: str | SceneSettings, n: int, seed: int, start: int = 0, device: str | torch.device = "cpu"
) -> Scene:
    """Scenes `start` .. `start + n - 1` of a seed; scene i does not depend on how many are asked for.

    Args:
        preset: `ellipse-bf`, `ellipse-pc`, `optics-bf`, `optics-pc`, or settings of one's own.
        n: number of scenes, >= 1.

    Raises:
        UserError: unknown preset.
    """
    settings = load_scene_settings(preset) if isinstance(preset, str) else preset

    def block(first: int) -> Scene:
        ids = torch.arange(first, first + settings.block, dtype=torch.int64, device=device)
        return draw_scene(settings, Draws(seed, ids))

    return in_blocks(start, n, settings.block, block, Scene.cat)


def draw_scene(settings: SceneSettings, draws: Draws) -> Scene:
    """One scene per id of `draws`."""
    most = max(settings.counts.most, 1)
    cells = most + ghost_slots(settings.cells)
    slots = cells + visitor_slots(settings.place)
    counts = draw_counts(settings.counts, draws)
    counted = torch.arange(slots, device=draws.device) < counts[:, None]
    walls = chamber(settings.chamber, draws)
    present = counted.clone()
    present[:, most:cells] = ghosts(settings.cells, draws)
    present[:, cells:] = visitors(settings.place, draws, walls)
    shape, aside = _shapes(settings.cells, draws, slots)
    fade(settings.cells, draws, shape, most, cells)
    radius = shape.pop("radius")
    radius[:, cells:].clamp_(max=WIDEST)
    # Room is measured by the longer half axis where cells are ellipses, so that the overlap limit holds for
    # them.
    reach = shape["stretch"].sqrt() if settings.cells.sides else torch.ones_like(radius)
    fusing = shape["fused"][:, 0] > 0
    petal = petals(settings.cells, draws, slots) if settings.cells.rosette_images else None
    within = None
    if settings.place.margins_bind == "edges":
        # A side moved by m px shortens the half axis by m / 2 and shifts the middle by as much.
        across, along = radius * shape["stretch"].sqrt(), radius / shape["stretch"].sqrt()
        level = shape["tilt"] == 0
        axes = torch.stack([torch.where(level, across, along), torch.where(level, along, across)], -1)
        within = (2 * aside + axes, -axes)
    x, y, size = place(
        settings.place, draws, walls, present, radius * reach, fusing, petal, slots - cells, within
    )
    radius = size / reach
    scene = Scene(
        present=present,
        counted=counted & seen(x, y, radius),
        x=x,
        y=y,
        radius=radius,
        **shape,
        chamber=walls,
        dirt=dirt(settings.dirt, draws),
    )
    scene.dirt.bubbles = bubbles(settings.dirt, draws, scene)
    return scene


def seen(x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    """(N, S) bool: cells that show enough of themselves to be counted, about a third of their width."""
    beyond = torch.stack([-x, x - SIZE, -y, y - SIZE]).amax(0)
    return beyond < SHOWN * radius


def draw_counts(settings: CountSettings, draws: Draws) -> Tensor:
    """(N,) int64 counts by inverting the distribution function."""
    steps = torch.tensor(settings.table(), device=draws.device, dtype=torch.float64).cumsum(0)
    u = draws.uniform("counts").double()
    return (u[:, None] >= steps[:-1]).sum(1) + settings.least


def shapes(s: CellSettings, draws: Draws, slots: int) -> dict[str, Tensor]:
    """Size, outline and inside of the cells of N chambers, each (N, S, ..); the keys are fields of
    `Scene`.
    """
    return _shapes(s, draws, slots)[0]


def _shapes(s: CellSettings, draws: Draws, slots: int) -> tuple[dict[str, Tensor], Tensor]:
    """What `shapes` gives, and the px (N, S, 2) by which moved sides have shifted each cell's middle."""
    typical = _drawn(s, draws, "cells.radius", s.radius, *((slots,) if s.per_cell else (1,)))
    spread = s.spread * draws.normal("cells.spread", slots).clamp(-2.5, 2.5)
    radius = typical * torch.exp(spread)
    stretch = draws.between("cells.stretch", s.stretch, slots)
    long = draws.bernoulli("cells.long", s.long, slots)
    stretch = torch.where(long, draws.between("cells.long-stretch", s.long_stretch, slots), stretch)
    tilt = draws.uniform("cells.tilt", slots, high=math.pi)
    aside = torch.zeros(*radius.shape, 2, device=radius.device)
    if s.sides:
        radius, stretch, tilt, aside = _moved_sides(s, draws, radius)
    # Swollen and blebbing cells come together in some chambers and not in others, as in a real cultivation.
    swollen = draws.bernoulli("cells.swollen", draws.between("cells.swollen-share", s.swollen, 1), slots)
    swollen = swollen & draws.bernoulli("cells.swollen-image", s.swollen_images, 1)
    factor = draws.between("cells.swollen-factor", s.swollen_factor, slots)
    blebs = draws.bernoulli("cells.bleb", s.blebbing, slots)
    blebs = blebs & draws.bernoulli("cells.bleb-image", s.blebbing_images, 1)
    rough = draws.between("cells.bleb-size", s.bleb, slots)
    coarse = torch.where(blebs, 1.6, 1.0) * torch.where(swollen, s.swollen_grain, 1.0)
    uneven = s.lobes * torch.where(swollen, s.swollen_lobes, 1.0)
    thin = draws.between("cells.swollen-depth", s.swollen_depth, slots)
    fusing = draws.bernoulli("cells.fused-image", s.fused_images, 1)
    fused = (fusing * draws.between("cells.fused", s.fused, 1)).expand_as(radius)
    # A rosette is a clump of large cells grown together round the first one.
    petal = petals(s, draws, slots)
    bloom = draws.between("cells.petal-factor", s.petal_factor, slots)
    factor = torch.where(petal, bloom, torch.where(swollen, factor, 1.0))
    found = {
        "radius": radius * factor,
        "stretch": stretch,
        "tilt": tilt,
        "lobes": draws.normal("cells.lobes", slots, 4).clamp(-2, 2) * uneven[..., None],
        "bleb": torch.where(blebs, rough, s.smooth * draws.uniform("cells.smooth", slots)),
        "grain": draws.between("cells.grain", s.grain, slots) * coarse,
        "depth": draws.between("cells.depth", s.depth, slots) * torch.where(swollen, thin, 1.0),
        "fused": torch.where(petal, draws.between("cells.petal-fused", s.petal_fused, 1), fused),
    }
    return found, aside


def petals(s: CellSettings, draws: Draws, slots: int) -> Tensor:
    """(N, S) bool: the cells of a rosette, the one in its middle first; none in most chambers."""
    number = draws.between("cells.petals", s.petals, 1)
    return draws.bernoulli("cells.rosette-image", s.rosette_images, 1) & (
        torch.arange(slots, device=draws.device) < number
    )


def _drawn(s: CellSettings, draws: Draws, name: str, limits: tuple[float, float], *shape: int) -> Tensor:
    """(N, *shape) px between two limits, in whole px where the settings say so."""
    low, high = limits
    if not s.whole:
        return draws.between(name, limits, *shape)
    return draws.between(name, (low, high + 1), *shape).floor().clamp(max=high)


def _moved_sides(s: CellSettings, draws: Draws, radius: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ellipses from discs of 2 r + 1 px whose left and upper side each move by `s.sides` px to the right and
    down, half of that at a radius of 3 (the paper's generator): radius, stretch and tilt (N, S), and the
    middle's shift (N, S, 2) in px.
    """
    assert s.sides is not None
    moves = _drawn(s, draws, "cells.sides", s.sides, radius.shape[1], 2)
    moves = moves * (0.5 * radius - 1).clamp(0.5, 1)[..., None]
    wide, high = (radius[..., None] + 0.5 - moves / 2).unbind(-1)
    stretch = torch.maximum(wide, high) / torch.minimum(wide, high)
    return (wide * high).sqrt(), stretch, torch.where(wide >= high, 0.0, math.pi / 2), moves / 2
