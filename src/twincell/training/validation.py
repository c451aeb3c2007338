"""Validation while training: a figure on data kept aside, never augmented; when to stop early."""

from functools import partial
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from twincell.data.image_spec import ImageSpec
from twincell.data.store import ImageStore
from twincell.models.base.method import CountingMethod, Prediction
from twincell.models.base.run_data import ValidationError
from twincell.models.base.task import Task
from twincell.models.base.views import predict_any
from twincell.models.base.weights import plain_state

BATCH = 64
"""Images predicted at once; equal batches give equal counts to the last bit."""


class Validation(L.Callback):
    """Measures the network every few steps and remembers the best weights.

    Args:
        error_of: the figure to minimise, for counts the MAE of rounded counts.
        every: steps between validations; the last step is validated too.
        patience: validations without a smaller figure before training stops; 0 = never.

    Attributes:
        error: the smallest figure so far, that of `weights`.
        step: after how many steps it was reached; 0 = not validated yet.
    """

    def __init__(self, error_of: ValidationError, every: int, patience: int) -> None:
        self.error_of, self._every, self._patience = error_of, every, patience
        self.error, self.step = float("inf"), 0
        self.weights: dict[str, Tensor] = {}
        self._worse = 0

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint; with the best weights, so that a resumed run ends with the same ones."""
        # The key `mae` is that of release 1, whose checkpoints stay readable.
        return {"mae": self.error, "step": self.step, "weights": self.weights, "worse": self._worse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.error, self.step = state_dict["mae"], state_dict["step"]
        self.weights, self._worse = state_dict["weights"], state_dict["worse"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Ends at once a run that had stopped early and was killed before its model was written."""
        if self._patience and self._worse >= self._patience:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Validates when it is time to."""
        assert isinstance(pl_module, Task)
        step = pl_module.steps_done
        if step % self._every != 0 and step != pl_module.plan.steps:
            return
        network = pl_module.trained_network
        error = self.error_of(network, pl_module.device)
        pl_module.latest[pl_module.validation_name] = torch.tensor(error)
        if error < self.error:
            self.error, self.step, self._worse = error, step, 0
            self.weights = plain_state(network)
        else:
            self._worse += 1
        if self._patience and self._worse >= self._patience:
            trainer.should_stop = True


def count_error(store: ImageStore, method: CountingMethod) -> ValidationError:
    """The MAE in cells of rounded counts on labelled images (at least one)."""
    counts = store.counts.cpu()

    def error_of(network: nn.Module, device: torch.device) -> float:
        predicted = predict_images(network, method, store, device)
        return float((predicted.count.round() - counts).abs().mean())

    return error_of


def predict_images(
    network: nn.Module, method: CountingMethod, images: Tensor | ImageStore, device: torch.device
) -> Prediction:
    """Counts images in float32, not augmented; the network's mode is kept.

    Args:
        images: (N, 1, H, W) uint8 of the network's size, or a store, whose images may be of any size where
            the method takes them.
    """
    store = images if isinstance(images, ImageStore) else None
    stack = images if isinstance(images, Tensor) else images.images
    spec = ImageSpec() if store is None else store.spec
    was_training = [(module, module.training) for module in network.modules()]
    network.eval()
    with torch.no_grad():
        if store is not None and store.window and store.needs_views:
            ready = [spec.scale(image.to(device)) for image in store.whole()]
            view = (store.window, store.window)
            pieces = [predict_any(partial(method.predict, network), ready, view, BATCH)]
        else:
            pieces = [
                method.predict(network, spec.scale(part.to(device))).cpu() for part in stack.split(BATCH)
            ]
    for module, training in was_training:
        module.training = training
    return Prediction.join(pieces)
