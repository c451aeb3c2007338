"""A counting method of one line: it counts by brightness alone. Registered by tests under the name `grey`."""

import torch
from torch import Tensor, nn

from twincell.batches.batches import Batch
from twincell.config import Settings
from twincell.models.base.counting_task import CountingTask, StepResult
from twincell.models.base.method import Parts, Prediction
from twincell.models.base.task import StepInfo
from twincell.presets import build_settings, load_preset


class Grey(nn.Module):
    """A line from the mean grey level to the count."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.line(images.mean((1, 2, 3))[:, None])[:, 0]


class GreyTask(CountingTask):
    """Squared error; reports the progress of training as a term."""

    def losses(self, batch: Batch, info: StepInfo) -> StepResult:
        counts = self.network(batch.images)
        total = ((counts - batch.counts)[batch.labelled] ** 2).mean()
        return StepResult(total, counts, {"squares": total, "progress": torch.tensor(info.step / info.steps)})


class GreyMethod:
    name = "grey"
    settings_class = type(load_preset("compact").model)
    parts = Parts(outer=(), core=(), head=("line",), unfreezing=(("line",),))

    def build(self, settings: object) -> Grey:
        return Grey()

    def task(self, network: nn.Module, settings) -> GreyTask:
        return GreyTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        return Prediction(network(images).clamp_min(0))


METHOD = GreyMethod()


def grey_settings(settings: Settings) -> Settings:
    """The same settings for this method, once it is registered."""
    return build_settings(settings.model_dump(mode="json") | {"method": "grey"}, "grey")
