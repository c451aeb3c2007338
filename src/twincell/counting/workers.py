"""Several processes share one count: Lightning starts them and deals out the parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader, Dataset

from twincell.counting.options import CountOptions, opened
from twincell.counting.parts import Parts
from twincell.counting.reader import Reader
from twincell.models.base.file import LoadedModel
from twincell.progress import bar


def share(
    parts: Parts, todo: Sequence[int], model: Path, options: CountOptions, progress: bool = True
) -> None:
    """Counts the parts in `todo` with `options.workers` processes on this machine.

    A process writes each part it finishes, so nothing travels between them and nothing is counted twice. Each
    loads the model itself and takes its share of the processor's threads.
    """
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=options.workers,
        strategy="ddp_spawn",  # a forked process inherits torch's thread pool in an unusable state
        use_distributed_sampler=True,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[_Progress(parts)] if progress else [],
    )
    loader: DataLoader[int] = DataLoader(_Numbers(list(todo)), batch_size=None)
    trainer.predict(_Counter(parts, model, options), loader, return_predictions=False)


class _Numbers(Dataset[int]):
    """The parts to be dealt out."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> int:
        return self._numbers[index]


class _Counter(lightning.LightningModule):
    """Counts one part per step."""

    def __init__(self, parts: Parts, model: Path, options: CountOptions) -> None:
        super().__init__()
        self.parts, self.place, self.options = parts, model, options
        self.model: LoadedModel | None = None
        self.reader: Reader | None = None

    def on_predict_start(self) -> None:
        """Loads the model once per process."""
        torch.set_num_threads(max(1, torch.get_num_threads() // self.options.workers))
        self.model = opened(self.place, self.options)
        self.reader = Reader(self.parts.frames, self.model.fixed_size, self.options.convert)

    def predict_step(self, batch: Any, batch_idx: int) -> None:
        """Counts part `batch` and keeps it."""
        if self.model is None or self.reader is None:
            raise RuntimeError("the model is loaded at the start of predicting")
        self.parts.count(int(batch), self.model, self.reader)


class _Progress(Callback):
    """How many parts all processes together have done, shown by the first one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def on_predict_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.is_global_zero:
            self._bar = bar()  # made here: a display cannot travel to another process
            self._bar.start()
            self._task = self._bar.add_task("counting", total=len(self._parts.frames), note="")

    def on_predict_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.is_global_zero:
            todo = sum(len(self._parts.rows(number)) for number in self._parts.todo())
            self._bar.update(self._task, completed=len(self._parts.frames) - todo)

    def on_predict_end(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.is_global_zero:
            self._bar.stop()
