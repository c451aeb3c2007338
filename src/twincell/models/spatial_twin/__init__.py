"""Our own method: a twin that keeps a map, so that the count comes with where. See README.md beside this."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base import Parts, Prediction
from twincell.models.spatial_twin.gain import calibrated_gain
from twincell.models.spatial_twin.network import SpatialTwin
from twincell.models.spatial_twin.settings import SpatialTwinSettings

if TYPE_CHECKING:
    from twincell.training.task import CountingTask


LOOK = 128  # images looked at together when a network settles


class SpatialTwinMethod:
    """The spatial twin as `twincell.models.METHODS` knows it."""

    name = "spatial_twin"
    settings_class = SpatialTwinSettings
    parts = Parts(
        outer=("stems",),
        core=("core",),
        head=("head",),
        # From the pixels and from the count inwards: the coarse look lies deepest.
        release=(("stems",), ("head",), ("core.fine",), ("core.merge",), ("core.coarse",)),
    )

    def build(self, settings: SpatialTwinSettings) -> SpatialTwin:
        """A network with PyTorch's own start."""
        return SpatialTwin(**settings.network.model_dump())

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.spatial_twin.task import SpatialTwinTask

        return SpatialTwinTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, 128, 128) as the sum of their density maps."""
        assert isinstance(network, SpatialTwin)
        maps = network.features(images).float()
        density = network.density(maps)
        return Prediction(density.sum((1, 2, 3)), density=density, novelty=network.familiarity(maps))

    def settle(self, network: nn.Module, images: Tensor, counted: Tensor, counts: Tensor) -> None:
        """Learns what familiar pictures look like, and the factor that fits the counted ones best."""
        assert isinstance(network, SpatialTwin)
        features = [network.familiarity.features(network.features(part)) for part in images.split(LOOK)]
        network.familiarity.learn(torch.cat(features))
        if len(counts):
            found = torch.cat([self.predict(network, part).count for part in counted.split(LOOK)])
            network.gain.mul_(calibrated_gain(found, counts))


METHOD = SpatialTwinMethod()
