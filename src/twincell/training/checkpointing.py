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


class Checkpointing(L.Callback):
    """Saves `last.ckpt` every so many steps or seconds, and once more when the run is asked to stop.

    Put it last among the callbacks: what is saved includes what the others did after the same step.

    Args:
        folder: of the run.
        steps, seconds: a checkpoint is written when either has passed since the last one.
        max_minutes: training ends with a checkpoint after this time; None = no limit. It is counted from
            this process's first step: what an earlier one took, or drawing the images, is not in it.

    Attributes:
        stopped: the signal that ended training, or None.
        timed_out: whether `max_minutes` ended it.
        complete: whether it ended by itself, after its last step or without improvement.
    """

    def __init__(self, folder: Path, steps: int, seconds: float, max_minutes: float | None) -> None:
        self.path = folder / NAME
        self._steps, self._seconds = steps, seconds
        self._max_minutes = max_minutes
        self._deadline: float | None = None
        self._saved = time.monotonic()
        self._handlers: dict[int, Any] = {}
        self.stopped: int | None = None
        self.timed_out = False
        self.complete = False

    def state_dict(self) -> dict[str, bool]:
        """What a later process has to know of this one."""
        return {"complete": self.complete}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """A new process judges for itself."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Starts the clock, and to catch SIGTERM and Ctrl-C: the current step is finished first."""
        if self._max_minutes is not None:
            self._deadline = time.monotonic() + 60 * self._max_minutes
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
        step = pl_module.steps_done
        self.complete = trainer.should_stop or step == pl_module.plan.steps
        if ending:
            trainer.should_stop = True
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
        try:
            trainer.save_checkpoint(temporary)
        except BaseException:  # a full disk: half a checkpoint would only fill it more
            temporary.unlink(missing_ok=True)
            raise
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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, once every byte of it is known to be as it was written; its tensors stay on the disk.

    Raises:
        FaultError: it is damaged, or none of a training. It is a UserError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if bad := archive.testzip():
                raise ValueError(f"{bad} is damaged")
        told: dict[str, Any] = torch.load(path, mmap=True, weights_only=True)
        if not isinstance(told["state_dict"], dict) or completed_steps(told) < 0:
            raise ValueError("it holds no weights")
    except Exception as problem:  # a damaged archive raises many kinds
        said = " ".join(str(problem).split())[:160] or type(problem).__name__
        left = "--resume then trains the same run from the start"
        if path.with_name("model.json").exists():
            left = "the finished model beside it does not need it"
        cure = f"put a copy of it back, or remove {NAME}: {left}"
        raise FaultError(error(path, f"cannot be gone on from ({said})", cure)) from problem
    return told


def is_cut_short(folder: Path, model_steps: int) -> bool:
    """Whether a run that has a model can go on: its time was up, or it was stopped after it went on.

    Args:
        folder: of the run.
        model_steps: steps that its model has seen.
    """
    path = folder / NAME
    if not path.exists():
        return False
    kept = read_checkpoint(path)
    # Release 1 did not say whether a run was complete; its runs that have a model are taken as finished.
    complete = kept.get("callbacks", {}).get("Checkpointing", {}).get("complete", True)
    return not complete or completed_steps(kept) > model_steps
