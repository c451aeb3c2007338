"""Our own method: a twin that keeps a map, so that the count comes with where. See README.md beside this."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base.method import Parts, Prediction
from twincell.models.components.count_calibration import calibrated_gain
from twincell.models.density_network.network import DensityNetwork
from twincell.models.density_network.scale import AS_IT_IS, FRAMED, found_diameter
from twincell.models.density_network.settings import DensityNetworkSettings
from twincell.models.density_network.spoil import learn_forecast

if TYPE_CHECKING:
    from twincell.models.base.counting_task import CountingTask


LOOK = 128
"""Images looked at together when a network settles."""


class DensityNetworkMethod:
    """The density network as `twincell.models.METHODS` knows it."""

    name = "density_network"
    any_size: Literal[True] = True
    settings_class = DensityNetworkSettings
    parts = Parts(
        outer=("stems",),
        core=("core",),
        head=("head",),
        # From the pixels and from the count inwards: the coarse look lies deepest.
        unfreezing=(("stems",), ("head",), ("core.fine",), ("core.merge",), ("core.coarse",)),
        fresh=("head.size.", "forecast."),
    )

    def build(self, settings: DensityNetworkSettings) -> DensityNetwork:
        """A network with PyTorch's own start."""
        return DensityNetwork(**settings.network.model_dump())

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.density_network.task import DensityNetworkTask

        return DensityNetworkTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W), sides divisible by 8, as the sum of their density maps."""
        assert isinstance(network, DensityNetwork)
        look = network.look(images)
        return Prediction(look.count, density=look.density, novelty=look.novelty)

    def measures(self, network: nn.Module) -> bool:
        """Networks with a map of sizes do."""
        return hasattr(network.head, "size")

    def diameter(self, network: nn.Module, images: Sequence[Tensor]) -> float | None:
        """The cells' diameter in px in images (1, H, W) of one recording; None where no cell is found."""
        assert isinstance(network, DensityNetwork)
        return found_diameter(network, images)

    def fits(self, network: nn.Module, diameter: float, framed: bool) -> bool:
        """Whether images with cells of this diameter in px need not be scaled."""
        least, most = FRAMED if framed else AS_IT_IS
        return least <= diameter <= most

    def finalize(self, network: nn.Module, images: Tensor, counted: Tensor, counts: Tensor) -> None:
        """Learns what familiar pictures look like, and the factor that fits the counted ones best."""
        assert isinstance(network, DensityNetwork)
        features = [network.familiarity.features(network.features(part)) for part in images.split(LOOK)]
        network.familiarity.learn(torch.cat(features))
        learn_forecast(network, images)
        if len(counts):
            found = torch.cat([self.predict(network, part).count for part in counted.split(LOOK)])
            network.gain.mul_(calibrated_gain(found, counts))


METHOD = DensityNetworkMethod()
