"""Images of any size through a network with a field of view.

An image larger than the view is cut into overlapping views. Each owns the part of the image that it sees
best, away from its own edges; the densities of the owned parts, side by side, are the image's own, so every
cell is counted once. A smaller image is mirrored beyond its edges, as training images are when they are
moved, and what lies beyond is not owned. Every view is normalised by itself, as the training images were.

A method that cannot do this has each image resized into its view as a whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.models.base.method import Prediction

GRAIN = 8
"""Views and owned parts start and end at multiples of so many pixels: elements of the coarsest maps."""
OWN = 0.75
"""Share of its side that a view owns where it has neighbours on both sides, which see the rest better."""

Look = Callable[[Tensor], Prediction]
"""From (n, 1, *view) images in [0, 1] to what the network says about them."""


@dataclass(frozen=True)
class Span:
    """A view along one axis, in pixels: where it starts, and the part `first` to `last` that it owns."""

    start: int
    first: int
    last: int


def spans(length: int, view: int) -> list[Span]:
    """Views that cover an axis; their owned parts follow one another without gap or overlap.

    Args:
        length: of the image, in pixels; the owned parts cover it, rounded up to a multiple of `GRAIN`.
        view: the network's side, a multiple of `GRAIN`.
    """
    length = _rounded_up(length)
    if length < view:
        return [Span(-((view - length) // 2 // GRAIN * GRAIN), 0, length)]
    margin = round(view * (1 - OWN) / 2 / GRAIN) * GRAIN
    found: list[Span] = []
    first = 0
    while True:
        start = max(first - margin, 0)
        if start + view >= length:
            return [*found, Span(length - view, first, length)]
        found.append(Span(start, first, start + view - margin))
        first = start + view - margin


def predict_any(
    look: Look,
    images: Sequence[Tensor],
    view: tuple[int, int],
    batch: int,
    progress: Callable[[int], None] | None = None,
) -> Prediction:
    """Counts images of any sizes, each of their cells once.

    Args:
        look: the network; it gives a density map whose sum is the count.
        images: N images (1, H, W) in [0, 1], N from 1.
        view: height and width of the network's field of view, multiples of `GRAIN`.
        batch: views per look.
        progress: called with how many images have been finished since.

    Returns:
        The counts. `density` where all images are of one size: it covers each image in whole
        elements.
        `novelty` is the mean over the views and `std` the root of the sum of their variances, each view by
        the area it owns.
    """
    grids = [_grid(image, view) for image in images]
    ends = torch.tensor([len(grid) for grid in grids]).cumsum(0)
    looks: list[Prediction] = []
    seen = finished = 0
    for views in _batches(images, grids, view, batch):
        looks.append(look(views).cpu())
        seen += len(views)
        before, finished = finished, int((ends <= seen).sum())
        if progress is not None and finished > before:
            progress(finished - before)
    every, starts = Prediction.join(looks), [0, *ends.tolist()]
    joined = []
    for start, grid, image in zip(starts, grids, images, strict=False):
        joined.append(_joined(every, start, grid, view, (image.shape[1], image.shape[2])))
    return Prediction.join(joined)


def _grid(image: Tensor, view: tuple[int, int]) -> list[tuple[Span, Span]]:
    """Rows and columns of every view of an image (1, H, W)."""
    rows, columns = spans(image.shape[1], view[0]), spans(image.shape[2], view[1])
    return [(down, across) for down in rows for across in columns]


def _batches(
    images: Sequence[Tensor], grids: list[list[tuple[Span, Span]]], view: tuple[int, int], batch: int
) -> Iterator[Tensor]:
    """The views of all images in order, (n, 1, *view) with n up to `batch`."""
    waiting: list[Tensor] = []
    for image, grid in zip(images, grids, strict=True):
        for down, across in grid:
            rows = mirrored(down.start, view[0], image.shape[1]).to(image.device)
            columns = mirrored(across.start, view[1], image.shape[2]).to(image.device)
            waiting.append(image[:, rows[:, None], columns])
            if len(waiting) == batch:
                yield torch.stack(waiting)
                waiting = []
    if waiting:
        yield torch.stack(waiting)


def mirrored(start: int, view: int, length: int) -> Tensor:
    """(view,) indices from `start` on, those beyond 0 .. length - 1 mirrored at the image's edges."""
    place = torch.arange(start, start + view) % (2 * length)
    return torch.where(place < length, place, 2 * length - 1 - place)


def _joined(
    looks: Prediction,
    start: int,
    grid: list[tuple[Span, Span]],
    view: tuple[int, int],
    size: tuple[int, int],
) -> Prediction:
    """What the views from number `start` on, those of one image of this size, say together."""
    assert looks.density is not None
    down = view[0] // looks.density.shape[2]
    across = view[1] // looks.density.shape[3]
    canvas = torch.zeros(1, 1, grid[-1][0].last // down, grid[-1][1].last // across)
    shares = torch.zeros(len(grid))
    for k, (rows, columns) in enumerate(grid):
        own = looks.density[
            start + k,
            0,
            (rows.first - rows.start) // down : (rows.last - rows.start) // down,
            (columns.first - columns.start) // across : (columns.last - columns.start) // across,
        ]
        top, left = rows.first // down, columns.first // across
        canvas[0, 0, top : top + own.shape[0], left : left + own.shape[1]] = own
        shares[k] = own.numel()
    inside = _inside(size[0], down)[:, None] * _inside(size[1], across)
    density = canvas[:, :, : inside.shape[0], : inside.shape[1]] * inside
    views = slice(start, start + len(grid))
    novelty = None if looks.novelty is None else (looks.novelty[views] * shares).sum() / shares.sum()
    whole = view[0] // down * (view[1] // across)
    variance = None if looks.std is None else (looks.std[views] ** 2 * shares / whole).sum()
    return Prediction(
        density.sum((1, 2, 3)),
        None if variance is None else variance.sqrt()[None],
        density,
        None if novelty is None else novelty[None],
    )


def _inside(length: int, step: int) -> Tensor:
    """The share of each element of `step` pixels that lies on an axis; only the last may be below 1."""
    share = (length - torch.arange(0, length, step)) / step
    return share.clamp(max=1.0)


def _rounded_up(length: int) -> int:
    return -(-length // GRAIN) * GRAIN
