"""How unlike the training images an image is (out of distribution), from the maps of the counter."""

import torch
from torch import Tensor, nn

MARGIN = 1.9
"""A new chamber of the same kind lies farther out than training frames do, unlike pictures farther still."""
QUANTILE = 0.99
"""Share of the training images that lie within the distance that is scaled to 1 / MARGIN."""
SHRINKAGE = 0.05
"""Share of the mean variance added along every axis: no direction without spread may rule the distance."""


class OODScore(nn.Module):
    """Mahalanobis distance of an image's features from those of the training images, in units of a limit.

    The statistics are buffers: they travel inside the model file. Before `learn` every image is familiar.

    Args:
        width: channels of the maps; features are their means and spreads over the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.centre: Tensor
        self.whitening: Tensor
        self.register_buffer("centre", torch.zeros(2 * width))
        self.register_buffer("whitening", torch.zeros(2 * width, 2 * width))

    @staticmethod
    def features(maps: Tensor) -> Tensor:
        """(B, width, h, w) -> (B, 2 * width): mean and standard deviation of each channel."""
        return torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, width, h, w) -> (B,) novelty from 0; above 1 is unlike training."""
        return ((self.features(maps) - self.centre) @ self.whitening).norm(dim=1)

    @torch.no_grad()
    def learn(self, features: Tensor) -> None:
        """Takes (N, 2 * width) features of training images as the familiar ones."""
        values = features.double()
        centre = values.mean(0)
        covariance = (values - centre).T @ (values - centre) / max(len(values) - 1, 1)
        ridge = SHRINKAGE * covariance.diagonal().mean() + 1e-12
        spread, axes = torch.linalg.eigh(covariance + ridge * torch.eye(len(covariance), dtype=torch.float64))
        whitening = axes / spread.sqrt()
        distance = ((values - centre) @ whitening).norm(dim=1)
        limit = MARGIN * torch.quantile(distance, QUANTILE).clamp_min(1e-6)
        self.centre.copy_(centre)
        self.whitening.copy_(whitening / limit)
