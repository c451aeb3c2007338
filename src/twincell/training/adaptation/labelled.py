"""What a person gave: images with counts, with places, or with both."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.errors import UserError


@dataclass(frozen=True)
class Labelled:
    """N labelled images, each of its own size.

    Attributes:
        images: N tensors (1, H, W) float32, grey levels in [0, 1].
        counts: (N,) float32, cells, from 0.
        points: N tensors (K, 2) float32 of cell centres x, y in px of their image (the first pixel spans 0 to
            1), or None where only the count is known.
        chambers: N names; images of one name come from one time-lapse.
        frames: N numbers, the order in time within a chamber.
    """

    images: tuple[Tensor, ...]
    counts: Tensor
    points: tuple[Tensor | None, ...]
    chambers: tuple[str, ...]
    frames: tuple[int, ...]

    @classmethod
    def of(
        cls,
        images: Sequence[Tensor],
        counts: Sequence[float] | Tensor,
        points: Sequence[Tensor | None] | None = None,
        chambers: Sequence[str] | None = None,
        frames: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> "Labelled":
        """Checks and takes labelled images; without chambers every image stands alone.

        `names` are what faults call the images.

        Raises:
            UserError: one sentence for each image that cannot be learned from.
        """
        n = len(images)
        counted = torch.as_tensor(counts, dtype=torch.float32)
        places = tuple(points) if points is not None else (None,) * n
        named = tuple(chambers) if chambers is not None else tuple(f"image {i}" for i in range(n))
        order = tuple(frames) if frames is not None else tuple(range(n))
        if not n == len(counted) == len(places) == len(named) == len(order):
            raise UserError(
                f"{n} images, {len(counted)} counts, {len(places)} lists of places, {len(named)} chambers "
                f"and {len(order)} frames were given; give one of each per image"
            )
        called = list(names) if names is not None else [f"labelled image {i}" for i in range(n)]
        rows = zip(called, images, counted.tolist(), places, strict=True)
        if faults := [fault for row in rows for fault in _faults(*row)]:
            raise UserError(faults)
        return cls(tuple(images), counted, places, named, order)

    def __len__(self) -> int:
        return len(self.images)

    def select(self, index: Sequence[int] | Tensor) -> "Labelled":
        """The images at the given positions, in that order."""
        at = [int(i) for i in index]
        return Labelled(
            tuple(self.images[i] for i in at),
            self.counts[at],
            tuple(self.points[i] for i in at),
            tuple(self.chambers[i] for i in at),
            tuple(self.frames[i] for i in at),
        )

    @property
    def dotted(self) -> int:
        """How many images have places."""
        return sum(places is not None for places in self.points)


def _faults(name: str, image: Tensor, count: float, places: Tensor | None) -> list[str]:
    """What is wrong with an image, one sentence each."""
    if image.ndim != 3 or image.shape[0] != 1 or not image.is_floating_point():
        return [f"{name}: has shape {tuple(image.shape)}; give float grey levels (1, H, W)"]
    if not bool(torch.isfinite(image).all()):
        return [f"{name}: holds pixels that are NaN or infinite; save it as 8-bit grey"]
    if not 0 <= count < float("inf"):
        return [f"{name}: its count is {count:g}; a count is a number from 0"]
    if places is None:
        return []
    height, width = image.shape[1:]
    faults = []
    if len(places) != count:
        faults.append(f"{name}: {len(places)} places for a count of {count:g}; make both agree")
    inside = (places >= 0) & (places <= torch.tensor([float(width), float(height)]))
    if not bool(inside.all()):
        faults.append(f"{name}: a place lies outside its {width} x {height} px; px from the corner")
    return faults
