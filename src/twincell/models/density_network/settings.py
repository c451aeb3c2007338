"""The density network's settings; the defaults are the ones the preset `best` was measured with."""

from typing import Literal

from twincell.config import Depth, NotNegative, Strict, Width

NOMINAL = 10.0
"""Diameter in px of the outline whose logarithm is 0 in a network's map of sizes."""

SCALED_TO = 9.0
"""Diameter in px, rims included, to which images are scaled for a network with sizes."""


class NetworkSettings(Strict):
    """Size of the network."""

    width: Width = 32
    """Channels of the 32 x 32 maps; the 16 x 16 maps have twice as many."""
    depth: Depth = 2
    """Residual blocks at each of the two resolutions."""
    twin: bool = False
    """Whether synthetic images have a stem of their own."""
    contrast: Literal["constant", "own"] = "constant"
    """What grey levels are divided by: one constant, or what stands out in the image itself."""
    sizes: bool = False
    """Whether the network also says how large the cells are, so that images can be scaled for it."""
    doubts: bool = False
    """Whether it learns to forecast how far its counts are off, from its own images spoiled on purpose."""


class LossSettings(Strict):
    """Weights of the three terms."""

    count: NotNegative = 1.0
    """Error of natural images' counts, in cells."""
    drawn_count: NotNegative = 0.5
    """Error of synthetic images' counts, in cells."""
    density: NotNegative = 2.0
    """Squared error of synthetic images' density maps, summed over the map."""
    size: NotNegative = 0.0
    """Error of the logarithm of synthetic images' mean cell diameter."""
    relative: NotNegative = 0.0
    """Count errors are divided by 1 + relative * count: a crowd's label scatters more."""


class DensityNetworkSettings(Strict):
    """A preset's `model:` for the method density_network."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
