"""The order of a pass over the images depends on the seed and on the pass."""

import torch

from helpers.training_toys import toy_settings, toy_store
from twincell.batches.batches import Batches


def order(seed: int, steps: range) -> list[int]:
    """Which natural images the steps show; each image of `toy_store` is grey with its own index."""
    settings = toy_settings().changed({"augment": {}, "batch.size": 8})
    batches = Batches(toy_store(), settings, seed)
    made = [batches.make(step) for step in steps]
    shown = torch.cat([batch.images[batch.natural].mean((1, 2, 3)) * 255 for batch in made])
    return shown.round().int().tolist()


def test_each_seed_and_each_pass_has_an_order_of_its_own() -> None:
    first, second = range(5), range(5, 10)  # 20 natural images, 4 a step
    orders = [order(seed, steps) for seed in range(3) for steps in (first, second)]
    assert all(sorted(shown) == list(range(20)) for shown in orders)
    assert len({tuple(shown) for shown in orders}) == 6
    assert order(1, first) == order(1, first)
