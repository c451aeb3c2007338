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

    def owned(self, step: int) -> slice:
        """The part of the view's map that it owns, in elements of `step` pixels."""
        return slice((self.first - self.start) // step, (self.last - self.start) // step)


@dataclass(frozen=True)
class Grid:
    """The views that cover images of one size, row by row.

    Attributes:
        size: height and width of the images, in pixels.
        view: height and width of the network's field of view, multiples of `GRAIN`.
        down, across: the views along each axis.
    """

    size: tuple[int, int]
    view: tuple[int, int]
    down: list[Span]
    across: list[Span]

    @classmethod
    def over(cls, size: tuple[int, int], view: tuple[int, int]) -> "Grid":
        """The views that cover images of this size."""
        return cls(size, view, spans(size[0], view[0]), spans(size[1], view[1]))

    def __len__(self) -> int:
        return len(self.down) * len(self.across)

    def views(self, images: Tensor) -> Iterator[Tensor]:
        """(N, 1, *view) of images (N, 1, *size), one after the other."""
        for down in self.down:
            rows = mirrored(down.start, self.view[0], self.size[0]).to(images.device)
            for across in self.across:
                columns = mirrored(across.start, self.view[1], self.size[1]).to(images.device)
                yield images.index_select(2, rows).index_select(3, columns)

    def joined(self, looks: Prediction) -> Prediction:
        """What the views say together of each image.

        Args:
            looks: of N images' views, N * len(self), those of one image next to each other; with a density.
        """
        assert looks.density is not None
        steps = [side // elements for side, elements in zip(self.view, looks.density.shape[2:], strict=True)]
        own_rows, own_columns = (
            [span.owned(step) for span in axis]
            for axis, step in zip((self.down, self.across), steps, strict=True)
        )
        maps = looks.density[:, 0].unflatten(0, (-1, len(self.down), len(self.across)))
        bands = [
            torch.cat([maps[:, r, c, rows, columns] for c, columns in enumerate(own_columns)], 2)
            for r, rows in enumerate(own_rows)
        ]
        inside = _inside(self.size[0], steps[0])[:, None] * _inside(self.size[1], steps[1])
        density = torch.cat(bands, 1)[:, None, : inside.shape[0], : inside.shape[1]] * inside
        owned = [(r.stop - r.start) * (c.stop - c.start) for r in own_rows for c in own_columns]
        shares = torch.tensor(owned, dtype=torch.float32)
        novelty, std = (
            None if value is None else value.unflatten(0, (-1, len(self)))
            for value in (looks.novelty, looks.std)
        )
        whole = looks.density.shape[2] * looks.density.shape[3]
        return Prediction(
            density.sum((1, 2, 3)),
            None if std is None else (std**2 * shares / whole).sum(1).sqrt(),
            density,
            None if novelty is None else (novelty * shares).sum(1) / shares.sum(),
        )


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
    grids = [Grid.over((image.shape[1], image.shape[2]), view) for image in images]
    ends = torch.tensor([len(grid) for grid in grids]).cumsum(0)
    looks: list[Prediction] = []
    seen = finished = 0
    for views in _batches(images, grids, batch):
        looks.append(look(views).cpu())
        seen += len(views)
        before, finished = finished, int((ends <= seen).sum())
        if progress is not None and finished > before:
            progress(finished - before)
    every, starts = Prediction.join(looks), [0, *ends.tolist()]
    return Prediction.join(
        [
            grid.joined(every.at(torch.arange(start, start + len(grid))))
            for start, grid in zip(starts, grids, strict=False)
        ]
    )


def _batches(images: Sequence[Tensor], grids: "list[Grid]", batch: int) -> Iterator[Tensor]:
    """The views of all images in order, (n, 1, *view) with n up to `batch`."""
    waiting: list[Tensor] = []
    for image, grid in zip(images, grids, strict=True):
        for view in grid.views(image[None]):
            waiting.append(view[0])
            if len(waiting) == batch:
                yield torch.stack(waiting)
                waiting = []
    if waiting:
        yield torch.stack(waiting)


def mirrored(start: int, view: int, length: int) -> Tensor:
    """(view,) indices from `start` on, those beyond 0 .. length - 1 mirrored at the image's edges."""
    place = torch.arange(start, start + view) % (2 * length)
    return torch.where(place < length, place, 2 * length - 1 - place)


def _inside(length: int, step: int) -> Tensor:
    """The share of each element of `step` pixels that lies on an axis; only the last may be below 1."""
    share = (length - torch.arange(0, length, step)) / step
    return share.clamp(max=1.0)


def _rounded_up(length: int) -> int:
    return -(-length // GRAIN) * GRAIN
