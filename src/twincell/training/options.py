"""What `twincell train` and `twincell transfer` may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twincell.config import Settings
from twincell.errors import UserError


@dataclass(frozen=True)
class Changes:
    """What the user says in place of a preset's settings.

    Attributes:
        steps: optimiser steps.
        epochs: passes over the natural images; steps or epochs, not both.
        validate: rows, auto or none, as `training.validation`.
        settings: values by their dotted names, such as `{"training.learning_rate": 1e-3}`.

    Raises:
        UserError: steps and epochs are both given.
    """

    steps: int | None = None
    epochs: int | None = None
    validate: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise UserError("--steps and --epochs: give one of them, both say how long to train")

    @property
    def length(self) -> dict[str, int | None]:
        """The settings that say how long to train, where the user says so."""
        if self.steps is None and self.epochs is None:
            return {}
        return {"training.steps": self.steps, "training.epochs": self.epochs}

    def applied_to(self, preset: Settings) -> Settings:
        """Give the preset with these changes.

        Raises:
            UserError: one sentence for each setting or value that is unknown.
        """
        changes: dict[str, Any] = dict(self.length)
        if self.validate is not None:
            changes["training.validation"] = self.validate
        changes |= self.settings
        # Setting one length takes the place of the other, which the preset may have given.
        for one, other in (("steps", "epochs"), ("epochs", "steps")):
            if f"training.{one}" in changes and f"training.{other}" not in changes:
                changes[f"training.{other}"] = None
        return preset.changed(changes) if changes else preset


@dataclass(frozen=True)
class RunOptions:
    """How a training is run.

    Attributes:
        seed: of weights, batches and augmentation.
        resume: go on with the run in its folder.
        changes: what is said in place of the preset's settings.
        max_minutes: end training after this time, with a model of what was reached.
        leave_out: chambers not to learn from.
        accelerator: auto, cpu or gpu.
        devices: how many to use together, or auto.
        progress: show bars and lines on stderr.
    """

    seed: int = 0
    resume: bool = False
    changes: Changes = field(default_factory=Changes)
    max_minutes: float | None = None
    leave_out: tuple[str, ...] = ()
    accelerator: str = "auto"
    devices: str = "1"
    progress: bool = True

    @property
    def says_nothing_of_training(self) -> bool:
        """Whether neither length, settings, validation nor a run to go on with is named."""
        return not self.resume and self.changes == Changes() and self.max_minutes is None


@dataclass(frozen=True)
class TransferOptions:
    """How a trained model is moved to other images.

    Attributes:
        scheme: full, frozen-core, frozen-outer or thaw; see `twincell.training.freezing.frozen_parts`. None:
            full, where nothing calls for an adaptation to few labels.
        preset: how to train; of the model's method, and that method's own where None.
        decoder: off leaves out the decoders and the pixel loss; a step then costs less.
        ramp: share of the steps over which the learning rate rises, 0..1; None keeps the preset's.
        match: learn from drawn scenes like the images first; no label is needed then.
        scenes: a preset that `twincell match` wrote, drawn from in place of scenes that are fitted anew.
    """

    scheme: str | None = None
    preset: str | Path | None = None
    decoder: bool = True
    ramp: float | None = None
    match: bool = False
    scenes: str | Path | None = None

    def __post_init__(self) -> None:
        if self.scenes is not None and not self.match:
            raise UserError(f"{self.scenes}: a preset of drawn scenes is used with --match; add it")

    @property
    def says_nothing_of_training(self) -> bool:
        """Whether neither scheme, preset, decoder nor ramp is named."""
        return (self.scheme, self.preset, self.decoder, self.ramp) == (None, None, True, None)
