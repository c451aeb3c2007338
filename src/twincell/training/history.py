"""The record of a run: one row every few steps in history.csv, the same figures in TensorBoard."""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import lightning as L

from twincell.files import write_atomic
from twincell.models.base.task import Task

NAME = "history.csv"
"""The file in the run folder."""


class History(L.Callback):
    """Writes history.csv: step, seconds, learning_rate, what the task reports, and the validation figure.

    A counting task reports loss, count_error and the method's terms; its validation figure is
    `validation_mae`, in cells, filled in the rows of steps that were validated. `learning_rate` is that of
    the first optimiser.

    Args:
        folder: of the run.
        every: steps between rows; the first, the last and each validated step have one too.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.path, self._every = folder / NAME, every
        self._seconds, self._since = 0.0, time.monotonic()
        self._columns: list[str] = []

    @property
    def seconds(self) -> float:
        """Training time so far, over all resumes."""
        return self._seconds + time.monotonic() - self._since

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self._seconds = state_dict["seconds"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Starts the clock, and drops rows of steps that a killed run took after its last checkpoint."""
        self._since = time.monotonic()
        assert isinstance(pl_module, Task)
        if not (trainer.is_global_zero and self.path.exists()):
            return
        with self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(line.replace("\0", "") for line in file))
        # A row cut short by `kill -9` has fewer values than columns; one that says no step is damaged.
        kept = [row for row in rows if None not in row.values() and _step(row) <= pl_module.steps_done]
        self._columns = list(rows[0]) if rows else []
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        write_atomic(self.path, text.getvalue())

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Adds a row every few steps, at the last step and after each validation."""
        assert isinstance(pl_module, Task)
        step, steps = pl_module.steps_done, pl_module.plan.steps
        validated = pl_module.validation_name in pl_module.latest
        if not trainer.is_global_zero or not (step % self._every == 0 or step in (1, steps) or validated):
            return
        figures = {name: float(value) for name, value in pl_module.latest.items()}
        if trainer.logger is not None:
            trainer.logger.log_metrics(figures, step)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        row = {"step": step, "seconds": round(self.seconds, 2), "learning_rate": rate} | figures
        self._append(row, pl_module.validation_name)

    def _append(self, row: dict[str, float], last: str) -> None:
        new = not self._columns
        if new:
            self._columns = [*(name for name in row if name != last), last]
        with self.path.open("w" if new else "a", newline="") as file:
            writer = csv.DictWriter(file, self._columns, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow({name: _short(value) for name, value in row.items()})


def _step(row: dict[str, str]) -> float:
    """The step a row is of, above all steps where it says none."""
    told = row.get("step", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else math.inf


def _short(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
