"""Finds the chambers of a position: rectangles of one size, bounded by straight walls."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from twincell.preprocess.chambers.wall_map import WallMap
from twincell.preprocess.chambers.walls import Image

OPEN_SIDE = 0.3
"""Least part of a side that must be wall: pillars and inlets leave openings."""
ALL_SIDES = 0.6
"""Least part of the whole outline that must be wall."""
SAME_SIZE = 0.06
"""Chambers of one chip differ by less than this in width and height."""
LEAST = 20.0
"""px; shortest side of a chamber."""
MOST_OFF = 0.08
"""How far a box may be from the size or proportions that are known."""
LIKELY_OFF = 0.03
"""How far it usually is."""


@dataclass(frozen=True)
class Box:
    """A chamber's walls in the upright reference: left and top edge, width and height in px (not whole
    numbers).

    `sides` says which part of the left, right, top and bottom side is wall, 0..1; `score` is how sure the box
    is.
    """

    x: float
    y: float
    w: float
    h: float
    score: float = 1.0
    sides: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)


def find_chambers(
    upright: Image,
    inside: NDArray[np.bool_] | None = None,
    size: tuple[float, float] | None = None,
    aspect: float | None = None,
    least: float = LEAST,
) -> list[Box]:
    """All chambers that lie wholly in an upright image, row by row.

    Args:
        upright: (H, W) temporal median with level walls.
        inside: (H, W) bool, where it shows anything; everywhere if None.
        size: width and height in px where known; rectangles up to 8 % off are taken, nearer ones rather.
        aspect: width / height where known; likewise.
        least: shortest side looked for, px.

    Returns:
        Boxes of one common size, sorted from top left to bottom right. Empty where no rectangle is bounded by
        walls on all four sides.
    """
    walls = WallMap(upright, inside)
    turned_walls = WallMap(np.asarray(upright).T, None if inside is None else inside.T)
    candidates = _rectangles(walls, least) + [
        Box(b.y, b.x, b.h, b.w, b.score, (b.sides[2], b.sides[3], b.sides[0], b.sides[1]))
        for b in _rectangles(turned_walls, least)
    ]
    candidates = [b for b in candidates if _off(b, size, aspect) <= MOST_OFF]
    if not candidates:
        return []
    group = _largest_family(candidates, size, aspect)
    w, h = _typical(group).w, _typical(group).h
    group = _with_missed(walls, group, w, h)
    return sorted(group, key=lambda b: (round((b.y + b.h / 2) / (0.5 * h)), b.x))


def _off(box: Box, size: tuple[float, float] | None, aspect: float | None) -> float:
    """How far a box is from what is known of its size or proportions, as a part of it."""
    off = [] if size is None else [abs(box.w / size[0] - 1), abs(box.h / size[1] - 1)]
    return max([*off, 0.0 if aspect is None else abs(box.w / box.h / aspect - 1)])


def _rectangles(walls: WallMap, least: float) -> list[Box]:
    """Rectangles between two up-down runs, closed by left-right walls above and below."""
    runs = walls.segments()
    rows = np.arange(walls.level_walls.shape[0])
    found: list[Box] = []
    for i, j in _pairs(runs, least):
        left, right = sorted((runs[i, 0], runs[j, 0]))
        lines = _peaks(walls.level_part(rows, np.full_like(rows, left), np.full_like(rows, right)))
        lines = lines[
            (lines > max(runs[i, 1], runs[j, 1]) - least) & (lines < min(runs[i, 2], runs[j, 2]) + least)
        ]
        for k, top in enumerate(lines):
            for bottom in lines[k + 1 :]:
                if bottom - top >= least:
                    box = judged(walls, left, top, right - left, bottom - top)
                    if min(box.sides) >= OPEN_SIDE and np.mean(box.sides) >= ALL_SIDES and box.score > 0.3:
                        found.append(box)
    return found


def _pairs(runs: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """Runs that stand side by side over most of the shorter one."""
    pairs = []
    for i in range(len(runs)):
        for j in range(i + 1, len(runs)):
            overlap = min(runs[i, 2], runs[j, 2]) - max(runs[i, 1], runs[j, 1])
            shorter = min(runs[i, 2] - runs[i, 1], runs[j, 2] - runs[j, 1])
            if abs(runs[i, 0] - runs[j, 0]) >= least and overlap >= 0.6 * shorter:
                pairs.append((i, j))
    return pairs


def _peaks(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middles of the places where at least `OPEN_SIDE` of a row is wall."""
    marks, n = label(part >= OPEN_SIDE)
    return np.array(
        [np.average(np.flatnonzero(marks == k), weights=part[marks == k]) for k in range(1, n + 1)]
    )


