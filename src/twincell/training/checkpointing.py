"""Checkpoints that appear whole or not at all, and a calm end on SIGTERM, Ctrl-C or time's up."""

import signal
import time
import zipfile
from pathlib import Path
from types import FrameType
from typing import Any

import lightning as L
import torch

from twincell.faults import FaultError, error
from twincell.models.base.task import Task, completed_steps
from twincell.training.run_dir import CHECKPOINT as NAME


def steps_in(checkpoint: Path) -> int:
    """The complete steps of a checkpoint, once every byte of it is known to be as it was written.

    Raises:
        FaultError: it is damaged, or none of a training. It is a UserError.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            if bad := archive.testzip():
                raise ValueError(f"{bad} is damaged")
        told = torch.load(checkpoint, mmap=True, weights_only=True)
        steps = completed_steps(told)
        if not isinstance(told["state_dict"], dict) or steps < 0:
            raise ValueError("it holds no weights")
    except Exception as problem:  # a damaged archive raises many kinds
        said = " ".join(str(problem).split())[:160] or type(problem).__name__
        raise FaultError(
            error(
                checkpoint,
                f"cannot be gone on from ({said})",
                f"put a copy of it back, or remove {NAME}: --resume then trains the same run from the start",
            )
        ) from problem
    return steps


class Checkpointing(L.Callback):
    """Saves `last.ckpt` every so many steps or seconds, and once more when the run is asked to stop.

    Put it last among the callbacks: what is saved includes what the others did after the same step.

    Args:
        folder: of the run.
        steps, seconds: a checkpoint is written when either has passed since the last one.
        max_minutes: training ends with a checkpoint after this time from now; None = no limit.

    Attributes:
        stopped: the signal that ended training, or None.
        timed_out: whether `max_minutes` ended it.
    """

    def __init__(self, folder: Path, steps: int, seconds: float, max_minutes: float | None) -> None:
        self.path = folder / NAME
        self._steps, self._seconds = steps, seconds
        self._deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
        self._saved = time.monotonic()
        self._handlers: dict[int, Any] = {}
        self.stopped: int | None = None
        self.timed_out = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Starts to catch SIGTERM and Ctrl-C: the current step is finished first."""
        try:
            self._handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:
            self._handlers = {}  # signals belong to the main thread; elsewhere its owner decides

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves when it is time to, or when training is about to end before its last step."""
        assert isinstance(pl_module, Task)
        now = time.monotonic()
        self.timed_out = self._deadline is not None and now >= self._deadline
        ending = self._agreed(trainer, self.stopped is not None or self.timed_out)
        late = self._agreed(trainer, now - self._saved >= self._seconds)
        if ending:
            trainer.should_stop = True
        step = pl_module.steps_done
        if late or trainer.should_stop or step % self._steps == 0 or step == pl_module.plan.steps:
            self.save(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Restores the signal handlers of before."""
        self._restore()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Restores the signal handlers of before."""
        self._restore()

    def save(self, trainer: L.Trainer) -> None:
        """Writes the checkpoint under a temporary name and renames it."""
        temporary = self.path.with_suffix(".tmp")
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            temporary.replace(self.path)
        self._saved = time.monotonic()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopped is not None:
            raise KeyboardInterrupt  # asked twice: the current step takes too long for the user
        self.stopped = number

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    @staticmethod
    def _agreed(trainer: L.Trainer, flag: bool) -> bool:
        """One answer for all devices, since all of them take part in saving: yes if any says so."""
        return flag if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(flag, all=False)
