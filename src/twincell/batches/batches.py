"""Training batches: natural and synthetic images at a chosen ratio; each depends on seed and step alone."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from twincell.batches.augment import augment
from twincell.batches.synthetic_source import Drawn, density_of, drawn_source, in_view
from twincell.config import BatchSettings, Settings
from twincell.data.image_spec import BY_DTYPE
from twincell.data.store import ImageStore
from twincell.data.window import Framed, frame
from twincell.errors import UserError
from twincell.seeding import generator_for
from twincell.simulate.clean_backgrounds import Density

PICK_NATURAL, VARY_NATURAL, PICK_SYNTHETIC, VARY_SYNTHETIC, FRAME_NATURAL, FRAME_SYNTHETIC = range(
    6
)  # streams


@dataclass(frozen=True)
class Batch:
    """Images of one training step; natural ones come first.

    Attributes:
        images: (B, 1, side, side) float32 in [0, 1]; `batch.window` is the side.
        counts: (B,) float32, cells; NaN = unlabelled. Not whole where a teacher interpolated them.
        natural: (B,) bool, False = synthetic.
        weights: (B,) float32, how much an image's count is trusted: 1 where counted or drawn.
        density: (B, 1, h, w) float32, cells per map element of images whose cells have known places, NaN
            throughout for others; None where the settings ask for none. Cells out of view are not in it.
        radius: (B,) float32, px, geometric mean of the cells' radii; NaN where not known or without cells.
    """

    images: Tensor
    counts: Tensor
    natural: Tensor
    weights: Tensor
    density: Tensor | None = None
    radius: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labelled(self) -> Tensor:
        """(B,) bool: images whose count is known."""
        return ~self.counts.isnan()

    def share(self, rank: int, world: int) -> "Batch":
        """Every `world`-th image from `rank` on: what one of several devices works on."""
        if world == 1:
            return self
        return Batch(
            self.images[rank::world],
            self.counts[rank::world],
            self.natural[rank::world],
            self.weights[rank::world],
            None if self.density is None else self.density[rank::world],
            None if self.radius is None else self.radius[rank::world],
        )


class Batches:
    """Makes the batch of any step, in any order.

    Args:
        store: training images; natural rows are drawn from, synthetic rows only with source `manifest`.
        settings: its sections `batch`, `synthetic` and `augment` are read.
        seed: batch i depends only on (seed, i).
        targets: optional (N,) counts that stand in for `store.counts` (soft labels; NaN = none).
        weights: optional (N,) from 0, how much each target is trusted; a target of weight 0 is none.
        device: where batches are made; the images are copied there once.
        progress: whether drawing the synthetic pool shows a bar.
        density: what a network finds in images, to keep cells out of the backgrounds that are drawn over.
        kept: folder in which the synthetic pool is kept, for a run that may be gone on with.

    Raises:
        UserError: when the settings ask for images that the store does not hold.
    """

    def __init__(
        self,
        store: ImageStore,
        settings: Settings,
        seed: int = 0,
        targets: Tensor | None = None,
        weights: Tensor | None = None,
        device: str | torch.device = "cpu",
        progress: bool = False,
        density: Density | None = None,
        kept: Path | None = None,
    ) -> None:
        self.settings, self.seed, self.device = settings, seed, torch.device(device)
        self._side = settings.batch.window
        store = store.fitted(self._side)
        own = store.natural.cpu()
        self._spec = store.spec
        self._images = store.images[own.to(store.images.device)].to(self.device)
        self._sizes, self._points, self._placed = store.sizes[own], store.points[own], store.placed[own]
        self._labels = store.counts.float().cpu()[own]
        counts = (store.counts if targets is None else targets).float().cpu()[own]
        trust = torch.ones_like(counts) if weights is None else weights.float().cpu()[own]
        self._weights = torch.where(counts.isnan(), 0.0, trust)
        self._counts = torch.where(self._weights > 0, counts, math.nan)
        self.natural_per_step, self.synthetic_per_step = division(settings, len(self._images))
        self._chances = chances(settings.batch, self._weights, weights is not None)
        self._drawn = (
            drawn_source(store, settings, seed, self.device, progress, density, kept)
            if self.synthetic_per_step
            else None
        )
        self._order: dict[int, Tensor] = {}
        self.steps_per_epoch = steps_per_epoch(store, settings)
        steps = settings.training.steps or (settings.training.epochs or 0) * self.steps_per_epoch
        self._drawn_first = round(settings.batch.drawn_first * steps) if self.synthetic_per_step else 0

    def untouched(self, most: int = 2000) -> Tensor:
        """(n, 1, side, side) training images not varied, evenly chosen; drawn ones where none is natural."""
        if not self.natural_per_step:
            assert self._drawn is not None
            return self._draw(0, min(most, self._drawn.size)).images
        n = len(self._images)
        return self._frame(torch.linspace(0, n - 1, min(n, most)).round().long()).images

    def counted(self) -> tuple[Tensor, Tensor]:
        """Natural images that a person counted, not varied (M, 1, side, side), and (M,) counts."""
        index = (~self._labels.isnan() & (self.natural_per_step > 0)).nonzero()[:, 0]
        framed = self._frame(index)
        return framed.images, self._in_view(index, framed.points, self._labels[index]).to(self.device)

    def make(self, step: int) -> Batch:
        """The batch of step 0, 1, 2, ..."""
        both = self.natural_per_step and step >= self._drawn_first
        made = [self._natural(step)] if both else []
        if self.synthetic_per_step:
            made.append(self._synthetic(step, self.synthetic_per_step if both else self.settings.batch.size))
        fields = {
            name: [getattr(part, name) for part in made]
            for name in ("images", "counts", "natural", "weights")
        }
        density = [part.density for part in made if part.density is not None]
        return Batch(
            **{name: torch.cat(parts) for name, parts in fields.items()},
            density=torch.cat(density) if density else None,
            radius=torch.cat([_radius(part) for part in made]),
        )

    def _natural(self, step: int) -> Batch:
        settings, n = self.settings, self.natural_per_step
        index = self._pick(step, n)
        framed = self._frame(index, generator_for(self.seed, step, FRAME_NATURAL))
        chance = generator_for(self.seed, step, VARY_NATURAL)
        varied = augment(framed.images, chance, settings.augment, framed.points)
        assert varied.points is not None
        weights = self._weights[index] if settings.batch.teacher == "weigh" else torch.ones(n)
        side = settings.batch.density
        return Batch(
            varied.images,
            self._in_view(index, varied.points, self._counts[index]).to(self.device),
            torch.ones(n, dtype=torch.bool, device=self.device),
            weights.to(self.device),
            self._density(index, varied.points) if side else None,
        )

    def _frame(self, index: Tensor, generator: torch.Generator | None = None) -> Framed:
        """Windows of natural images, at chance where there is a generator."""
        raw, points = self._images[index.to(self.device)], self._points[index].to(self.device)
        return frame(raw, self._sizes[index], points, self._spec, self._side, generator)

    def _in_view(self, index: Tensor, points: Tensor, counts: Tensor) -> Tensor:
        """(n,) counts of natural images; where places are known, that of the cells in view."""
        known = self._placed[index] & ~counts.isnan()
        return torch.where(known, in_view(points, self._side).sum(1).float().cpu(), counts)

    def _density(self, index: Tensor, points: Tensor) -> Tensor:
        """(n, 1, h, w) of natural images, NaN where places are not known."""
        batch = self.settings.batch
        density = density_of(points, batch.density, batch.density_sigma, self._side)
        known = (self._placed & ~self._counts.isnan())[index].to(self.device)
        return torch.where(known[:, None, None, None], density, math.nan)

    def _draw(self, step: int, n: int) -> Drawn:
        """Synthetic images of a step in windows, not varied; a crop leaves the cells that it shows."""
        assert self._drawn is not None
        drawn = self._drawn.take(step, n, generator_for(self.seed, step, PICK_SYNTHETIC))
        size, side = drawn.images.shape[-1], self._side
        if size == side:
            return drawn
        points = torch.zeros(n, 0, 2, device=self.device) if drawn.centres is None else drawn.centres
        sizes = torch.tensor(drawn.images.shape[2:]).expand(len(drawn.images), 2)
        chance = generator_for(self.seed, step, FRAME_SYNTHETIC)
        framed = frame(drawn.images, sizes, points, BY_DTYPE["float32"], side, chance)
        if drawn.centres is None and size > side:
            raise UserError(
                f"batch.window {side}: synthetic images of {size} px without places cannot be cropped; set "
                f"batch.window={size}, or add their points.csv"
            )
        counts = in_view(framed.points, side).sum(1).float() if size > side else drawn.counts
        seen = None if drawn.centres is None else framed.points
        return Drawn(framed.images, counts, seen, drawn.radius)

    def _synthetic(self, step: int, n: int) -> Batch:
        settings = self.settings
        drawn = self._draw(step, n)
        varied = augment(
            drawn.images, generator_for(self.seed, step, VARY_SYNTHETIC), settings.augment, drawn.centres
        )
        counts, side = drawn.counts, settings.batch.density
        if settings.synthetic.recount and varied.points is not None:
            counts = in_view(varied.points, drawn.images.shape[-1]).sum(1).float()
        density = None
        if side and varied.points is not None:
            density = density_of(varied.points, side, settings.batch.density_sigma, drawn.images.shape[-1])
        return Batch(
            varied.images,
            counts,
            torch.arange(n, device=counts.device) < round(n * settings.batch.through_natural),
            torch.ones_like(counts),
            density,
            None if drawn.radius is None else drawn.radius / varied.warp.area.to(drawn.radius).sqrt(),
        )

    def _pick(self, step: int, n: int) -> Tensor:
        """(n,) natural images: by chance, or from shuffled passes over all of them."""
        if self._chances is not None:
            generator = generator_for(self.seed, step, PICK_NATURAL)
            return torch.multinomial(self._chances, n, replacement=True, generator=generator)
        places = torch.arange(step * n, (step + 1) * n)
        passes, within = places // len(self._images), places % len(self._images)
        return torch.stack([self._pass(int(p))[i] for p, i in zip(passes, within, strict=True)])

    def _pass(self, number: int) -> Tensor:
        """The order of one pass; the latest ones are remembered."""
        if number not in self._order:
            self._order = {k: v for k, v in self._order.items() if k == number - 1}
            order = torch.randperm(
                len(self._images), generator=generator_for(self.seed, number, PICK_NATURAL)
            )
            self._order[number] = order
        return self._order[number]


def _radius(part: Batch) -> Tensor:
    """(B,) px; NaN where the part does not know."""
    return torch.full_like(part.counts, math.nan) if part.radius is None else part.radius


def division(settings: Settings, natural: int) -> tuple[int, int]:
    """How many natural and how many synthetic images make a batch, where there are `natural` natural ones."""
    size, ratio = settings.batch.size, settings.batch.synthetic_per_natural
    synthetic_too = settings.synthetic.source != "none" and ratio > 0
    if not settings.batch.natural or natural == 0:
        if settings.synthetic.source == "none":
            raise UserError(
                "no natural training image and no synthetic source: add images or set synthetic.source"
            )
        return 0, size
    if not synthetic_too:
        return size, 0
    own = min(max(round(size / (1 + ratio)), 1), size - 1)
    return own, size - own


def steps_per_epoch(store: ImageStore, settings: Settings) -> int:
    """Steps that draw as many natural images as there are (synthetic ones where none is natural)."""
    natural = int(store.natural.sum())
    return epoch_length(natural, len(store) - natural, settings)


def epoch_length(natural: int, synthetic: int, settings: Settings) -> int:
    """The same from the numbers of natural and synthetic training images, before any is read."""
    own, drawn = division(settings, natural)
    if own:
        return math.ceil(natural / own)
    there = synthetic if settings.synthetic.source == "manifest" else settings.synthetic.pool
    return math.ceil(there / drawn)


def chances(settings: BatchSettings, weights: Tensor, taught: bool) -> Tensor | None:
    """(N,) relative chances of natural images to be drawn, or None for shuffled passes over all of them.

    Args:
        settings: `labelled_share`, `few` and `teacher` are read.
        weights: (N,) trust in each target, 0 = no target.
        taught: whether the weights come from a teacher.
    """
    drawn_by_weight = taught and settings.teacher == "draw"
    if settings.labelled_share is None and not settings.few and not drawn_by_weight:
        return None
    known = weights if drawn_by_weight else (weights > 0).float()
    unknown = (weights == 0).float()
    share = 1.0 if settings.labelled_share is None else settings.labelled_share
    if settings.few:
        counted = int((weights >= 1).sum())
        share *= counted / (counted + settings.few)
    if known.sum() == 0 or unknown.sum() == 0:
        return known + unknown if known.sum() == 0 or share > 0 else known
    return known / known.sum() * share + unknown / unknown.sum() * (1 - share)
