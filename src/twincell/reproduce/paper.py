"""The paper's trainings by name, each a stage that several experiments may share (sections 3 to 5)."""

from typing import Any

from twincell.config import Settings
from twincell.errors import UserError
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Stage

TRANSFER_RATIO = 2.0
"""Synthetic images per natural one in a transfer: what the paper found best (4.2)."""
RAMP = FIRST = 0.1
"""Shares of a transfer, as in the authors' code: over which the learning rate rises before it decays, and in
which images of one origin come alone."""


def scratch(request: Request, modality: str) -> Stage:
    """Twin-VAE: natural and synthetic images from the first step, at full length."""
    return Stage("scratch", modality, request.settings_for(modality))


def scratch_short(request: Request, modality: str) -> Stage:
    """The same for only as long as a transfer."""
    return Stage("scratch-short", modality, request.transfer_settings_for(modality))


def natural_only(request: Request, modality: str) -> Stage:
    """Twin-VAE (Nat only): no synthetic image, at full length."""
    settings = request.settings_for(modality)
    return Stage("natural-only", modality, settings.changed(without_synthetic(settings)))


def transfer(
    request: Request, name: str, start: Stage, modality: str, scheme: str = "full", **changes: Any
) -> Stage:
    """A training that goes on from another stage's model, a fifth as long, at `TRANSFER_RATIO`.

    Args:
        request: the user's.
        name: of the stage.
        start: whose weights it starts from.
        modality: of the images it learns from.
        scheme: what is frozen, see `twincell.training.freezing.frozen_parts`.
        changes: of the settings, with `__` for the dot: `training__warmup=0.2`.
    """
    own = {key.replace("__", "."): value for key, value in changes.items()}
    short = request.transfer_settings_for(modality)
    usual = {"transfer": {"scheme": scheme}} | at_ratio(short, TRANSFER_RATIO)
    return Stage(name, modality, short.changed(usual | own), start)


def at_ratio(settings: Settings, ratio: float) -> dict[str, Any]:
    """Changes that give `ratio` times as many synthetic as natural images, in the pool and in each step.

    A step keeps its natural images, so trainings of one length see these equally often at every ratio, and
    cost more the more synthetic ones there are.
    """
    usual = settings.batch.synthetic_per_natural
    if settings.synthetic.source == "none" or not usual:
        return {}
    natural = settings.batch.size / (1 + usual)
    return {
        "batch.synthetic_per_natural": ratio,
        "batch.size": max(round(natural * (1 + ratio)), 2),
        "synthetic.pool": max(round(settings.synthetic.pool * ratio / usual), 1),
    }


def transferred(request: Request, origin: str, modality: str) -> Stage:
    """Transfer Twin-VAE: from the other modality's training, nothing frozen."""
    return transfer(request, "full", scratch(request, origin), modality)


def one_first(request: Request, name: str, start: Stage, modality: str, **changes: Any) -> Stage:
    """A transfer whose first tenth is trained otherwise, as the authors' synthetic- and natural-first starts.

    Args:
        request: the user's.
        name: of the whole; its first tenth is the stage `name-start`.
        start: whose weights it starts from.
        modality: of the images it learns from.
        changes: of the settings in the first tenth, with `__` for the dot.
    """
    whole = request.transfer_settings_for(modality).training
    first: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for unit, length in (("training__steps", whole.steps), ("training__epochs", whole.epochs)):
        first[unit] = length and max(round(FIRST * length), 1)
        rest[unit] = length and max(length - first[unit], 1)
    opening = transfer(request, f"{name}-start", start, modality, **first, **changes)
    return transfer(request, name, opening, modality, **rest)


def without_synthetic(settings: Settings) -> dict[str, Any]:
    """Changes that leave the natural half of each batch as it is and drop the other."""
    ratio = settings.batch.synthetic_per_natural if settings.synthetic.source != "none" else 0.0
    size = max(round(settings.batch.size / (1 + ratio)), 2)
    return {"synthetic.source": "none", "batch.size": size, "batch.density": 0}


def require_twins(request: Request) -> None:
    """Refuses settings of methods without two encoders and decoders.

    Raises:
        UserError: naming the method and what to use instead.
    """
    import torch

    from twincell.evaluate.translation import can_translate
    from twincell.models import METHODS

    for modality in request.modalities:
        settings = request.settings_for(modality)
        with torch.device("meta"):
            network = METHODS[settings.method].build(settings.model)
        if not can_translate(network):
            raise UserError(
                f"preset {settings.name}: its method {settings.method} has no decoders, which this "
                "experiment looks through; use a Twin-VAE preset (--preset compact, or --paper-scale)"
            )
