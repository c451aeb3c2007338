"""Errors of all eight subsets on real images that nothing was learned from, image by image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from twincell.gap.convention import Convention, fit_convention
from twincell.gap.generator import Generator
from twincell.gap.shapley import DISTRIBUTION, LABEL, NOTHING, PHOTOREALISM, SUBSETS, Closed, name_of
from twincell.gap.trainings import Trainings, counts_of
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.sure import numbered

REAL, BY_COUNTS = "real labels", "everything, by counts alone"
"""What drawn images are compared with: as many labelled real ones; and, where these have no places, what
drawn ones teach that tell their number alone."""
LOOKS: tuple[Closed, ...] = (
    NOTHING, frozenset({DISTRIBUTION}), frozenset({PHOTOREALISM}), frozenset({DISTRIBUTION, PHOTOREALISM}),
)  # fmt: skip
"""What has to be drawn and learned from; the label part is closed afterwards."""
NEAREST = LOOKS[-1]
BIAS = "bias of "

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        images: one row a seed and measured image: seed, chamber, image (number), counted, one column a subset
            (by `name_of`), one `REAL` and perhaps one `BY_COUNTS`, all |rounded count - label| in cells.
        conventions: by seed.
        bias: mean of count - label in cells, before rounding, by column.
    """

    images: pd.DataFrame
    conventions: dict[int, Convention]
    bias: dict[str, float]


def measure(
    generator: Generator,
    labelled: Labelled,
    halves: dict[int, Tensor],
    trainings: Trainings,
    labels: int,
    tell: Tell,
) -> Measured:
    """Trains what is not trained yet and counts the other half of the real images.

    Args:
        generator: draws images with differences open or closed.
        labelled: N real images at the size at which cells are drawn.
        halves: by seed, (N,) bool, images that are measured; labels that may be used come from the others.
        trainings: how counters learn.
        labels: how many of the other half's labels the convention is fitted on.
        tell: called with lines on what is done.
    """
    parts, conventions, signed = [], {}, []
    for seed, measured in halves.items():
        test, rest = (labelled.select(mask.nonzero()[:, 0]) for mask in (measured, ~measured))
        some = rest.select(torch.linspace(0, len(rest) - 1, min(labels, len(rest))).round().long().unique())
        found, counts = {}, torch.zeros(0)
        for closed in LOOKS:
            tell(f"seed {seed}: learning from drawn images, closed: {name_of(closed)}")
            network = trainings.on_drawn(generator, closed, seed)
            found[closed] = counts_of(network, test)
            if closed == NEAREST:
                counts = counts_of(network, some)
        conventions[seed] = fit_convention(counts, some.counts, numbered(some.chambers))
        columns = {
            name_of(closed): conventions[seed].of(found[closed - {LABEL}])
            if LABEL in closed
            else found[closed]
            for closed in SUBSETS
        }
        if labelled.dotted < len(labelled):
            tell(f"seed {seed}: learning from drawn images by their counts alone")
            alone = counts_of(trainings.on_drawn(generator, NEAREST, seed, placed=False), test)
            columns[BY_COUNTS] = conventions[seed].of(alone)
        tell(f"seed {seed}: learning from {len(rest)} real images")
        columns[REAL] = counts_of(trainings.on_real(rest, seed), test)
        parts.append(_rows(seed, test, measured.nonzero()[:, 0], columns))
        signed.append({name: float((count - test.counts).mean()) for name, count in columns.items()})
    bias = {name: float(np.mean([own[name] for own in signed])) for name in signed[0]}
    return Measured(pd.concat(parts, ignore_index=True), conventions, bias)


def _rows(seed: int, test: Labelled, at: Tensor, counts: dict[str, Tensor]) -> pd.DataFrame:
    table = pd.DataFrame(
        {"seed": seed, "chamber": test.chambers, "image": at.numpy(), "counted": test.counts.numpy()}
    )
    for name, count in counts.items():
        table[name] = (count.round() - test.counts).abs().numpy()
    return table


def halves_of(chambers: Sequence[str], seeds: Sequence[int]) -> dict[int, Tensor]:
    """By seed, (N,) bool: images of about half of the chambers, the other half with the next odd seed.

    Chambers are dealt out by chance, the largest first, always to the half that has fewer images.
    """
    names, sizes = np.unique(np.array(chambers, dtype=object).astype(str), return_counts=True)
    found = {}
    for seed in seeds:
        chance = np.random.default_rng(seed // 2).permutation(len(names))
        order = chance[np.argsort(-sizes[chance], kind="stable")]
        held: list[list[str]] = [[], []]
        filled = [0, 0]
        for k in order:
            half = int(filled[1] < filled[0])
            held[half].append(names[k])
            filled[half] += int(sizes[k])
        found[seed] = torch.tensor(np.isin(np.array(chambers).astype(str), held[seed % 2]))
    return found
