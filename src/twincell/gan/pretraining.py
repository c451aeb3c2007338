"""Unlabelled maps as the training room sees them: batches, validation, card. Shared by DCGAN and SimCLR."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from twincell.config import Settings
from twincell.data.image_spec import ImageSpec
from twincell.errors import UserError
from twincell.gan.views import turned
from twincell.models.base.file import TrainingData
from twincell.models.base.run_data import Dataset, ValidationError
from twincell.phase.maps import BELOW, MapSet
from twincell.seeding import generator_for

FEWEST = 16
"""Maps below which nothing is learned from them."""
BATCH_STREAM = 300


@dataclass(frozen=True)
class MapBatch:
    """(N, 1, side, side) maps in [-1, 1]."""

    images: Tensor

    def share(self, rank: int, world: int) -> "MapBatch":
        """The part of one device."""
        return MapBatch(self.images[rank::world])


@dataclass(frozen=True)
class MapBatches:
    """Batches of maps, turned and mirrored at random; a batch depends on seed and step alone."""

    images: Tensor
    size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps that draw as many maps as there are."""
        return -(-len(self.images) // self.size)

    def make(self, step: int) -> MapBatch:
        """The batch of a step."""
        generator = generator_for(self.seed, step, BATCH_STREAM)
        rows = torch.randint(len(self.images), (self.size,), generator=generator)
        return MapBatch(turned(self.images[rows], generator))


@dataclass(frozen=True)
class UnlabelledData:
    """Maps of one run; a `twincell.models.base.run_data.RunData`."""

    maps: MapSet
    side: int
    batch: int
    seed: int
    error_of: Callable[[Tensor], ValidationError] | None = None

    @property
    def description(self) -> str:
        """One line for people."""
        return f"{len(self.maps)} unlabelled phase maps"

    @property
    def steps_per_epoch(self) -> int:
        """Steps that draw as many maps as there are."""
        return -(-len(self.maps) // self.batch)

    @property
    def modalities(self) -> list[str]:
        """What the card says."""
        return ["phase"]

    @property
    def image(self) -> ImageSpec:
        """Maps in nm, as the network sees them."""
        top = self.maps.top()
        return ImageSpec(
            height=self.side,
            width=self.side,
            dtype="float32",
            unit="nm of optical path",
            range=(-BELOW * top, top),
        )

    @property
    def scale(self) -> float:
        """How many times the maps were enlarged."""
        return self.side / self.maps.maps.shape[-1]

    @property
    def validation(self) -> ValidationError | None:
        """The method's own figure, measured on the maps themselves."""
        return None if self.error_of is None else self.error_of(self._images())

    def batches(self, device: torch.device, progress: bool) -> MapBatches:
        """What makes the batches."""
        return MapBatches(self._images().to(device), self.batch, self.seed)

    def summary(self) -> TrainingData:
        """Numbers for the card."""
        return TrainingData(images=len(self.maps))

    def _images(self) -> Tensor:
        return self.maps.scaled(self.maps.top(), self.side)


def load_unlabelled(
    data: Dataset,
    settings: Settings,
    seed: int,
    error_of: Callable[[Tensor], ValidationError] | None = None,
) -> UnlabelledData:
    """The run's data from a `MapSet`.

    Raises:
        UserError: for anything else, or too few maps.
    """
    if not isinstance(data, MapSet):
        raise UserError(f"method {settings.method}: learns from phase maps, got {type(data).__name__}")
    if len(data) < FEWEST:
        raise UserError(
            f"{data.root}: {len(data)} unlabelled maps; at least {FEWEST} are needed, thousands for a use"
        )
    side = settings.model.side  # type: ignore[attr-defined]
    return UnlabelledData(data, side, settings.batch.size, seed, error_of)
