"""Real images beside drawn ones, to be looked at: would one take the ones for the others?"""

import io

import torch
from torch import Tensor

ROWS, COLUMNS = 5, 4
"""Images of each kind."""


def sheet(real: Tensor, drawn: Tensor, title: str) -> bytes:
    """A PNG with real windows on the left and drawn ones on the right, grey levels as they are.

    Args:
        real, drawn: (N, 1, S, S) in [0, 1], at least one each; evenly chosen.
        title: what was fitted, for people.
    """
    import matplotlib.pyplot as plt

    figure, sides = plt.subplots(1, 2, figsize=(2 * COLUMNS * 1.5, ROWS * 1.5 + 0.6), layout="constrained")
    low, high = float(real.min()), float(real.max())
    for axes, images, name in zip(sides, (real, drawn), ("real", "drawn"), strict=True):
        axes.imshow(_tiled(images).numpy(), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(name)
        axes.set_axis_off()
    figure.suptitle(title, fontsize="small")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    return file.getvalue()


def _tiled(images: Tensor) -> Tensor:
    """(ROWS * S, COLUMNS * S) images side by side, white lines between."""
    at = torch.linspace(0, len(images) - 1, min(len(images), ROWS * COLUMNS)).round().long()
    side = images.shape[-1]
    canvas = torch.ones(ROWS, COLUMNS, side + 2, side + 2)
    canvas.flatten(0, 1)[: len(at), :side, :side] = images[at, 0]
    return canvas.transpose(1, 2).reshape(ROWS * (side + 2), COLUMNS * (side + 2))
