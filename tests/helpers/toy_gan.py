"""A generator and a discriminator on points of the plane: two optimisers, no image, no count.

It stands for any method of another kind of data. Tests register it as `toy_gan`; `toy_gan_settings` has its
settings, `Points` its data set.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.config import Settings
from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.models.base.file import TrainingData
from twincell.models.base.method import Parts
from twincell.models.base.run_data import Dataset, ValidationError
from twincell.models.base.task import StepInfo, Task
from twincell.presets import build_settings
from twincell.seeding import generator_for

NOISE = 4
BATCH = 16


@dataclass(frozen=True)
class Points:
    """(N, 2) points on a shifted circle, kept in a file `points.pt` of the folder `root`."""

    root: Path

    @classmethod
    def make(cls, root: Path, n: int = 64) -> "Points":
        angle = torch.rand(n, generator=generator_for(0, 0)) * 6.283
        root.mkdir(parents=True)
        torch.save(torch.stack([3 + angle.cos(), angle.sin()], 1), root / "points.pt")
        return cls(root)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.read().numpy().tobytes()).hexdigest()

    def read(self) -> Tensor:
        return torch.load(self.root / "points.pt", weights_only=True)


@dataclass(frozen=True)
class PointBatch:
    points: Tensor

    def share(self, rank: int, world: int) -> "PointBatch":
        return PointBatch(self.points[rank::world])


@dataclass(frozen=True)
class PointBatches:
    points: Tensor
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.points) // BATCH)

    def make(self, step: int) -> PointBatch:
        index = torch.randint(len(self.points), (BATCH,), generator=generator_for(self.seed, step))
        return PointBatch(self.points[index])


@dataclass(frozen=True)
class PointData:
    points: Tensor
    seed: int
    description: str = "64 points"
    modalities = ["points"]  # noqa: RUF012 - a toy
    image = ImageSpec(height=1, width=2, dtype="float32", range=(-5, 5))
    scale = 1.0

    @property
    def steps_per_epoch(self) -> int:
        return PointBatches(self.points, self.seed).steps_per_epoch

    @property
    def validation(self) -> ValidationError:
        """Distance between the means of 256 made points and of the given ones."""

        def error_of(network: nn.Module, device: torch.device) -> float:
            assert isinstance(network, Gan)
            noise = torch.randn(256, NOISE, generator=generator_for(9, 0)).to(device)
            with torch.no_grad():
                return float((network.generator(noise).mean(0).cpu() - self.points.mean(0)).norm())

        return error_of

    def batches(self, device: torch.device, progress: bool) -> PointBatches:
        return PointBatches(self.points.to(device), self.seed)

    def summary(self) -> TrainingData:
        return TrainingData()


class Gan(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(NOISE, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2)
        )
        self.discriminator = nn.Sequential(
            nn.Linear(2, width), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(width, 1)
        )


class GanTask(Task):
    """The discriminator learns in every step, the generator in every second one."""

    def make_optimizers(self) -> Sequence[torch.optim.Optimizer]:
        rate = self.settings.training.learning_rate
        return [
            torch.optim.Adam(self.network.generator.parameters(), lr=rate, betas=(0.5, 0.9)),
            torch.optim.Adam(self.network.discriminator.parameters(), lr=4 * rate, betas=(0.5, 0.9)),
        ]

    def learn(self, batch: PointBatch, info: StepInfo) -> None:
        made = self.network.generator(torch.randn(len(batch.points), NOISE))
        real, fake = (self.network.discriminator(points) for points in (batch.points, made.detach()))
        critic = F.softplus(-real).mean() + F.softplus(fake).mean()
        self.minimise(1, critic)
        fooled = F.softplus(-self.network.discriminator(made)).mean()
        if info.step % 2:
            self.minimise(0, fooled)
        self.report(loss=critic, generator=fooled)


class GanSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = 8


class GanMethod:
    name = "toy_gan"
    settings_class = GanSettings
    parts = Parts(outer=(), core=("generator",), head=("discriminator",), unfreezing=())

    def build(self, settings: GanSettings) -> Gan:
        return Gan(settings.width)

    def task(self, network: nn.Module, settings: Settings) -> GanTask:
        return GanTask(network, settings)

    def load_data(self, data: Dataset, settings: Settings, seed: int, progress: bool) -> PointData:
        if not isinstance(data, Points):
            raise UserError(f"method toy_gan: learns from Points, got {type(data).__name__}")
        return PointData(data.read(), seed)


METHOD = GanMethod()


def toy_gan_settings(steps: int, **training: Any) -> Settings:
    """Settings of the method, once it is registered."""
    sections = {"steps": steps, "learning_rate": 0.01, "ema": 0.9, "validate_every": 10, "log_every": 5}
    data = {"name": "toy", "method": "toy_gan", "model": {}, "training": sections | training}
    return build_settings(data, "toy")
