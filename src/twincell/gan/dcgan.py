"""A DCGAN of phase maps, as a method of the training room: it resumes, keeps checkpoints and an average."""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from twincell.config import Positive, Settings, Strict, Width
from twincell.gan.kid import NOISE_SEED, FixedFeatures, kid
from twincell.gan.network import Gan
from twincell.gan.pretraining import MapBatch, UnlabelledData, load_unlabelled
from twincell.models.base.method import Parts
from twincell.models.base.run_data import Dataset, ValidationError
from twincell.models.base.task import StepInfo, Task
from twincell.seeding import generator_for

COMPARED = 512
"""Maps, real and made, of a validation."""
BETAS = (0.5, 0.99)
"""Of Adam: short memories of the gradient's mean, as Radford et al. found."""


class DcganSettings(Strict):
    """A preset's `model:`."""

    side: Annotated[int, Field(ge=16, le=256, multiple_of=16)] = 48
    """Pixels along a map."""
    width: Width = 24
    """Channels of the first convolution."""
    noise: Positive = 64
    """Numbers that a map is drawn from."""
    critic_rate: Annotated[float, Field(gt=0)] = 0.6
    """Learning rate of the discriminator as a multiple of the generator's."""


class DcganTask(Task):
    """Discriminator and generator learn in turn, with the hinge loss (Lim and Ye 2017)."""

    network: Gan
    live = ("discriminator", "discriminator {:.3f}")
    validation_name = "kid"

    def make_optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Generator first."""
        rate = self.settings.training.learning_rate
        critic = rate * self.settings.model.critic_rate  # type: ignore[attr-defined]
        return [
            torch.optim.Adam(self.network.generator.parameters(), lr=rate, betas=BETAS),
            torch.optim.Adam(self.network.discriminator.parameters(), lr=critic, betas=BETAS),
        ]

    def learn(self, batch: MapBatch, info: StepInfo) -> None:
        """One step of each."""
        real = batch.images
        with self.autocast():
            made = self.network.generator(
                torch.randn(len(real), self.network.generator.noise, device=real.device)
            )
            scores = self.network.discriminator(torch.cat([real, made.detach()])).float()
        on_real, on_made = scores.chunk(2)
        critic = F.relu(1 - on_real).mean() + F.relu(1 + on_made).mean()
        self.minimise(1, critic)
        with self.autocast():
            fooled = -self.network.discriminator(made).float().mean()
        self.minimise(0, fooled)
        self.report(discriminator=critic, generator=fooled, told_apart=(on_real > on_made).float().mean())


class DcganMethod:
    """The DCGAN as `twincell.models.METHODS` knows it."""

    name = "dcgan"
    settings_class = DcganSettings
    parts = Parts(
        outer=(), core=("discriminator.encoder",), head=("discriminator.last", "generator"),
        unfreezing=(("discriminator.last", "generator"), ("discriminator.encoder",)),
    )  # fmt: skip

    def build(self, settings: DcganSettings) -> Gan:
        """Both networks, fresh."""
        return Gan(settings.width, settings.noise, settings.side)

    def task(self, network: nn.Module, settings: Settings) -> DcganTask:
        """The training wrapper."""
        return DcganTask(network, settings)

    def load_data(self, data: Dataset, settings: Settings, seed: int, progress: bool) -> UnlabelledData:
        """Reads a `MapSet`; validated by KID."""
        return load_unlabelled(data, settings, seed, kid_error)


def kid_error(real: Tensor) -> ValidationError:
    """KID of made maps against `COMPARED` of the real ones (N, 1, side, side), the same noise every time."""
    compared = real[:COMPARED]
    fixed = FixedFeatures(compared)
    seen = fixed(compared)

    def error_of(network: nn.Module, device: torch.device) -> float:
        assert isinstance(network, Gan)
        return kid(seen, fixed(sample(network, COMPARED, device).cpu()))

    return error_of


@torch.no_grad()
def sample(network: Gan, n: int, device: torch.device | str = "cpu", seed: int = NOISE_SEED) -> Tensor:
    """Draws `n` maps (n, 1, side, side) in [-1, 1]; the same seed gives the same noise."""
    training = network.generator.training
    network.generator.eval()
    noise = torch.randn(n, network.generator.noise, generator=generator_for(seed, 0))
    made = torch.cat([network.generator(part.to(device)) for part in noise.split(64)])
    network.generator.train(training)
    return made


def sheet(images: Tensor, columns: int = 8) -> Tensor:
    """Maps (N, 1, H, W) side by side as one (rows H, columns W), NaN where there is none."""
    n, _, height, width = images.shape
    rows = math.ceil(n / columns)
    whole = torch.full((rows * columns, height, width), math.nan)
    whole[:n] = images[:, 0]
    return whole.reshape(rows, columns, height, width).permute(0, 2, 1, 3).reshape(rows * height, -1)


METHOD = DcganMethod()
