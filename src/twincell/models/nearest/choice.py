"""How many neighbours: the number that counts chambers best that the neighbours do not come from."""

import torch
from torch import Tensor


def errors_by_k(known: Tensor, counts: Tensor, chambers: tuple[str, ...], most: int) -> list[float]:
    """Mean absolute error in cells for k = 1, 2, ..., each image counted from the other chambers alone.

    Frames of one time-lapse resemble each other: neighbours of the same chamber would always make k = 1 look
    best. With a single chamber each image is counted from all others.

    Args:
        known: (N, D) embeddings.
        counts: (N,) cells.
        chambers: N names.
        most: the largest k; fewer errors come back where there are fewer neighbours.
    """
    names = {name: i for i, name in enumerate(dict.fromkeys(chambers))}
    group = torch.tensor([names[name] for name in chambers])
    if len(names) == 1:
        group = torch.arange(len(group))
    distance = torch.cdist(known, known)
    distance[group[:, None] == group[None]] = torch.inf
    others = int((distance < torch.inf).sum(1).min())
    if others == 0:
        return []
    near = counts[distance.topk(min(most, others), dim=1, largest=False).indices]
    means = near.cumsum(1) / torch.arange(1, near.shape[1] + 1)
    return [float(error) for error in (means - counts[:, None]).abs().mean(0)]
