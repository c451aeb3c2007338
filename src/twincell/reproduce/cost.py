"""What a model costs: parameters, multiply-adds for one count, the machine it was trained on."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from twincell.errors import UserError
from twincell.models.base.file import load_model


@dataclass(frozen=True)
class Cost:
    """NaN and "" where nothing is known.

    Attributes:
        parameters: numbers that training has set.
        multiply_adds: of counting one image, test-time flips included: matrix products and convolutions as
            torch's flop counter sees them, two of its operations being one multiply-add.
        machine: that trained it.
        random: whether random weights stood in for published ones that could not be had.
    """

    parameters: float = math.nan
    multiply_adds: float = math.nan
    machine: str = ""
    random: bool = False


def cost_of(run: Path) -> Cost:
    """The cost of the model in a run folder; unknown where there is none that this version can read."""
    try:
        model = load_model(run)
    except UserError:
        return Cost()
    size = model.card.image_size
    image = torch.zeros(1, 1, size, size, dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        model.predict(image)
    parameters = sum(weights.numel() for weights in model.network.parameters())
    operations = counter.get_total_flops() / 2
    random = "started from random weights" in model.card.data.description
    return Cost(parameters or math.nan, operations or math.nan, model.card.machine, random)
