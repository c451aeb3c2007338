"""Weights between a start and what training made of it."""

import pytest
import torch
from torch import nn

from twincell.training.weight_interpolation import interpolate_weights


@pytest.mark.parametrize(("share", "weight"), [(0.0, 5.0), (0.25, 4.0), (1.0, 1.0)])
def test_a_share_of_the_start_is_taken(share: float, weight: float) -> None:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    start = {name: value.clone() for name, value in network.state_dict().items()}
    start["0.weight"].fill_(1.0)
    network[0].weight.data.fill_(5.0)
    network[1].num_batches_tracked.fill_(7)
    interpolate_weights(network, start, share)
    assert network[0].weight.item() == pytest.approx(weight)
    assert network[1].num_batches_tracked.item() == 7  # whole numbers are no weights
    assert torch.isfinite(network[1].running_var).all()
