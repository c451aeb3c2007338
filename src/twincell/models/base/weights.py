"""Weights taken out of a network, to be written, and read back, none of them trusted."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from twincell.errors import UserError

LARGEST_HEADER = 2**24
"""Bytes that the list of a file's tensors may have; each takes about a hundred."""
LARGEST_NETWORK = 2**30
"""Weights of a network: 4 GB of them. The largest shipped has 300,000, BiT-50 24 million."""


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights as safetensors takes them: on the CPU, in plain memory order."""
    return {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in network.state_dict().items()
    }


def checked_weights(path: Path, build: Callable[[], nn.Module] | None) -> dict[str, Tensor]:
    """The weights in a safetensors file, once they are known to be those of a network.

    Their list is compared with the network before anything as large as either is allocated.

    Args:
        path: the file.
        build: makes the network; called on torch's device "meta", where tensors have a shape and no
            memory. None: the file is trusted in this.

    Raises:
        UserError: no safetensors file, or values that are not finite.
        RuntimeError: tensors are missing, too many, or of other shapes than the network's.
        ValueError: the network is larger than any that is meant.
    """
    if build is not None:
        _compare(_listed(path), build)
    with safe_open(path, "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
    wrong = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise UserError(
            f"{path}: holds weights that are NaN or infinite (in {wrong[0]}{more}), with which it counts "
            "nothing; use another copy of the model, or train anew"
        )
    return state


def _listed(path: Path) -> dict[str, Tensor]:
    """The tensors that a file lists, by name, without memory: they have a shape and nothing else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    try:
        if header > min(size, LARGEST_HEADER):
            raise SafetensorError(f"a list of tensors of {header:,} bytes in a file of {size:,}")
        with safe_open(path, "pt") as tensors:
            shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
        return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    except (SafetensorError, OSError, ValueError, RuntimeError) as problem:
        said = " ".join(str(problem).split())[:200]
        raise UserError(
            f"{path}: is not a safetensors file ({said}); copy the model's two files again"
        ) from problem


def _compare(listed: dict[str, Tensor], build: Callable[[], nn.Module]) -> None:
    with torch.device("meta"):
        network = build()
        weights = sum(value.numel() for value in network.state_dict().values())
        if weights > LARGEST_NETWORK:
            raise ValueError(f"a network of {weights:,} weights; at most {LARGEST_NETWORK:,} are meant")
        network.load_state_dict(listed)
