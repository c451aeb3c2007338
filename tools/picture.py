"""Draw the README's picture: simulated chambers in both modalities, and where `any` sees cells in them.

python tools/picture.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch

from twincell.models.base.file import load_model
from twincell.simulate import synthesise

OUT = Path(__file__).parents[1] / "docs" / "images" / "chambers.png"


def main() -> None:
    """Two rows, bright field and phase contrast; each chamber without and with its density map."""
    model = load_model("any")
    figure, axes = plt.subplots(2, 6, figsize=(12, 4.3), layout="constrained")
    for row, modality in zip(axes, ("bf", "pc"), strict=True):
        drawn = synthesise(f"optics-{modality}", 24, seed=21)
        chosen = torch.argsort(drawn.counts)[torch.tensor([8, 14, 19])]
        found = model.predict(drawn.images[chosen])
        assert found.density is not None
        for i, k in enumerate(chosen.tolist()):
            for axis in row[2 * i : 2 * i + 2]:
                axis.imshow(drawn.images[k, 0], cmap="gray", extent=(0, 128, 128, 0))
                axis.set_axis_off()
            row[2 * i].set_title(f"{int(drawn.counts[k])} cells drawn", fontsize=10)
            row[2 * i + 1].set_title(f"{found.count[i]:.1f} counted", fontsize=10)
            density = found.density[i, 0]
            row[2 * i + 1].imshow(
                density, cmap="inferno", extent=(0, 128, 128, 0), alpha=(density * 8).clamp(0, 0.75).numpy(),
                interpolation="bilinear",
            )  # fmt: skip
    OUT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT, dpi=80)


if __name__ == "__main__":
    main()
