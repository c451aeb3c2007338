"""The card of a trained model: what it is, what it learned from, how long that took."""

from typing import Any

import twincell
from twincell.config import Settings
from twincell.models.base.file import ModelCard, Preprocessing, TrainingData
from twincell.training.run_data import Material
from twincell.training.run_dir import Identity


def make_card(
    settings: Settings,
    identity: Identity,
    material: Material,
    *,
    steps: int,
    seconds: float,
    machine: str,
    metrics: dict[str, Any],
    origin: str = "",
) -> ModelCard:
    """The card; the checksum of the weights is filled in when they are saved.

    Args:
        settings: of the run.
        identity: of the run; its fingerprint and seed are noted.
        material: the images learned from.
        steps: optimiser steps taken, or candidates tried.
        seconds: of training.
        machine: what it ran on, in words.
        metrics: figures by name.
        origin: where the weights at the start come from; empty = random.
    """
    store = material.train
    own = store.natural.tolist()
    labelled = ~store.counts.isnan() & store.natural
    return ModelCard(
        name=settings.name,
        method=settings.method,
        settings=settings.model.model_dump(mode="json"),
        training=settings.model_dump(mode="json"),
        modalities=sorted(
            {
                modality
                for modality, natural in zip(store.modalities, own, strict=True)
                if natural == settings.batch.natural  # a network of drawn images alone: those of the drawn
            }
        ),
        image=store.spec.framed(settings.batch.window),
        preprocessing=Preprocessing(scale=store.scale, test_time_flips=settings.counting.test_time_flips),
        data=TrainingData(
            fingerprint=identity.fingerprint,
            images=int(store.natural.sum()),
            labelled=int(labelled.sum()),
            chambers=len({c for c, natural in zip(store.chambers, own, strict=True) if natural}),
            description=material.described + (f"; started from {origin}" if origin else ""),
        ),
        metrics=metrics,
        seed=identity.seed,
        steps=steps,
        seconds=round(seconds, 1),
        machine=machine,
        twincell_version=twincell.__version__,
    )
