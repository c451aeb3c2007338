"""The density network's loss: where cells are, where places are known; how many, wherever a count is."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from twincell.batches.batches import Batch
from twincell.errors import UserError
from twincell.models.density_network.settings import NOMINAL, LossSettings


@dataclass(frozen=True)
class DensityLoss:
    """The loss of a batch; the four parts, factors included, sum to `total`."""

    total: Tensor
    count: Tensor
    drawn_count: Tensor
    density: Tensor
    size: Tensor

    def terms(self) -> dict[str, Tensor]:
        """Every part under its name, for logs."""
        return {name: getattr(self, name) for name in ("count", "drawn_count", "density", "size")}


def density_loss(
    density: Tensor, batch: Batch, settings: LossSettings, log_diameter: Tensor | None = None
) -> DensityLoss:
    """Count error of labelled images plus, where positions are known, the map's squared error.

    Count errors are Huber's with a bend at 1 cell, so that one mislabelled clump does not rule a step.
    Both are means over all images of their origin, so that uncounted ones among the natural make counts
    weigh less.

    Args:
        density: (B, 1, h, w) predicted cells per map element.
        batch: B images with counts (NaN = unlabelled) and the density of those with known places, of either
            origin; its error is a mean over these.
        settings: factors of the terms.
        log_diameter: (B,) predicted logarithm of the cells' diameter in units of `NOMINAL`; None = not asked.
    """
    truth = batch.counts.nan_to_num(0.0)
    error = F.smooth_l1_loss(density.sum((1, 2, 3)), truth, reduction="none")
    error = error / (1 + settings.relative * truth)
    own = (batch.natural & batch.labelled) * batch.weights
    drawn = ~batch.natural
    count = settings.count * (error * own).sum() / batch.natural.sum().clamp_min(1)
    drawn_count = settings.drawn_count * (error * drawn).sum() / drawn.sum().clamp_min(1)
    place = density.new_zeros(())
    placed = None if batch.density is None else ~batch.density.isnan().flatten(1).any(1)
    if batch.density is not None and settings.density and placed is not None and bool(placed.any()):
        if density.shape != batch.density.shape:
            raise UserError(
                f"batch.density {batch.density.shape[-1]}: the network's map has {density.shape[-1]} "
                f"elements a side; set batch.density={density.shape[-1]}"
            )
        squared = (density[placed] - batch.density[placed]) ** 2
        place = settings.density * squared.sum((1, 2, 3)).mean()
    size = density.new_zeros(())
    if log_diameter is not None and batch.radius is not None and settings.size:
        wanted = (2 * batch.radius / NOMINAL).log()
        known = drawn & wanted.isfinite()
        missed = F.smooth_l1_loss(log_diameter, wanted.where(known, 0.0), reduction="none", beta=0.3)
        size = settings.size * (missed * known).sum() / drawn.sum().clamp_min(1)
    total = count + drawn_count + place + size
    return DensityLoss(total, count, drawn_count, torch.as_tensor(place), size)
