"""Looking on while a trial trains: its validation curve at rungs, and the time that is left."""

import time
from collections.abc import Callable
from typing import Any

import lightning as L

from twincell.models.base.counting_task import CountingTask


class TimeIsUp(Exception):  # noqa: N818 - no error: it was asked for
    """The search's time is over; the training goes on from its checkpoint another time."""


class Watch(L.Callback):
    """Hands every validation on, and ends training when time is up.

    Args:
        seen: called with the step and the MAE in cells after a validation; what it raises ends training.
        deadline: in seconds of `time.monotonic`, or None.
    """

    def __init__(self, seen: Callable[[int, float], None], deadline: float | None) -> None:
        self._seen, self._deadline = seen, deadline

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Hands a validation on, looks at the clock."""
        assert isinstance(pl_module, CountingTask)
        if "validation_mae" in pl_module.latest:
            self._seen(trainer.global_step, float(pl_module.latest["validation_mae"]))
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise TimeIsUp
