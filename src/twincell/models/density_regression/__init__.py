"""Fully convolutional density regression (Xie, Noble and Zisserman). Its card is README.md."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from twincell.config import Settings
from twincell.models.base.method import Parts, Prediction
from twincell.models.density_regression.network import FCRNA
from twincell.models.density_regression.settings import DensityRegressionSettings

if TYPE_CHECKING:
    from twincell.models.base.counting_task import CountingTask


class DensityRegressionMethod:
    """Density regression as `twincell.models.METHODS` knows it."""

    name = "density_regression"
    settings_class = DensityRegressionSettings
    parts = Parts(
        outer=("down",),
        core=("deep", "up"),
        head=("head",),
        unfreezing=(("down",), ("head",), ("up",), ("deep",)),
    )

    def build(self, settings: DensityRegressionSettings) -> FCRNA:
        """A network with orthogonal weights."""
        return FCRNA(**settings.network.model_dump())

    def task(self, network: nn.Module, settings: Settings) -> "CountingTask":
        """The training wrapper."""
        from twincell.models.components.regression import RegressionTask

        return RegressionTask(network, settings)

    def predict(self, network: nn.Module, images: Tensor) -> Prediction:
        """Counts natural images (N, 1, H, W) as the sums of their maps, which may dip below zero."""
        density = network(images)
        return Prediction(density.sum((1, 2, 3)).clamp_min(0))


METHOD = DensityRegressionMethod()
