"""Which parts of a network learn when: schemes over its named parts (paper 3.1)."""

from collections.abc import Iterable
from typing import Any

import lightning as L
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from twincell.models.base.method import Parts
from twincell.models.base.task import Task

SCHEMES = ("full", "frozen-core", "frozen-outer", "thaw")


def frozen_parts(scheme: str, parts: Parts, step: int, steps: int) -> tuple[str, ...]:
    """Names of the parts that do not learn in step 0 .. steps - 1.

    - full: none. The head, which counts, learns in every scheme.
    - frozen-core: what all images share.
    - frozen-outer: the layers of each origin.
    - thaw: of the `parts.unfreezing` groups the i-th of n learns from i / n of the training on, the outermost
      from the start: with five groups at 0, 1/5, 2/5, 3/5 and 4/5.
    """
    if scheme == "frozen-core":
        return parts.core
    if scheme == "frozen-outer":
        return parts.outer
    if scheme == "thaw":
        groups = parts.unfreezing
        return tuple(
            name for i, group in enumerate(groups) if step * len(groups) < i * steps for name in group
        )
    return ()


def freeze(network: nn.Module, names: Iterable[str]) -> None:
    """Lets exactly the named parts rest: no gradient, and batch-norm statistics used but not updated.

    Gradients still pass through a resting part to those that learn; dropout stays as it is in training.
    """
    network.requires_grad_(True)
    _statistics(network, network.training)
    for name in names:
        part = network.get_submodule(name)
        part.requires_grad_(False)
        _statistics(part, False)


def _statistics(module: nn.Module, learn: bool) -> None:
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            layer.train(learn)


class Freezing(L.Callback):
    """Freezes and releases parts of the task's network as the scheme says."""

    def __init__(self, scheme: str, parts: Parts) -> None:
        self._scheme, self._parts = scheme, parts
        self._frozen: tuple[str, ...] | None = None

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Applies the scheme whenever it changes, also at the first step after a resume."""
        assert isinstance(pl_module, Task)
        frozen = frozen_parts(self._scheme, self._parts, pl_module.steps_done, pl_module.plan.steps)
        if frozen != self._frozen:
            freeze(pl_module.network, frozen)
            self._frozen = frozen
