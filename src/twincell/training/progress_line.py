"""The line shown while training: step, time left, the live figure of the task."""

from typing import Any

import lightning as L
from rich.progress import TaskID

from twincell.models.base.task import Task
from twincell.progress import bar

MEMORY = 0.95
"""Share of the old value that stays in the running mean of the live figure at each step."""


class ProgressLine(L.Callback):
    """Shows how far training is, and how well it goes: for counts, how many cells they are off."""

    def __init__(self, show: bool) -> None:
        self._bar, self._task = bar(show), TaskID(0)
        self._figure: float | None = None
        self._validation = ""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Opens the line."""
        assert isinstance(pl_module, Task)
        self._bar.start()
        steps = pl_module.plan.steps
        self._task = self._bar.add_task("training", total=steps, completed=pl_module.steps_done, note="")

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Moves the line on."""
        assert isinstance(pl_module, Task)
        name, words = pl_module.live
        figure = float(pl_module.latest[name])
        if figure == figure:  # NaN: no labelled image in this batch
            self._figure = figure if self._figure is None else MEMORY * self._figure + (1 - MEMORY) * figure
        if pl_module.validation_name in pl_module.latest:
            self._validation = f", validation {float(pl_module.latest[pl_module.validation_name]):.2f}"
        note = "" if self._figure is None else words.format(self._figure) + self._validation
        self._bar.update(self._task, completed=pl_module.steps_done, note=note)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Closes the line."""
        self._bar.stop()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Closes the line, so that the error stands on one of its own."""
        self._bar.stop()
