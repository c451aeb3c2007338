"""Lightning's Trainer, set up for runs counted in steps, with its remarks off the screen."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger


@dataclass(frozen=True)
class Machine:
    """Where to compute, by Lightning's names: accelerator (auto, cpu, gpu), devices (number, auto), nodes."""

    accelerator: str = "auto"
    devices: str = "1"
    nodes: int = 1


class Ticks:
    """An endless loader: every tick is a step, and the step makes its own batch."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 0

    def state_dict(self) -> dict[str, int]:
        """Nothing to remember; that it says so tells Lightning that a run may resume anywhere."""
        return {}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing was remembered: the next tick is like any other."""
        del state


def make_trainer(
    out: Path,
    callbacks: list[L.Callback],
    machine: Machine,
    resumed_step: int | None,
) -> L.Trainer:
    """A Trainer without an end of its own: the task ends training, callbacks validate, save and show.

    Args:
        out: the run folder; TensorBoard's files go into its folder tensorboard.
        callbacks: called after every step in this order.
        machine: where to compute.
        resumed_step: TensorBoard forgets what a killed run logged after this step.
    """
    alone = machine.devices == "1" and machine.nodes == 1
    return L.Trainer(
        max_steps=-1,
        max_epochs=-1,
        accelerator=machine.accelerator,
        devices=machine.devices if machine.devices == "auto" else int(machine.devices),
        num_nodes=machine.nodes,
        # A batch may lack one origin, whose layers then have no gradient.
        strategy="auto" if alone else "ddp_find_unused_parameters_true",
        use_distributed_sampler=False,
        deterministic="warn",
        benchmark=False,
        logger=TensorBoardLogger(out, name="tensorboard", version="", purge_step=resumed_step),
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )


def is_first_process() -> bool:
    """Whether this process was started by the user and not by Lightning as one of several."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps Lightning's remarks off the screen; errors still come through."""
    loggers = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
