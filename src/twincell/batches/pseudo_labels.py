"""Soft labels in time: frames between two counted ones get the count interpolated between them."""

import numpy as np
import torch
from torch import Tensor

from twincell.config import TeacherSettings
from twincell.data.store import ImageStore


def teach(store: ImageStore, settings: TeacherSettings) -> tuple[Tensor, Tensor] | None:
    """Counts and their weights for every image of the store, or None where no teacher is asked for.

    A counted image keeps its count and has weight 1. An uncounted natural frame between two counted ones of
    its chamber gets the count on the straight line between them, with weight `weight / (1 + decay *
    frames) / (1 + births * variance)`, where `frames` is the distance to the nearer one and `variance` that
    of the count if each of the d cells gained or lost between the two came at a time of its own: binomial,
    d s (1 - s) at the share s of the way. All others have no target (NaN) and weight 0.

    Returns:
        targets (N,) float32 and weights (N,) float32.
    """
    if settings.kind == "none":
        return None
    counts, frames = store.counts.cpu().double().numpy(), store.frames.cpu().numpy()
    natural, chambers = store.natural.cpu().numpy(), np.array(store.chambers)
    targets, weights = counts.copy(), np.isfinite(counts).astype(float)
    for chamber in np.unique(chambers[natural]):
        members = natural & (chambers == chamber)
        known = np.flatnonzero(members & np.isfinite(counts))
        if len(known) < 2:
            continue
        known = known[np.argsort(frames[known], kind="stable")]
        within = (frames >= frames[known[0]]) & (frames <= frames[known[-1]])
        between = np.flatnonzero(members & ~np.isfinite(counts) & within)
        targets[between] = np.interp(frames[between], frames[known], counts[known])
        gap = np.abs(frames[between][:, None] - frames[known]).min(1)
        weights[between] = settings.weight / (1 + settings.decay * gap)
        after = np.searchsorted(frames[known], frames[between], side="right").clip(1, len(known) - 1)
        first, last = known[after - 1], known[after]
        share = (frames[between] - frames[first]) / (frames[last] - frames[first])
        variance = np.abs(counts[last] - counts[first]) * share * (1 - share)
        weights[between] /= 1 + settings.births * variance
    return torch.tensor(targets, dtype=torch.float32), torch.tensor(weights, dtype=torch.float32)
