"""Draw the README's picture: simulated chambers, where `any` sees cells in them, and one of them over time.

python tools/picture.py
"""

import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from PIL import Image

import twincell
from twincell.simulate import recording, synthesise
from twincell.simulate.scene import growth_settings

OUT = Path(__file__).parents[1] / "docs" / "images" / "chambers.png"
SIZE = 128
"""Side of a chamber's image in px."""
LIFE = {"frame_interval_h": 0.5, "start_cells": [3, 4], "doubling_h": [18, 22], "resting_chambers": 0.0}


def main() -> None:
    """Two chambers with and without their density map, and the counts of a growing one."""
    figure = plt.figure(figsize=(12, 2.75), layout="constrained")
    grid = figure.add_gridspec(1, 5, width_ratios=[1, 1, 1, 1, 2.1])
    chambers = [figure.add_subplot(grid[i]) for i in range(4)]
    for modality, axes in (("bf", chambers[:2]), ("pc", chambers[2:])):
        chamber(modality, *axes)
    over_time(figure.add_subplot(grid[4]))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT, dpi=100)


def chamber(modality: str, plain: Axes, marked: Axes) -> None:
    """A drawn chamber, and the same with the model's density of cells over it."""
    drawn = synthesise(f"optics-{modality}", 24, seed=21)
    k = int(torch.argsort(drawn.counts)[14])
    found = twincell.load("any").predict(drawn.images[k : k + 1])
    assert found.density is not None
    for axes in (plain, marked):
        axes.imshow(drawn.images[k, 0], cmap="gray", extent=(0, SIZE, SIZE, 0))
        axes.set_axis_off()
    density = found.density[0, 0]
    marked.imshow(
        density, cmap="inferno", extent=(0, SIZE, SIZE, 0), alpha=(density * 8).clamp(0, 0.75).numpy(),
        interpolation="bilinear",
    )  # fmt: skip
    plain.set_title(f"{modality.upper()}: {int(drawn.counts[k])} cells drawn", fontsize=10)
    marked.set_title(f"{float(found.count[0]):.1f} counted", fontsize=10)


def over_time(axes: Axes) -> None:
    """Counts of a growing chamber with their 90 % interval, and the truth."""
    truth = recording("optics-pc", frames=96, seed=8, growth=growth_settings(LIFE))
    with tempfile.TemporaryDirectory() as folder:
        for frame, image in enumerate(truth.images):
            Image.fromarray(image).save(Path(folder) / f"t{frame}.png")
        counts = twincell.count(folder, model="any", modality="pc", minutes=30, progress=False)
    hours = counts["time_h"].to_numpy()
    axes.fill_between(hours, counts["lower"], counts["upper"], alpha=0.25, label="90 % interval", linewidth=0)
    axes.plot(hours, counts["count"], label="count")
    axes.plot(truth.time_h, truth.counts, "k.", markersize=2.5, label="truth")
    axes.set(xlabel="hours", ylabel="cells", title="one chamber over time", xlim=(0, hours[-1]))
    axes.title.set_fontsize(10)
    axes.set_ylim(0, None)
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    error = np.abs(counts["count"].to_numpy() - truth.counts).mean()
    print(f"mean error of the curve: {error:.2f} cells")


if __name__ == "__main__":
    main()
