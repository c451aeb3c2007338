"""Weights taken out of a network, to be kept or written."""

import torch
from torch import Tensor, nn


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights as safetensors takes them: on the CPU, in plain memory order."""
    return {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in network.state_dict().items()
    }
