"""The line one sees while training: step, time left, live count error."""

from typing import Any

import lightning as L
from rich.progress import TaskID

from twincell.models.base.task import CountingTask
from twincell.progress import bar

MEMORY = 0.95
"""The live error is a running mean: this share of the old value stays at each step."""


class ProgressLine(L.Callback):
    """Shows how far training is and how many cells the counts are off."""

    def __init__(self, show: bool) -> None:
        self._bar, self._task = bar(show), TaskID(0)
        self._error: float | None = None
        self._validation = ""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Opens the line."""
        assert isinstance(pl_module, CountingTask)
        self._bar.start()
        steps = pl_module.plan.steps
        self._task = self._bar.add_task("training", total=steps, completed=trainer.global_step, note="")

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Moves the line on."""
        assert isinstance(pl_module, CountingTask)
        error = float(pl_module.latest["count_error"])
        if error == error:  # NaN: no labelled image in this batch
            self._error = error if self._error is None else MEMORY * self._error + (1 - MEMORY) * error
        if "validation_mae" in pl_module.latest:
            self._validation = f", validation {float(pl_module.latest['validation_mae']):.2f}"
        live = "" if self._error is None else f"count error {self._error:.2f} cells{self._validation}"
        self._bar.update(self._task, completed=trainer.global_step, note=live)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Closes the line."""
        self._bar.stop()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Closes the line, so that the error stands on one of its own."""
        self._bar.stop()
