"""Nearest neighbours as a network: small pictures of the training images and their counts are its buffers."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Nearest(nn.Module):
    """Counts an image as the mean of the counts of the `k` training images that look most like it.

    Args:
        side: images are compared at side x side pixels.
    """

    def __init__(self, side: int = 32) -> None:
        super().__init__()
        self.side = side
        self.known: Tensor
        self.counts: Tensor
        self.k: Tensor
        self.register_buffer("known", torch.zeros(1, side * side))
        self.register_buffer("counts", torch.zeros(1))
        self.register_buffer("k", torch.ones((), dtype=torch.int64))

    def embed(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, side * side): shrunk by averaging, mean 0 and length 1 for every image."""
        small = F.adaptive_avg_pool2d(images.float(), self.side).flatten(1)
        return F.normalize(small - small.mean(1, keepdim=True), dim=1)

    def remember(self, known: Tensor, counts: Tensor, k: int) -> None:
        """Takes embeddings (N, side * side) with their counts (N,) as what is known."""
        self.known, self.counts = known.clone(), counts.clone()
        self.k.fill_(k)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N,) float32, cells."""
        near = torch.cdist(self.embed(images), self.known).topk(int(self.k), dim=1, largest=False).indices
        return self.counts[near].mean(1)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # How many images are known is the file's matter, not the settings'; that each has its count is not.
        known, counts, k = (state_dict.get(prefix + name) for name in ("known", "counts", "k"))
        if known is not None and counts is not None:
            several = k is not None and not k.is_meta and not 1 <= int(k) <= len(counts)
            if known.shape != (len(counts), self.side**2) or counts.ndim != 1 or several:
                rest[-1].append(
                    f"pictures {list(known.shape)} of side {self.side} for {list(counts.shape)} counts, k {k}"
                )
                return
            self.known, self.counts = torch.zeros_like(known), torch.zeros_like(counts)
        super()._load_from_state_dict(state_dict, prefix, *rest)
