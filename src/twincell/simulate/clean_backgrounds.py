"""What lies behind the cells of a chamber: seen over time, else filled in, else not known.

Drawn cells are laid over such backgrounds. A background that still holds cells teaches a network that real
cells are nothing, and it then counts worse than before it learned. The median over time is free of cells only
where there are many frames and cells move; a single image is its own median. So every background is looked at
before it is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

FRAMES = 20
"""Fewer frames show too little of what lies behind a cell that rests for a while."""
LOOKED_AT = 64
"""Frames of a chamber that the network looks at."""
LEFT = 0.1
"""Share of the cells of a frame that may remain in the median."""
SEEN = 0.5
"""A network that finds less than this share of the cells a person counted cannot say where there are none."""
COVERED = 0.4
"""Share of an image behind cells beyond which too little is left to fill in from."""
REACH = 12.0
"""Radius in px taken out around a cell's centre."""
PRESENT = 0.02
"""Cells per element of the density map from which on a cell is thought to be there."""

Density = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Background:
    """An image (1, H, W) without cells, and how it was come by: from time, or filled in."""

    image: Tensor
    how: Literal["time", "filled"]


def background(
    frames: Tensor,
    density: Density,
    counts: Tensor | None = None,
    points: Sequence[Tensor | None] | None = None,
) -> Background | None:
    """The background of one chamber, or None where nothing shows it: then draw one.

    Args:
        frames: (F, 1, H, W) in [0, 1], one chamber's images, F from 1.
        density: cells per map element (N, 1, h, w) that a network finds in images (N, 1, H, W).
        counts: (F,) cells a person counted, NaN where nobody did.
        points: F tensors (K, 2) of centres x, y in px where a person marked every cell, else None.
    """
    counts = torch.full((len(frames),), torch.nan) if counts is None else counts
    marked: list[Tensor | None] = [None] * len(frames) if points is None else list(points)
    middle = frames.median(0).values
    many = len(frames) >= FRAMES
    frames, counts, marked = _some(frames, counts, marked)
    found = torch.cat([density(part) for part in frames.split(32)])
    if _sees(found.sum((1, 2, 3)), counts):
        if many:
            left, usual = density(middle[None]).sum(), found.sum((1, 2, 3)).mean()
            if left <= LEFT * usual:
                return Background(middle, "time")
        held = [
            _around(p, *frames.shape[2:]) if p is not None else _where(m)
            for p, m in zip(marked, found, strict=True)
        ]
        images = frames
    else:  # only what a person marked is known
        held = [_around(p, *frames.shape[2:]) for p in marked if p is not None]
        images = frames[torch.tensor([p is not None for p in marked], dtype=torch.bool)]
    return _emptiest(images, [_fit(mask, frames) for mask in held])


def clean_backgrounds(
    images: Tensor,
    chambers: Sequence[str],
    density: Density,
    counts: Tensor | None = None,
    points: Sequence[Tensor | None] | None = None,
) -> dict[str, Background]:
    """The background of every chamber that shows one, by its name; arguments as of `background`, over all."""
    made = {}
    for name in dict.fromkeys(chambers):
        own = [i for i, chamber in enumerate(chambers) if chamber == name]
        of = background(
            images[own],
            density,
            None if counts is None else counts[own],
            None if points is None else [points[i] for i in own],
        )
        if of is not None:
            made[name] = of
    return made


def _some(
    frames: Tensor, counts: Tensor, marked: list[Tensor | None]
) -> tuple[Tensor, Tensor, list[Tensor | None]]:
    """At most `LOOKED_AT` of the frames, evenly chosen, and every one with a count or places."""
    chosen = ~counts.isnan() | torch.tensor([places is not None for places in marked], dtype=torch.bool)
    chosen[torch.linspace(0, len(frames) - 1, min(LOOKED_AT, len(frames))).round().long()] = True
    at = chosen.nonzero()[:, 0]
    return frames[at], counts[at], [marked[i] for i in at.tolist()]


def fill(image: Tensor, hidden: Tensor) -> Tensor:
    """The image (1, H, W) with what is `hidden` (H, W) bool grown over from its rim, grain included.

    The smooth part comes from ever wider means of what is seen; the grain, which makes a filled place look
    like its surroundings, is that of the mirrored image where that is seen, else none.
    """
    seen = (~hidden).float()[None, None]
    known = image[None] * seen
    smooth, weight = torch.zeros_like(known), torch.zeros_like(seen)
    for radius in (2, 4, 8, 16, 32, max(image.shape[1:])):
        value, share = _mean(known, radius), _mean(seen, radius)
        take = (weight == 0) & (share > 0.1)
        smooth = torch.where(take, value / share.clamp_min(1e-6), smooth)
        weight = torch.where(take, 1.0, weight)
    smooth = torch.where(weight > 0, smooth, image[~hidden[None]].mean())
    smooth = _mean(smooth, 2)
    grain = (image - _mean(known, 2)[0] / _mean(seen, 2)[0].clamp_min(1e-6)) * seen[0]
    return torch.where(hidden[None], (smooth[0] + grain.flip(-1, -2)).clamp(0, 1), image)


def _mean(maps: Tensor, radius: int) -> Tensor:
    """Mean over a square of that radius, (1, 1, H, W); the edge counts only what lies inside."""
    side = 2 * radius + 1
    return F.avg_pool2d(maps, side, 1, radius, count_include_pad=False)


def _sees(found: Tensor, counts: Tensor) -> bool:
    """Whether the network finds the cells that a person counted; without any count it is believed."""
    known = ~counts.isnan()
    return not bool(known.any()) or float(found[known].sum()) >= SEEN * float(counts[known].sum())


def _around(points: Tensor, height: int, width: int) -> Tensor:
    """(H, W) bool: within REACH of a centre."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    held = torch.zeros(height, width, dtype=torch.bool)
    for px, py in points.tolist():
        held |= (x - px) ** 2 + (y - py) ** 2 < REACH**2
    return held


def _where(density: Tensor) -> Tensor:
    """(h, w) bool: elements of a map (1, h, w) with a cell, and their neighbours."""
    wide: Tensor = F.max_pool2d((density[None] > PRESENT).float(), 5, 1, 2)
    return wide[0, 0] > 0


def _fit(mask: Tensor, frames: Tensor) -> Tensor:
    """The mask in pixels of the frames."""
    if mask.shape == frames.shape[2:]:
        return mask
    return F.interpolate(mask[None, None].float(), tuple(frames.shape[2:]))[0, 0] > 0


def _emptiest(images: Tensor, hidden: Sequence[Tensor]) -> Background | None:
    """The image of which least is hidden, filled in; None where too much is."""
    if not hidden:
        return None
    shares = [float(mask.float().mean()) for mask in hidden]
    best = min(range(len(shares)), key=shares.__getitem__)
    return Background(fill(images[best], hidden[best]), "filled") if shares[best] <= COVERED else None
