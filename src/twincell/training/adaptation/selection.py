"""How far to change a network, decided by the labels themselves: nested cross-validation, the start included.

Every labelled image is left out once, frames of one chamber together. What was learned from the others - the
view, and the weights after each amount of change - counts it, and so does the start. A change is made only
where it is better than the start, the surer the fewer labels; a start that is good already stays.
"""

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twincell.training.adaptation.adapt import Effort, trajectory
from twincell.training.adaptation.curve import FLAT, learning_curve
from twincell.training.adaptation.expect import Expectation
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.search import Views
from twincell.training.adaptation.sure import (
    CONFIDENCE,
    numbered,
    resembling,
    standard_error,
    surely_positive,
)
from twincell.training.adaptation.view import PLAIN, View, contrasted, count

LEAST = 3
"""Fewer labelled places - images that stand alone, or chambers - cannot say how others will be counted."""
MANY, LIKELY = 12, 0.6
"""Labelled places from which on a gain need not be as sure: learning from so many hardly ever harms."""
FAR = 0.4
"""Error, in units of the square root of the count + 1, from which on a start has much to learn.

Four drawn microscopes in bright field that `any` counts 0.7 to 3.4 cells wrong, 20 labels each: 120 steps in
place of 60 took the error in new chambers from 0.85 to 0.71 with counts, from 0.97 to 0.73 with clicks. On
LDC, nearer to the start, both are level."""
FOLDS = 4
FEW = 0
"""The fold that teaches a network alone, to see how much worse fewer labels are."""
START = -1
"""The amount of change of a network and a view that stay as they are; 0 changes the view alone."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """A network fit for the labelled images, which may be the start.

    Attributes:
        network: what to count with, in eval mode; the start's weights where nothing was better.
        view: the size at which images are to be shown to it; its contrast is in the network's weights.
        steps: optimiser steps taken; 0 = the view alone changed, `START` = nothing did.
        expected: what to expect; None with fewer than `LEAST` labelled places.
        tried: mean absolute error on images left out, in cells, by amount of change.
    """

    network: nn.Module
    view: View
    steps: int
    expected: Expectation | None
    tried: dict[int, float]

    @property
    def changed(self) -> bool:
        """Whether anything differs from the start."""
        return self.steps != START


@dataclass(frozen=True)
class LeftOut:
    """Counts of every image by networks that did not learn from it.

    Attributes:
        amounts: R amounts of change, rising; the first is `START`.
        counts: (R, N) cells.
        labels: (N,) a person's.
        unit: (N,) int, the place each image shows: its chamber, or its own number.
        fold: (N,) in which fold each image was left out.
    """

    amounts: tuple[int, ...]
    counts: Tensor
    labels: Tensor
    unit: Tensor
    fold: Tensor

    @property
    def missed(self) -> Tensor:
        """|count - label| by amount and image, (R, N)."""
        return (self.counts - self.labels).abs()

    @property
    def learned_from(self) -> tuple[float, float]:
        """Labels in one fold and in all but one, on the mean."""
        parts = int(self.fold.max()) + 1
        return len(self.labels) / parts, len(self.labels) * (parts - 1) / parts


def choose(
    network: nn.Module,
    labelled: Labelled,
    effort: Effort | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> Chosen:
    """Fine-tunes as far as the labels show that it helps.

    Args:
        network: a density network, of grey levels in [0, 1]; not changed.
        labelled: N images with counts, places or both; N may be 0.
        effort: how much work; by default what `effort_for` gives.
        seed: of folds, batches and variation.
        tell: called with a line on what is being done.
    """
    units = _units(labelled)
    if len(units.unique()) < LEAST:
        return Chosen(copy.deepcopy(network).eval(), PLAIN, START, None, {})
    effort, tell = (
        effort or effort_for(len(labelled), far_off(network, labelled)),
        tell or (lambda line: None),
    )
    tell(f"looking for the size and contrast at which {len(labelled)} labelled images are counted best")
    views = Views(network, labelled, units)
    left_out = leave_out(network, labelled, views, effort, seed, tell)
    row = best_amount(left_out.missed, units)
    steps = left_out.amounts[row]
    curve = FLAT
    if steps != START:
        few = from_fewer(network, labelled, views, left_out.fold, steps, effort, seed, tell)
        curve = learning_curve(
            (few - labelled.counts).abs(), left_out.missed[row], units, left_out.learned_from
        )
    parts = int(left_out.fold.max()) + 1
    expected = Expectation.of(
        honest(left_out), left_out.counts[0], labelled.counts, units, (parts - 1) / parts, curve
    )
    tried = dict(zip(left_out.amounts, left_out.missed.mean(1).tolist(), strict=True))
    tell("leaving the model as it is" if steps == START else f"learning from all of them, {steps} steps")
    view = PLAIN if steps == START else views.best()
    return Chosen(_trained(network, labelled, view, steps, effort, seed), view, steps, expected, tried)


def shown_places(labelled: Labelled) -> int:
    """How many places labelled images show: chambers, and images that stand alone."""
    return len(_units(labelled).unique())


def _units(labelled: Labelled) -> Tensor:
    return numbered(resembling(labelled.images, labelled.chambers)) if len(labelled) else torch.zeros(0)


def effort_for(n: int, far: float = 0.0) -> Effort:
    """The work that n labelled images are worth: few steps for few, unless the start is `far_off`."""
    return Effort() if n <= 40 and far <= FAR else Effort(steps=(30, 60, 120))


def far_off(network: nn.Module, labelled: Labelled) -> float:
    """Mean error of a network, in units of the square root of the count + 1."""
    missed = (count(network, labelled.images) - labelled.counts).abs()
    return float((missed / (labelled.counts + 1).sqrt()).mean())


def from_fewer(
    network: nn.Module,
    labelled: Labelled,
    views: Views,
    fold: Tensor,
    steps: int,
    effort: Effort,
    seed: int,
    tell: Tell,
) -> Tensor:
    """Counts of images by a network that learned from one fold alone, (N,); NaN for that fold.

    And for all where images stand alone in their folds: so few labels teach nothing.
    """
    counts = torch.full((len(labelled),), torch.nan)
    if int(fold.bincount().max()) > 1:
        tell("learning from one part alone")
        rest, view = (fold != FEW).nonzero()[:, 0], views.best(fold == FEW)
        few = labelled.select((fold == FEW).nonzero()[:, 0])
        learned = _trained(network, few, view, steps, effort, seed + 1)
        counts[rest] = count(learned, labelled.select(rest).images, view)
    return counts


def leave_out(
    network: nn.Module, labelled: Labelled, views: Views, effort: Effort, seed: int, tell: Tell
) -> LeftOut:
    """Counts every image by the start and by what was learned, step by step, from the other folds."""
    fold = folds(views.units, seed)
    amounts = (START, 0, *effort.steps)
    counts = torch.zeros(len(amounts), len(labelled))
    for k in fold.unique().tolist():
        tell(f"cross-validation, part {k + 1} of {int(fold.max()) + 1}")
        out = fold == k
        images = labelled.select(out.nonzero()[:, 0]).images
        rest = labelled.select((~out).nonzero()[:, 0])
        view = views.best(~out)
        counts[0, out] = count(network, images)
        seeing = contrasted(network, view.contrast)
        counts[1, out] = count(seeing, images, view)
        for row, (_, average) in enumerate(trajectory(seeing, rest, view, effort, seed + 1 + k), start=2):
            counts[row, out] = count(average, images, view)
    return LeftOut(amounts, counts, labelled.counts, views.units, fold)


def folds(units: Tensor, seed: int) -> Tensor:
    """In which fold each image is left out, (N,) from 0; images of one unit together, no fold empty.

    Few units are left out one by one, since every label is needed.
    """
    n = int(units.max()) + 1
    parts = FOLDS if n > FOLDS + 2 else n
    of = torch.empty(n, dtype=torch.long)
    of[torch.randperm(n, generator=torch.Generator().manual_seed(seed))] = torch.arange(n) % parts
    return of[units]


def best_amount(missed: Tensor, units: Tensor) -> int:
    """The row of `missed` (R, N) to take; row 0 is the start.

    Of the rows that are better than row 0 (how sure that must be: `MANY`) the one with the lowest mean, or a
    later one that is no more than one standard error of the difference above it: what learned longer was
    always better on other images than cross-validation, which learns from fewer labels, made it look. Row 0
    where there is none.
    """
    enough = len(units.unique()) >= MANY
    sure = surely_positive(missed[0] - missed, units, LIKELY if enough else CONFIDENCE)
    if not bool(sure.any()):
        return 0
    best = int(torch.where(sure, missed.mean(1), torch.inf).argmin())
    behind = missed - missed[best]
    level = sure & (behind.mean(1) <= standard_error(behind, units))
    level[best] = True
    return int(level.nonzero().max())


def honest(left_out: LeftOut) -> Tensor:
    """Counts of images left out also of the choice of the amount, (N,): it is made on the other folds."""
    counts = torch.empty_like(left_out.labels)
    for k in left_out.fold.unique():
        out = left_out.fold == k
        row = best_amount(left_out.missed[:, ~out], left_out.unit[~out])
        counts[out] = left_out.counts[row, out]
    return counts


def _trained(
    network: nn.Module, labelled: Labelled, view: View, steps: int, effort: Effort, seed: int
) -> nn.Module:
    network = contrasted(network, view.contrast)
    if steps <= 0:
        return network
    shorter = dataclasses.replace(effort, steps=tuple(amount for amount in effort.steps if amount <= steps))
    for _, average in trajectory(network, labelled, view, shorter, seed):
        last = average
    return last
