"""Chance that repeats: a draw depends on seed, step and use alone, never on what was drawn before."""

import numpy as np
import torch


def seed_for(seed: int, step: int, stream: int = 0) -> int:
    """A well-mixed 63-bit number from (seed, step, stream); `stream` keeps the uses of one step apart."""
    return int(np.random.SeedSequence((seed, step, stream)).generate_state(1, np.uint64)[0] >> 1)


def generator_for(seed: int, step: int, stream: int = 0) -> torch.Generator:
    """A CPU generator in the state that belongs to (seed, step, stream)."""
    return torch.Generator().manual_seed(seed_for(seed, step, stream))
