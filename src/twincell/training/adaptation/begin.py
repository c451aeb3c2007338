"""Where an adaptation begins: with the model as it is, or with what drawn scenes made of it.

Scenes matched to a lab's images give labels for free, but only as good as the match. Labels, where there are
enough of them, decide whether what was learned is kept; else the match itself has to be good.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.scenes import Scenes, agreement, learn_scenes
from twincell.training.adaptation.view import count
from twincell.words import number

AGREE = 0.5
"""Least correlation of both models' counts of the real images; below it one of them counts something else."""
FACTOR = 2.0
"""So many times more or fewer cells at most: beyond it, too."""


@dataclass(frozen=True)
class Beginning:
    """A network to begin with.

    Attributes:
        network: in eval mode.
        scale: at which it looks at images, times their own size.
        learned: whether drawn scenes changed it.
        told: one sentence on that for people; "" without scenes.
        start_missed: mean |round(count) - label| of the start, cells; None where it was not asked for.
        figures: the same as numbers, for the card.
    """

    network: nn.Module
    scale: float
    learned: bool = False
    told: str = ""
    start_missed: float | None = None
    figures: dict[str, object] = field(default_factory=dict)


Magnify = Callable[[float], tuple[Labelled, Sequence[Tensor]]]
"""From a scale to the labelled and the other images at that scale."""


def begin(
    network: nn.Module, scale: float, at: Magnify, scenes: Scenes, enough: bool, seed: int
) -> Beginning:
    """Learns from drawn scenes, and says whether to begin with that.

    Args:
        network: the start; `scale`: at which it looks at images.
        at: gives the images.
        scenes: what is drawn.
        enough: whether the labels can say which of two models is better.
        seed: of drawing and learning.
    """
    learned = learn_scenes(network, scenes, seed)
    before, after = (_counts(*at(s), own) for s, own in ((scale, network), (scenes.scale, learned.network)))
    alike = agreement(torch.cat(before), torch.cat(after))
    more = float((torch.cat(after).mean() + 0.1) / (torch.cat(before).mean() + 0.1))
    figures: dict[str, object] = {
        "source": scenes.source,
        "scale": round(scenes.scale, 4),
        "error on drawn scenes kept aside": [round(learned.before, 3), round(learned.after, 3)],
        "correlation with the start's counts": round(alike, 3),
        "cells, times the start's": round(more, 3),
    }
    if scenes.after is not None:
        figures["distance of drawn from real"] = [scenes.before, scenes.after]
    labels = at(scale)[0].counts
    start_missed = None
    if enough:
        missed = [float((found.round() - labels).abs().mean()) for found in (before[0], after[0])]
        figures["error on labelled images"] = [round(value, 3) for value in missed]
        keep, start_missed = missed[1] <= missed[0], missed[0]
        why = (
            f"labels: {missed[0]:.2f} cells before, {missed[1]:.2f} after, on {number(len(labels), 'image')}"
        )
    else:
        keep = alike >= AGREE and 1 / FACTOR <= more <= FACTOR and learned.after < learned.before
        why = f"no label can tell; {more:.2f} times the start's cells, correlated by {alike:.2f}"
    figures["used"] = keep
    told = f"{scenes.source} are {'used' if keep else 'not used'} ({why})"
    if keep:
        return Beginning(learned.network, scenes.scale, True, told, start_missed, figures)
    return Beginning(network, scale, False, told, start_missed, figures)


def _counts(labelled: Labelled, others: Sequence[Tensor], network: nn.Module) -> tuple[Tensor, Tensor]:
    """Counts of the labelled and of the other images."""
    return count(network, labelled.images), count(network, others)
