"""The card of a trained model: what it is, what it learned from, how long that took."""

from typing import Any

import twincell
from twincell.config import Settings
from twincell.models.base.file import ModelCard, Preprocessing
from twincell.models.base.run_data import RunData
from twincell.training.run_dir import RunIdentity


def make_card(
    settings: Settings,
    identity: RunIdentity,
    data: RunData,
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
        data: what was learned from.
        steps: optimiser steps taken, or candidates tried.
        seconds: of training.
        machine: what it ran on, in words.
        metrics: figures by name.
        origin: where the weights at the start come from; empty = random.
    """
    description = data.description + (f"; started from {origin}" if origin else "")
    return ModelCard(
        name=settings.name,
        method=settings.method,
        settings=settings.model.model_dump(mode="json"),
        training=settings.model_dump(mode="json"),
        modalities=data.modalities,
        image=data.image,
        preprocessing=Preprocessing(scale=data.scale, test_time_flips=settings.counting.test_time_flips),
        data=data.summary().model_copy(
            update={"fingerprint": identity.fingerprint, "description": description}
        ),
        metrics=metrics,
        seed=identity.seed,
        steps=steps,
        seconds=round(seconds, 1),
        machine=machine,
        twincell_version=twincell.__version__,
    )
