"""Synthetic test images: drawn like those of training, over the same backgrounds, but other ones."""

from twincell.data.chance import generator_for
from twincell.data.drawn import Drawn, drawn_source
from twincell.data.store import ImageStore
from twincell.reproduce.stage import Job

SEED = 1_000_003
"""Added to the trial's seed: streams of chance that no training of a small seed has."""


def drawn_tests(job: Job, n: int) -> Drawn:
    """n drawn images unlike any of the job's training, unaugmented: images in [0, 1] and counts."""
    import torch

    train = ImageStore.load(job.trial.manifest.select("train"), progress=False)
    seed = job.trial.seed + SEED
    settings = job.settings.changed({"synthetic.source": "fresh"})
    return drawn_source(train, settings, seed, torch.device("cpu")).take(0, n, generator_for(seed, 0, 0))
