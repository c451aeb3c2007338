"""The density network's settings; the defaults are the ones the preset `best` was measured with."""

from twincell.config import Depth, NotNegative, Strict, Width


class NetworkSettings(Strict):
    """Size of the network."""

    width: Width = 32
    """Channels of the 32 x 32 maps; the 16 x 16 maps have twice as many."""
    depth: Depth = 2
    """Residual blocks at each of the two resolutions."""
    twin: bool = False
    """Whether synthetic images have a stem of their own."""


class LossSettings(Strict):
    """Weights of the three terms."""

    count: NotNegative = 1.0
    """Error of natural images' counts, in cells."""
    drawn_count: NotNegative = 0.5
    """Error of synthetic images' counts, in cells."""
    density: NotNegative = 2.0
    """Squared error of synthetic images' density maps, summed over the map."""
    relative: NotNegative = 0.0
    """Count errors are divided by 1 + relative * count: a crowd's label scatters more."""


class DensityNetworkSettings(Strict):
    """A preset's `model:` for the method density_network."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
