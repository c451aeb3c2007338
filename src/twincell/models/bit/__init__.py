"""BigTransfer (Kolesnikov et al. 2020) by its HyperRule, with a head that counts. Its card is README.md."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base.method import Parts, Prediction
from twincell.models.bit.settings import BitSettings

if TYPE_CHECKING:
    from twincell.models.base.counting_task import CountingTask


class BitMethod:
    """BiT as `twincell.models.METHODS` knows it."""

    name = "bit"
    settings_class = BitSettings
    parts = Parts(outer=(), core=("backbone",), head=("head",), unfreezing=(("head",), ("backbone",)))

    def build(self, settings: BitSettings) -> nn.Module:
        """A network with random weights and a zero head; `pretrain` loads published weights."""
        from twincell.models.bit.network import BitCounter

        return BitCounter(**settings.network.model_dump())

    def pretrain(self, network: nn.Module, settings: BitSettings) -> str:
        """Loads the weights that the settings name; where allowed, random ones stand in for them."""
        from twincell.models.bit.network import BitCounter, NoWeightsError, load_published

        assert isinstance(network, BitCounter)
        if settings.weights is None:
            return "random weights"
        try:
            return load_published(network, settings.weights)
        except NoWeightsError:
            if settings.otherwise == "refuse":
                raise
            return f"random weights, as {settings.weights} could not be had"

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.components.regression import RegressionTask

        return RegressionTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W)."""
        return Prediction(network(images).float().sum((1, 2, 3)).clamp_min(0))


METHOD = BitMethod()
