"""Synthetic test images: drawn like those of training, over the same backgrounds, but other ones."""

from typing import TYPE_CHECKING

from twincell.config import Settings
from twincell.evaluate.protocols import Trial

if TYPE_CHECKING:
    from twincell.batches.synthetic_source import Drawn

PAPERS, OTHERS = {"bf": 514, "pc": 792}, 500
"""Synthetic test images of the paper's Table 1, and of other modalities."""
SEED = 1_000_003
"""Added to the trial's seed: streams of chance that no training of a small seed has."""


def drawn_for(trial: Trial, settings: Settings) -> int:
    """How many synthetic test images a trial is measured on."""
    return settings.synthetic.tests or PAPERS.get(trial.modality, OTHERS)


def drawn_tests(trial: Trial, settings: Settings, n: int) -> "Drawn":
    """n drawn images unlike any that the trial is trained on, unaugmented: images in [0, 1] and counts."""
    import torch

    from twincell.batches.synthetic_source import drawn_source
    from twincell.data.store import ImageStore
    from twincell.seeding import generator_for

    train = ImageStore.load(trial.manifest.select("train"), progress=False)
    seed = trial.seed + SEED
    fresh = settings.changed({"synthetic.source": "fresh"})
    return drawn_source(train, fresh, seed, torch.device("cpu")).take(0, n, generator_for(seed, 0, 0))
