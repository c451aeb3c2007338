"""How a training gets better: test and validation figures at regular steps; the paper's two checkpoints.

The paper keeps two checkpoints of a training, the one of the highest accuracy (max-acc) and the one of the
smallest relative deviation of the count (min-dev; relative as in the authors' code), and chooses them on its
test images. Here they are chosen on the validation chambers, where the settings keep any aside; the curve of
the test figures is for looking at alone.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
from safetensors.torch import save
from torch import Tensor, nn

from twincell.data.store import ImageStore
from twincell.evaluate.metrics import Figures
from twincell.files import write_atomic
from twincell.models.base.counting_task import CountingTask
from twincell.models.base.method import CountingMethod
from twincell.models.base.weights import plain_state
from twincell.training.validation import predict_images

NAME = "curve.csv"
POINTS = 20
"""Measurements in a training, evenly spread, the last at its end."""
CHECKPOINTS = ("max-acc", "min-dev")


class Curve(L.Callback):
    """Writes curve.csv: step, images (test, validation), n, mae, mre, accuracy, mae_raw, bias.

    Args:
        folder: the run's.
        method: how the network is asked.
        stores: labelled natural images by name, test and perhaps validation.

    At the end the weights of the best steps on the validation images lie beside it, as max-acc.safetensors
    and min-dev.safetensors.
    """

    def __init__(self, folder: Path, method: CountingMethod, stores: dict[str, ImageStore]) -> None:
        self._path, self._method, self._stores = folder / NAME, method, stores
        self._rows: list[dict[str, Any]] = []
        self._best: dict[str, tuple[float, float]] = {}
        self._weights: dict[str, dict[str, Tensor]] = {}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint of the run."""
        return {"rows": self._rows, "best": self._best, "weights": self._weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint of the run."""
        self._rows, self._best = state_dict["rows"], state_dict["best"]
        self._weights = state_dict["weights"]

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measures when it is time to."""
        assert isinstance(pl_module, CountingTask)
        step, steps = trainer.global_step, pl_module.plan.steps
        if step % max(steps // POINTS, 1) and step != steps:
            return
        network = pl_module.trained_network
        for name, store in self._stores.items():
            count = predict_images(network, self._method, store.images, pl_module.device).count
            figures = Figures.of(count.numpy(), store.counts.numpy())
            self._rows.append({"step": step, "images": name} | asdict(figures))
            if name == "validation":
                self._remember(figures, network)
        if trainer.is_global_zero:
            write_atomic(self._path, pd.DataFrame(self._rows).to_csv(index=False))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Writes the two checkpoints, also when training was stopped: resumed, it writes them again."""
        if trainer.is_global_zero:
            for name, weights in self._weights.items():
                write_atomic(self._path.with_name(f"{name}.safetensors"), save(weights))

    def _remember(self, figures: Figures, network: nn.Module) -> None:
        """Keeps the weights that are the best so far, ties of accuracy broken by the error and vice versa."""
        ranks = {"max-acc": (-figures.accuracy, figures.mae_raw), "min-dev": (figures.mre, figures.mae_raw)}
        for name, rank in ranks.items():
            if name not in self._best or rank < tuple(self._best[name]):
                self._best[name] = rank
                self._weights[name] = plain_state(network)
