"""Which parts of a network a transfer changed, by comparing weights and statistics bit by bit."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from twincell.models.base.method import Parts


def moved_parts(before: Path, after: Path, parts: Parts) -> set[str]:
    """The named parts in which any weight or statistic differs by a bit.

    Args:
        before, after: weights files (.safetensors) of two models of one method.
        parts: the method's.
    """
    old, new = load_file(before), load_file(after)
    differing = {name for name in old.keys() | new.keys() if not _same(old.get(name), new.get(name))}
    names = (*parts.outer, *parts.core, *parts.head)
    return {part for part in names if any(name.startswith(f"{part}.") for name in differing)}


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)
