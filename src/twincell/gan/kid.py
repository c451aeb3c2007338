"""KID: how far made maps are from real ones, in the features of a fixed network (Binkowski et al. 2018)."""

import torch
from torch import Tensor, nn

FEATURES_SEED = 20181
"""Of the fixed network's weights: random filters, the same for ever.

No network trained on phase maps is to be had, and one trained on photographs would be a download; a figure
compares maps under these filters alone.
"""
WIDTH = 48
NOISE_SEED = 20182


class FixedFeatures(nn.Module):
    """Three layers of random filters; mean and spread of every channel, centred and scaled on real maps.

    Args:
        real: (N, 1, H, W) maps whose features have mean 0 and a spread of at most 1.
    """

    def __init__(self, real: Tensor) -> None:
        super().__init__()
        with torch.random.fork_rng([]):
            torch.manual_seed(FEATURES_SEED)
            self.layers = nn.Sequential(
                nn.Conv2d(1, WIDTH, 5, 2, 2), nn.ReLU(),
                nn.Conv2d(WIDTH, WIDTH, 3, 2, 1), nn.ReLU(),
                nn.Conv2d(WIDTH, WIDTH, 3, 2, 1), nn.ReLU(),
            )  # fmt: skip
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)
        self.requires_grad_(False)
        seen = self._raw(real)
        # A filter that real maps hardly move must not rule the figure: its spread counts as an average one.
        spread = seen.std(0)
        self.mean, self.spread = seen.mean(0), spread.clamp_min(float(spread.mean()))

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, 1, H, W) to features (N, F)."""
        return (self._raw(images) - self.mean) / self.spread

    @torch.no_grad()
    def _raw(self, images: Tensor) -> Tensor:
        pieces = []
        for part in images.split(256):
            seen = part
            found = []
            for layer in self.layers:
                seen = layer(seen)
                if isinstance(layer, nn.ReLU):
                    found += [seen.mean((2, 3)), seen.std((2, 3))]
            pieces.append(torch.cat(found, 1))
        return torch.cat(pieces)


def kid(real: Tensor, made: Tensor) -> float:
    """The unbiased squared MMD of features (N, F) and (M, F) under the kernel (x y / F + 1)^3; 0 = alike.

    It may fall below 0 by chance where both are draws of one distribution.
    """

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        n = len(a)
        return (k.sum() - k.diagonal().sum()) / (n * (n - 1))

    real, made = real.double(), made.double()
    return float(within(real) + within(made) - 2 * kernel(real, made).mean())
