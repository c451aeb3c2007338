"""Self-supervised pre-training on the same unlabelled maps: SimCLR (Chen et al. 2020), with the same encoder.

Two random views of a map shall have nearer features than views of different maps.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.config import Settings, Strict, Width
from twincell.gan.network import Encoder, initialised
from twincell.gan.pretraining import MapBatch, UnlabelledData, load_unlabelled
from twincell.gan.views import disturbed
from twincell.models.base.method import Parts
from twincell.models.base.run_data import Dataset
from twincell.models.base.task import StepInfo, Task
from twincell.seeding import generator_for

VIEW_STREAM = 301


class SimclrSettings(Strict):
    """A preset's `model:`."""

    side: Annotated[int, Field(ge=16, le=256, multiple_of=16)] = 48
    """Pixels along a map."""
    width: Width = 24
    """Channels of the first convolution."""
    projection: Width = 64
    """Numbers in which views are compared."""
    temperature: Annotated[float, Field(gt=0)] = 0.2
    """How sharply near pairs are told from far ones."""


class Contrast(nn.Module):
    """An encoder and the projection that is thrown away after training."""

    def __init__(self, width: int, projection: int) -> None:
        super().__init__()
        self.encoder = initialised(Encoder(width))
        features = self.encoder.features
        self.projection = nn.Sequential(
            nn.Linear(features, features),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Linear(features, projection),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, 1, H, W) to points on the unit sphere (N, projection)."""
        return F.normalize(self.projection(self.encoder(images)).float(), dim=1)


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The contrastive loss of two views (N, F), of length 1 each: mean over all 2 N (Chen et al., eq. 1)."""
    n = len(first)
    both = torch.cat([first, second])
    likeness = both @ both.T / temperature
    likeness.fill_diagonal_(-torch.inf)
    partner = torch.arange(2 * n, device=both.device).roll(n)
    return F.cross_entropy(likeness, partner)


class SimclrTask(Task):
    """Minimises `nt_xent` of two views of every map."""

    def learn(self, batch: MapBatch, info: StepInfo) -> Tensor:
        """One step."""
        generator = generator_for(self.plan.seed, info.step, VIEW_STREAM)
        views = torch.cat([disturbed(batch.images, generator) for _ in range(2)])
        with self.autocast():
            points = self.network(views)
        first, second = points.chunk(2)
        loss = nt_xent(first, second, self.settings.model.temperature)  # type: ignore[attr-defined]
        self.report(loss=loss)
        return loss


class SimclrMethod:
    """SimCLR as `twincell.models.METHODS` knows it."""

    name = "simclr"
    settings_class = SimclrSettings
    parts = Parts(
        outer=(), core=("encoder",), head=("projection",), unfreezing=(("projection",), ("encoder",))
    )

    def build(self, settings: SimclrSettings) -> Contrast:
        """A fresh network."""
        return Contrast(settings.width, settings.projection)

    def task(self, network: nn.Module, settings: Settings) -> SimclrTask:
        """The training wrapper."""
        return SimclrTask(network, settings)

    def load_data(self, data: Dataset, settings: Settings, seed: int, progress: bool) -> UnlabelledData:
        """Reads a `MapSet`; not validated."""
        return load_unlabelled(data, settings, seed)


METHOD = SimclrMethod()
