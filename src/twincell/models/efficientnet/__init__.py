"""EfficientNet-lite0 from ImageNet weights, frozen or fine-tuned. Its card is README.md."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base.method import Parts, Prediction
from twincell.models.efficientnet.settings import EfficientNetSettings

if TYPE_CHECKING:
    from twincell.models.base.counting_task import CountingTask


class EfficientNetMethod:
    """EfficientNet as `twincell.models.METHODS` knows it."""

    name = "efficientnet"
    settings_class = EfficientNetSettings
    parts = Parts(outer=(), core=("backbone",), head=("head",), unfreezing=(("head",), ("backbone",)))

    def build(self, settings: EfficientNetSettings) -> nn.Module:
        """A network with random weights; `pretrain` loads ImageNet's."""
        from twincell.models.efficientnet.network import LiteCounter

        return LiteCounter(**settings.network.model_dump())

    def pretrain(self, network: nn.Module, settings: EfficientNetSettings) -> str:
        """Loads the ImageNet weights where the settings ask for them."""
        from twincell.models.efficientnet.network import LiteCounter, load_imagenet

        assert isinstance(network, LiteCounter)
        return load_imagenet(network) if settings.weights == "imagenet" else ""

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.components.regression import RegressionTask

        return RegressionTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W)."""
        return Prediction(network(images).float().sum((1, 2, 3)).clamp_min(0))


METHOD = EfficientNetMethod()
