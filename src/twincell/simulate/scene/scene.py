"""The content of a batch of chambers, as plain tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

SIZE = 128
"""px, the side of a chamber image; every length of a scene is in these pixels."""
EDGE = 0.01
"""px from the border at which a cell lies whose middle is just out of view."""


class _Batched:
    """Indexing, joining and moving a dataclass whose fields are batched tensors (or such dataclasses)."""

    def __getitem__(self, index: slice | Tensor) -> Self:
        return self._each(lambda value: value[index])

    def to(self, device: str | torch.device) -> Self:
        """The same on another device."""
        return self._each(lambda value: value.to(device))

    def _each(self, change: Callable[[Any], Any]) -> Self:
        return type(self)(**{name: change(value) for name, value in vars(self).items()})

    @classmethod
    def cat(cls, parts: list[Self]) -> Self:
        """Several batches behind one another."""
        joined = {}
        for name, first in vars(parts[0]).items():
            values = [getattr(part, name) for part in parts]
            joined[name] = torch.cat(values) if isinstance(first, Tensor) else type(first).cat(values)
        return cls(**joined)


@dataclass
class Chamber(_Batched):
    """The walls of N chambers.

    Attributes:
        box: (N, 4) left, top, right, bottom of the inner wall, px.
        tilt: (N,) rotation about the image centre, rad.
        pillars: (N, 3, 3) centre x, half width and depth of the pillars that hang from the top, px; half
            width 0 = none.
        foot: (N, 2) px the upper part of the side walls steps inward, and the depth at which it does.
        comb: (N, 3) pitch, phase and length of the teeth below the bottom, px; length 0 = none.
        channel: (N, 4) centre x and half width of the channel at the top and of that at the bottom, px; 0 =
            none.
        rounding: (N,) radius of the corners, px.
    """

    box: Tensor
    tilt: Tensor
    pillars: Tensor
    foot: Tensor
    comb: Tensor
    channel: Tensor
    rounding: Tensor


@dataclass
class Dirt(_Batched):
    """What lies about and is no cell; absent items have strength 0.

    Attributes:
        specks: (N, A, 4) x, y, radius (px), strength (-1..1; negative = dark, positive = bright).
        rings: (N, B, 5) x, y, radius (px), kind (below 0.6 a spot with rings, below 1 a thin ring, above a
            disc with a bright edge and a spot in its middle), strength: dust far out of focus.
        bubbles: (N, D, 4) x, y, radius (px), strength: small round blebs beside cells, which do not count.
        debris: (N, C, 4) x, y, radius (px), strength: granular remains of dead cells.
    """

    specks: Tensor
    rings: Tensor
    debris: Tensor
    bubbles: Tensor


@dataclass
class Scene(_Batched):
    """N chambers with up to S cells each; an empty slot has `present` false.

    Attributes:
        present: (N, S) bool, cells that can be seen.
        counted: (N, S) bool, those of them that count; the others lie in a door, outside of the chamber.
        x, y: (N, S) centres, px, pixel (0, 0) has its centre at 0.5, 0.5.
        radius: (N, S) mean radius, px.
        stretch: (N, S) ratio of the long to the short axis, >= 1; `tilt` (N, S) its direction, rad.
        lobes: (N, S, 4) relative cosine and sine amplitudes of the 3rd and 4th harmonic of the outline.
        bleb: (N, S) roughness of the outline, px.
        grain: (N, S) strength of the granules inside, about 1 for a healthy cell.
        depth: (N, S) optical thickness, about 1 for a healthy cell; low for swollen ones.
        fused: (N, S) how far the border between touching cells has vanished, 0..1.
        chamber, dirt: the surroundings.
    """

    present: Tensor
    counted: Tensor
    x: Tensor
    y: Tensor
    radius: Tensor
    stretch: Tensor
    tilt: Tensor
    lobes: Tensor
    bleb: Tensor
    grain: Tensor
    depth: Tensor
    fused: Tensor
    chamber: Chamber
    dirt: Dirt

    def __len__(self) -> int:
        return len(self.present)

    @property
    def counts(self) -> Tensor:
        """(N,) int64, cells per chamber."""
        return self.counted.sum(1)

    @property
    def centres(self) -> Tensor:
        """(N, S, 2) x, y in px; NaN in empty slots and for cells that do not count.

        A cell that counts and whose middle is just out of view is given the nearest place in view.
        """
        centres = torch.stack([self.x, self.y], -1).clamp(EDGE, SIZE - EDGE)
        return torch.where(self.counted[..., None], centres, torch.full_like(centres, float("nan")))
