"""The watershed as a network: its numbers are buffers, so that they lie in a model file like any weights."""

import torch
from torch import Tensor, nn

from twincell.models.watershed.segment import POLARITIES, Rule, count


class Watershed(nn.Module):
    """Counts by `segment`; before it is tuned it has the middle of the road."""

    NUMBERS = ("sigma", "threshold", "distance", "area", "margin")

    def __init__(self) -> None:
        super().__init__()
        self.polarity: Tensor
        self.numbers: Tensor
        self.register_buffer("polarity", torch.zeros((), dtype=torch.int64))  # place in POLARITIES
        self.register_buffer("numbers", torch.zeros(len(self.NUMBERS), dtype=torch.float64))
        self.rule = Rule("bright", sigma=1.5, threshold=0.03, distance=4, area=30.0, margin=0)

    @property
    def rule(self) -> Rule:
        """The numbers of the segmentation."""
        sigma, threshold, distance, area, margin = self.numbers.tolist()
        return Rule(POLARITIES[int(self.polarity)], sigma, threshold, int(distance), area, int(margin))

    @rule.setter
    def rule(self, rule: Rule) -> None:
        values = [float(getattr(rule, name)) for name in self.NUMBERS]
        self.polarity.fill_(POLARITIES.index(rule.polarity))
        self.numbers.copy_(torch.tensor(values, dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) in [0, 1] -> (N,) float32, whole numbers of cells."""
        rule = self.rule
        counts = [count(image.numpy(), rule) for image in images[:, 0].float().cpu()]
        return torch.tensor(counts, dtype=torch.float32, device=images.device)
