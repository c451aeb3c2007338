"""Weights between a start and what training made of it, which keep more of what the start knew."""

import torch
from torch import Tensor, nn


def interpolate_weights(network: nn.Module, start: dict[str, Tensor], share: float) -> None:
    """Moves weights and batch statistics of `network` towards a start, along the straight line.

    A network that was trained on a few chambers knows these better and others worse than its start; weights
    in between can be better on others than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
    models").

    Args:
        network: trained; changed in place.
        start: its state before the first step.
        share: of the start, from 0 (nothing changes) to 1 (the start again).
    """
    trained = network.state_dict()
    network.load_state_dict(
        {
            name: torch.lerp(value, start[name].to(value), share) if value.is_floating_point() else value
            for name, value in trained.items()
        }
    )