def judged(walls: WallMap, x: float, y: float, w: float, h: float) -> Box:
    """A box with its sides' share of wall, marked down where a wall runs right through its inside.

    Rims of crowded cells cover up to two thirds of some line by chance, a wall nearly all of it.
    """
    sides = (
        float(walls.upright_part(x, y, y + h)),
        float(walls.upright_part(x + w, y, y + h)),
        float(walls.level_part(y, x, x + w)),
        float(walls.level_part(y + h, x, x + w)),
    )
    columns = np.arange(x + 0.15 * w, x + 0.85 * w)
    rows = np.arange(y + 0.15 * h, y + 0.85 * h)
    through = max(
        float(
            walls.upright_part(columns, np.full_like(columns, y), np.full_like(columns, y + h), True).max(
                initial=0
            )
        ),
        float(walls.level_part(rows, np.full_like(rows, x), np.full_like(rows, x + w), True).max(initial=0)),
    )
    return Box(x, y, w, h, float(np.mean(sides)) * float(np.clip((0.9 - through) / 0.2, 0.2, 1.0)), sides)


def _largest_family(
    candidates: list[Box], size: tuple[float, float] | None, aspect: float | None
) -> list[Box]:
    """The boxes of one size that together cover the most area with the surest outlines.

    Pillars are many but small, two chambers taken for one are large but poor: area times a high power of the
    score leaves the chambers themselves. Where size or proportions are known, they tell the chamber's side
    from the pillars' ends or a row of cells that runs along it.
    """
    best: list[Box] = []
    best_merit = 0.0
    for pivot in sorted(candidates, key=lambda b: -b.score)[:400]:
        family = [
            b for b in candidates if abs(b.w / pivot.w - 1) < SAME_SIZE and abs(b.h / pivot.h - 1) < SAME_SIZE
        ]
        apart = without_overlap(family)
        merit = sum(b.w * b.h * b.score**8 for b in apart)
        merit *= math.exp(-0.5 * (_off(_typical(apart), size, aspect) / LIKELY_OFF) ** 2)
        if merit > best_merit * 1.0001:
            best, best_merit = apart, merit
    return best


def _typical(boxes: list[Box]) -> Box:
    """A box of the median width and height."""
    return Box(0.0, 0.0, float(np.median([b.w for b in boxes])), float(np.median([b.h for b in boxes])))


def without_overlap(boxes: list[Box], share: float = 0.2) -> list[Box]:
    """The surest boxes of which no two share more than `share` of their area."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: -b.score):
        if all(_common(box, other) <= share * min(box.w * box.h, other.w * other.h) for other in kept):
            kept.append(box)
    return kept


def _common(a: Box, b: Box) -> float:
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(width, 0.0) * max(height, 0.0)


def _with_missed(walls: WallMap, group: list[Box], w: float, h: float) -> list[Box]:
    """The group at its common size, and boxes found by sliding an outline of that size over the image."""
    H, W = walls.upright_walls.shape
    ys, xs = np.ogrid[2.0 : max(3, int(H - h - 2)), 2.0 : max(3, int(W - w - 2))]
    sides = np.stack(
        [
            walls.upright_part(xs, ys, ys + h),
            walls.upright_part(xs + w, ys, ys + h),
            walls.level_part(ys, xs, xs + w),
            walls.level_part(ys + h, xs, xs + w),
        ]
    )
    score = np.where(sides.min(0) >= OPEN_SIDE / 2, sides.mean(0), 0.0)
    enough = 0.65 * float(np.median([b.score for b in group]))
    found = [_at_size(b, w, h) for b in group]
    places = np.argwhere(score >= enough)
    for y, x in places[np.argsort(-score[*places.T], kind="stable")]:
        if score[y, x] < enough:  # near a surer one
            continue
        box = judged(walls, float(xs[0, x]), float(ys[y, 0]), w, h)
        if box.score >= enough and all(_common(box, b) <= 0.2 * w * h for b in found):
            found.append(_centred(score, x, y, box))
        score[max(0, y - int(h / 4)) : y + int(h / 4), max(0, x - int(w / 4)) : x + int(w / 4)] = 0
    return found


def _centred(score: NDArray[np.float64], x: int, y: int, box: Box) -> Box:
    """The box at the middle of the plateau its score makes, since walls may stray some px."""
    up, left = min(y, 3), min(x, 3)
    near = score[y - up : y + 4, x - left : x + 4]
    down, right = np.nonzero(near >= score[y, x] - 0.02)
    middle_x, middle_y = box.x + right.mean() - left, box.y + down.mean() - up
    return Box(float(middle_x), float(middle_y), box.w, box.h, box.score, box.sides)


def _at_size(box: Box, w: float, h: float) -> Box:
    """The box about its own middle with the common size."""
    return Box(box.x + (box.w - w) / 2, box.y + (box.h - h) / 2, w, h, box.score, box.sides)
