"""A chamber through time: its cells grow, divide, push each other, die and are washed out."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.scene.growth import GrowthSettings
from twincell.simulate.scene.place import place
from twincell.simulate.scene.sample import shapes
from twincell.simulate.scene.scene import Chamber, Dirt, Scene
from twincell.simulate.scene.settings import SceneSettings, load_scene_settings
from twincell.simulate.scene.surroundings import chamber, dirt

ROUNDS = 10
"""Rounds of pushing apart, at most, per frame."""


@dataclass
class Timelapse:
    """One chamber's recording, before any picture of it.

    Attributes:
        scene: T scenes, one a frame; a cell keeps its slot as long as it lives.
        time_h: (T,) hours since the first frame.
        born: (T,) int64 cells gained by division since the frame before (0 in the first).
        lost: (T,) int64 cells lost by death or washout since the frame before.
        doubling_h: hours in which this chamber's cells double undisturbed; infinite for a resting chamber.
    """

    scene: Scene
    time_h: Tensor
    born: Tensor
    lost: Tensor
    doubling_h: float


@dataclass
class _Cells:
    """The living state of S slots; each (1, S)."""

    present: Tensor
    x: Tensor
    y: Tensor
    newborn: Tensor  # px, radius at birth
    age: Tensor  # share of its cycle that a cell has lived, 0..1
    cycle_h: Tensor  # hours of its cycle; infinite for a cell that does not divide
    swell_to: Tensor  # times its radius at birth that a resting cell reaches
    dying: Tensor  # hours since it began to die, negative while it does not


class _RandomEvents:
    """Deaths, washouts and random steps, drawn for 64 frames at a time: (S,) or (S, 2) per frame."""

    FRAMES = 64

    def __init__(self, growth: GrowthSettings, draws: Draws, block: int) -> None:
        hours, shape = growth.frame_interval_h, (self.FRAMES, growth.most)
        death = 1 - math.exp(-growth.death_per_h * hours)
        washout = 1 - math.exp(-growth.washout_per_h * hours)
        self.death = draws.bernoulli(f"growth.death-{block}", death, *shape)[0]
        self.washout = draws.bernoulli(f"growth.washout-{block}", washout, *shape)[0]
        self.step = growth.step * draws.normal(f"growth.step-{block}", *shape, 2)[0]


def timelapse(
    preset: str | SceneSettings,
    frames: int,
    seed: int,
    chamber_id: int = 0,
    growth: GrowthSettings | None = None,
    device: str | torch.device = "cpu",
) -> Timelapse:
    """One growing chamber.

    Cells grow exponentially in volume and divide when it has doubled since birth; neighbours push each other
    apart. Counts change only by division and by loss.

    Args:
        preset: what cells and chamber look like; its count distribution is not used.
        frames: number of frames T, >= 1.
        chamber_id: which chamber of this seed; chambers differ in start, rate, walls and dirt.

    Raises:
        UserError: unknown preset.
    """
    settings = load_scene_settings(preset) if isinstance(preset, str) else preset
    growth = growth or GrowthSettings()
    draws = Draws(seed, torch.tensor([chamber_id], dtype=torch.int64, device=device))
    walls = chamber(settings.chamber, draws)
    # Cells that move and divide do not stay round one another: no rosettes, and no visitors either.
    outlines = shapes(settings.cells.model_copy(update={"rosette_images": 0.0}), draws, growth.most)
    outlines.pop("radius")
    dust = dirt(settings.dirt, draws)
    cells, doubling = _first(settings, growth, draws, walls)
    scenes, born, lost = [], [0], [0]
    for frame in range(frames):
        if frame % _RandomEvents.FRAMES == 0:
            events = _RandomEvents(growth, draws, frame // _RandomEvents.FRAMES)
        if frame:
            now = frame % _RandomEvents.FRAMES
            gone = _lose(cells, growth, events.death[now], events.washout[now])
            gained = _grow(cells, growth, doubling, draws, frame)
            _move(cells, settings, growth, walls, events.step[now])
            born.append(gained)
            lost.append(gone)
        scenes.append(_scene(cells, growth, walls, dust, outlines))
    return Timelapse(
        scene=Scene.cat(scenes),
        time_h=torch.arange(frames, dtype=torch.float64) * growth.frame_interval_h,
        born=torch.tensor(born),
        lost=torch.tensor(lost),
        doubling_h=doubling,
    )


def _first(
    settings: SceneSettings, growth: GrowthSettings, draws: Draws, walls: Chamber
) -> tuple[_Cells, float]:
    """The first frame's cells, and the chamber's doubling time in hours."""
    slots = growth.most
    fewest, most = growth.start_cells
    start = fewest + int(draws.uniform("growth.start")[0] * (most - fewest + 1))
    present = torch.arange(slots, device=draws.device)[None] < min(start, slots)
    typical = float(draws.between("cells.radius", settings.cells.radius)[0])
    doubling = float(draws.between("growth.doubling", growth.doubling_h)[0])
    if bool(draws.bernoulli("growth.resting", growth.resting_chambers)[0]):
        doubling = math.inf
    # In a growing population, ages follow the density 2 ln 2 2^(-a): newborn cells are twice as many as old
    # ones.
    age = -torch.log2(1 - draws.uniform("growth.age", slots) / 2)
    # The typical radius is that of the mean volume over such ages, about 2^(1/6) above that of birth.
    newborn = (
        typical * 2 ** (-1 / 6) * torch.exp(0.5 * settings.cells.spread * draws.normal("growth.size", slots))
    )
    cells = _Cells(
        present=present,
        x=torch.zeros(1, slots, device=draws.device),
        y=torch.zeros(1, slots, device=draws.device),
        newborn=newborn,
        age=age,
        cycle_h=_cycles(growth, doubling, draws, 0),
        swell_to=draws.between("growth.swell-0", growth.swelling, slots),
        dying=torch.full((1, slots), -1.0, device=draws.device),
    )
    cells.x, cells.y, _ = place(settings.place, draws, walls, present, _radius(cells, growth))
    return cells, doubling


def _cycles(growth: GrowthSettings, doubling: float, draws: Draws, frame: int) -> Tensor:
    """(1, S) hours until a cell born in this frame divides."""
    spread = torch.exp(
        growth.cycle_spread * draws.normal(f"growth.cycle-{frame}", growth.most).clamp(-2.5, 2.5)
    )
    rests = draws.bernoulli(f"growth.rests-{frame}", growth.resting_cells, growth.most)
    return torch.where(rests, math.inf, doubling * spread)


def _radius(cells: _Cells, growth: GrowthSettings) -> Tensor:
    """(1, S) px. The volume of a dividing cell doubles over its cycle; a resting one swells, a dying one
    shrinks.
    """
    growing = cells.newborn * 2 ** (cells.age / 3)
    swollen = cells.newborn * (1 + (cells.swell_to - 1) * (1 - torch.exp(-cells.age)))
    radius = torch.where(torch.isinf(cells.cycle_h), swollen, growing)
    return radius * (1 - 0.25 * (cells.dying / growth.dying_h).clamp(0, 1))


def _lose(cells: _Cells, growth: GrowthSettings, death: Tensor, washout: Tensor) -> int:
    """Some cells begin to die, dead and washed-out ones go; returns how many went."""
    cells.dying = torch.where(cells.dying >= 0, cells.dying + growth.frame_interval_h, cells.dying)
    cells.dying = torch.where(cells.present & death & (cells.dying < 0), 0.0, cells.dying)
    gone = cells.present & (washout | (cells.dying >= growth.dying_h))
    if not growth.dies_out and bool((gone == cells.present).all()):
        gone[0, int(torch.nonzero(cells.present[0])[0])] = False  # the first cell stays, and stays alive
        cells.dying = torch.where(cells.present & ~gone, -1.0, cells.dying)
    cells.present = cells.present & ~gone
    return int(gone.sum())


def _grow(cells: _Cells, growth: GrowthSettings, doubling: float, draws: Draws, frame: int) -> int:
    """Ages the cells by one frame and divides those that have doubled; returns how many were born."""
    hours = growth.frame_interval_h
    # A resting cell ages by the chamber's clock: so long does it swell.
    clock = torch.where(torch.isfinite(cells.cycle_h), cells.cycle_h, doubling)
    cells.age = cells.age + hours / clock
    ready = cells.present & torch.isfinite(cells.cycle_h) & (cells.age >= 1) & (cells.dying < 0)
    mothers = torch.nonzero(ready[0])[:, 0]
    daughters = torch.nonzero(~cells.present[0])[: len(mothers), 0]
    if len(mothers):
        _divide(cells, growth, doubling, draws, frame, mothers, daughters)
    return len(daughters)


def _divide(
    cells: _Cells,
    growth: GrowthSettings,
    doubling: float,
    draws: Draws,
    frame: int,
    mothers: Tensor,
    daughters: Tensor,
) -> None:
    """Each mother becomes two cells of half her volume, side by side; where the chamber is full, and so there
    are fewer daughters than mothers, the second one is washed out.
    """
    cycles = _cycles(growth, doubling, draws, frame)
    swell = draws.between(f"growth.swell-{frame}", growth.swelling, growth.most)
    angle = draws.uniform(f"growth.axis-{frame}", growth.most, high=2 * math.pi)[0, mothers]
    uneven = torch.exp(0.04 * draws.normal(f"growth.halves-{frame}", growth.most))[0, mothers]
    size = cells.newborn[0, mothers] * uneven
    x, y = cells.x[0, mothers], cells.y[0, mothers]
    for slots, side in ((mothers, 0.8), (daughters, -0.8)):
        k = len(slots)
        cells.x[0, slots] = (x + side * size * angle.cos())[:k]
        cells.y[0, slots] = (y + side * size * angle.sin())[:k]
        cells.newborn[0, slots] = size[:k]
        cells.age[0, slots] = 0.0
        cells.cycle_h[0, slots] = cycles[0, slots]
        cells.swell_to[0, slots] = swell[0, slots]
        cells.dying[0, slots] = -1.0
    cells.present[0, daughters] = True


def _move(
    cells: _Cells, settings: SceneSettings, growth: GrowthSettings, walls: Chamber, step: Tensor
) -> None:
    """A random step, then rounds of pushing overlapping neighbours apart and back inside the walls."""
    x, y = cells.x + step[:, 0], cells.y + step[:, 1]
    radius = _radius(cells, growth)
    both = cells.present[:, :, None] & cells.present[:, None, :]
    both = both & ~torch.eye(growth.most, dtype=torch.bool, device=x.device)
    apart = growth.squeeze * (radius[:, :, None] + radius[:, None, :])
    inset = max(settings.place.inset[0], 0.5 * float(radius.mean()))
    box = walls.box + torch.tensor([inset, inset, -inset, -inset], device=x.device)
    for _ in range(ROUNDS):
        x = torch.minimum(torch.maximum(x, box[:, :1]), box[:, 2:3])
        y = torch.minimum(torch.maximum(y, box[:, 1:2]), box[:, 3:4])
        dx, dy = x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :]
        distance = torch.sqrt(dx * dx + dy * dy + 1e-6)
        push = torch.where(both, (apart - distance).clamp(min=0) * 0.45, 0.0) / distance
        if not push.any():
            break
        x, y = x + (push * dx).sum(2), y + (push * dy).sum(2)
    cells.x, cells.y = x, y


def _scene(
    cells: _Cells, growth: GrowthSettings, walls: Chamber, dust: Dirt, outlines: dict[str, Tensor]
) -> Scene:
    """The scene of this moment: resting cells turn pale, dying ones bleb."""
    pale = torch.where(torch.isinf(cells.cycle_h) & (cells.age > 1), 0.75, 1.0)
    blebs = 0.8 * (cells.dying / growth.dying_h).clamp(0, 1)
    changing = {"depth": outlines["depth"] * pale, "bleb": outlines["bleb"] + blebs}
    return Scene(
        present=cells.present.clone(),
        counted=cells.present.clone(),
        x=cells.x.clone(),
        y=cells.y.clone(),
        radius=_radius(cells, growth),
        **{**outlines, **changing},
        chamber=walls,
        dirt=dust,
    )
