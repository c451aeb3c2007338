"""The settings of density regression; the defaults are the source's layout and loss."""

from twincell.config import Strict, Width
from twincell.models.density_network.settings import LossSettings


class NetworkSettings(Strict):
    """Size of the network."""

    widths: tuple[Width, Width, Width, Width] = (32, 64, 128, 512)
    """Channels of the three halving blocks and of the deepest one."""


class DensityRegressionSettings(Strict):
    """A preset's `model:` for the method density_regression."""

    network: NetworkSettings = NetworkSettings()
    # 100 ** 2 / 128 ** 2: the mean over pixels of the squared error of 100 times the density.
    loss: LossSettings = LossSettings(count=0.0, drawn_count=0.0, density=0.61)
