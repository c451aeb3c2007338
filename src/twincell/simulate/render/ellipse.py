"""The paper's generator: deformed ellipses with a rim, half blended with their blur, over a constant
background.
"""

import torch
from torch import Tensor

from twincell.simulate.draws import Draws
from twincell.simulate.render.field import FAR, outline
from twincell.simulate.render.settings import EllipseLook
from twincell.simulate.render.walls import drawn_background
from twincell.simulate.scene.scene import SIZE, Scene


def ellipses_seen(look: EllipseLook, scene: Scene, draws: Draws, background: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (N, 128, 128) of the cells over a background (N or 1, 128, 128), and the slot of each pixel's
    cell (int16).

    A cell's blur by a Gaussian is taken from the distance to its outline, as of a straight edge: a patch per
    cell then needs no convolution.
    """
    n, slots = scene.present.shape
    image, slot = torch.nonzero(scene.present, as_tuple=True)
    rim, inside = (
        draws.between("ellipse.rim", look.rim, slots),
        draws.between("ellipse.inside", look.inside, slots),
    )
    where, d = _patches(scene, image, slot, 3.0 * look.blur)

    # The shares of inside and of rim at a distance: sharp (one pixel wide) and blurred, half and half.
    sharp, soft = 1.0 - look.blend, look.blend
    slope = 1.702 / look.blur  # the logistic function of this slope is a Gaussian edge of this width
    cover = sharp * (0.5 - d).clamp(0, 1) + soft * torch.sigmoid(-slope * d)
    d = d + look.rim_width
    core = sharp * (0.5 - d).clamp(0, 1) + soft * torch.sigmoid(-slope * d)
    rim, inside = rim[image, slot][:, None, None], inside[image, slot][:, None, None]
    value = cover * rim + core * (inside - rim)

    sums = torch.zeros(2, n * SIZE * SIZE, device=d.device)
    flat = where.flatten()
    sums[0].index_add_(0, flat, cover.flatten())
    sums[1].index_add_(0, flat, value.flatten())
    share, light = sums.reshape(2, n, SIZE, SIZE)
    picture = background * (1 - share.clamp(max=1)) + light / share.clamp(min=1)

    labels = torch.full((n * SIZE * SIZE,), -1, dtype=torch.int16, device=d.device)
    within = torch.where(d < look.rim_width, slot.to(torch.int16)[:, None, None], -1)
    labels.scatter_reduce_(0, flat, within.flatten(), "amax")
    return picture, labels.reshape(n, SIZE, SIZE)


def _patches(scene: Scene, image: Tensor, slot: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Flat position in the batch and px to the outline (FAR outside of the image and beyond the reach) for
    square patches, (K, P, P).
    """
    pick = (image, slot)
    radius, stretch = scene.radius[pick], scene.stretch[pick]
    widest = float((radius * stretch.sqrt()).max()) if len(image) else 1.0
    width = 2 * int(widest + reach + 1.5)
    x, y = scene.x[pick], scene.y[pick]
    steps = torch.arange(width, device=x.device)
    column = (x - width / 2).round().long()[:, None] + steps
    row = (y - width / 2).round().long()[:, None] + steps
    dx, dy = (column + 0.5 - x[:, None])[:, None, :], (row + 0.5 - y[:, None])[:, :, None]
    shape = (v[:, None, None] for v in (radius, stretch, scene.tilt[pick]))
    d = outline(dx, dy, *shape)
    inside = ((column >= 0) & (column < SIZE))[:, None, :] & ((row >= 0) & (row < SIZE))[:, :, None]
    d = torch.where(inside & (d < reach), d, FAR)
    rows, columns = row.clamp(0, SIZE - 1), column.clamp(0, SIZE - 1)
    return (image[:, None, None] * SIZE + rows[:, :, None]) * SIZE + columns[:, None, :], d


def ground(look: EllipseLook, scene: Scene, draws: Draws) -> Tensor:
    """(1 or N, 128, 128) drawn chambers without cells; one for all where, as in the paper, all are alike."""
    ranges = [value for value in look.walls.model_dump().values() if isinstance(value, tuple)]
    alike = all(low == high for low, high in ranges)
    alike = alike and all(bool((f == f[:1]).all()) for f in vars(scene.chamber).values())
    which = slice(0, 1) if alike else slice(None)
    still = torch.zeros(len(scene), device=scene.x.device)[which]
    return drawn_background(look.walls, scene.chamber[which], Draws(draws.seed, draws.ids[which]), still)
