"""Validation while training: the count error on images kept aside, never augmented; when to stop early."""

from functools import partial
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from twincell.data.image_spec import ImageSpec
from twincell.data.store import ImageStore
from twincell.models.base.method import Method, Prediction
from twincell.models.base.task import CountingTask
from twincell.models.base.views import predict_any
from twincell.models.base.weights import plain_state

BATCH = 64


class Validation(L.Callback):
    """Measures the MAE of rounded counts every few steps and remembers the best weights.

    Args:
        store: labelled natural images that are not trained on, at least one.
        method: how the network is asked.
        every: steps between validations; the last step is validated too.
        patience: validations without a better MAE before training stops; 0 = never.
    """

    def __init__(self, store: ImageStore, method: Method, every: int, patience: int) -> None:
        self._store, self._counts = store, store.counts.cpu()
        self._method, self._every, self._patience = method, every, patience
        self.mae, self.step = float("inf"), 0
        self.weights: dict[str, Tensor] = {}
        self._worse = 0

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint; with the best weights, so that a resumed run ends with the same ones."""
        return {"mae": self.mae, "step": self.step, "weights": self.weights, "worse": self._worse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.mae, self.step = state_dict["mae"], state_dict["step"]
        self.weights, self._worse = state_dict["weights"], state_dict["worse"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A run that had stopped early and was killed before its end does not go on."""
        if self._patience and self._worse >= self._patience:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Validates when it is time to."""
        assert isinstance(pl_module, CountingTask)
        step = trainer.global_step
        if step % self._every != 0 and step != pl_module.plan.steps:
            return
        network = pl_module.counting_network
        mae = self.error_of(network, pl_module.device)
        pl_module.latest["validation_mae"] = torch.tensor(mae)
        if mae < self.mae:
            self.mae, self.step, self._worse = mae, step, 0
            self.weights = plain_state(network)
        else:
            self._worse += 1
        if self._patience and self._worse >= self._patience:
            trainer.should_stop = True

    def error_of(self, network: nn.Module, device: torch.device) -> float:
        """MAE in cells, counts rounded, on the images validated on."""
        predicted = look(network, self._method, self._store, device)
        return float((predicted.count.round() - self._counts).abs().mean())


def look(network: nn.Module, method: Method, images: Tensor | ImageStore, device: torch.device) -> Prediction:
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
