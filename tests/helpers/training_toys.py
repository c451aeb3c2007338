"""Tiny chambers and narrow networks: training in seconds, for tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.presets import load_preset

SMALL = {
    "model.network": {"channels": [4, 4, 8, 8], "core": 16, "latent": 8, "regressor": [8, 8]},
    "model.loss.regressor_delay": 0,
    "synthetic.source": "manifest",
    "synthetic.recount": False,
    "batch.size": 8,
    "batch.density": 0,
    "batch.labelled_share": None,
    "teacher.kind": "none",
    "training.steps": 12,
    "training.epochs": None,
    "training.log_every": 2,
    "training.validate_every": 4,
    "training.validation": "auto",
}


def toy_settings(preset: str = "compact", **sections: Any) -> Settings:
    """A preset made small; further changes as `training__steps=3`."""
    changes = {key.replace("__", "."): value for key, value in sections.items()}
    return load_preset(preset).changed(SMALL | changes)


def toy_image(cells: int, seed: int) -> np.ndarray:
    """(128, 128) uint8: bright squares, one for each cell, on a noisy ground."""
    rng = np.random.default_rng(seed)
    image = rng.normal(60, 8, (128, 128))
    for x, y in rng.integers(12, 112, (cells, 2)):
        image[y - 4 : y + 5, x - 4 : x + 5] = 180
    return image.clip(0, 255).astype(np.uint8)


def toy_store(natural: int = 20, synthetic: int = 12, label_every: int = 2) -> ImageStore:
    """Natural images of 4 chambers, every second one labelled, and labelled synthetic ones behind them.

    Every image is uniformly grey with its own index, so that a batch tells which images it holds.
    """
    n = natural + synthetic
    counts = torch.arange(n, dtype=torch.float32) % 9 + 1
    unlabelled = (torch.arange(n) < natural) & (torch.arange(n) % label_every != 0)
    return ImageStore(
        images=torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 1, 128, 128).contiguous(),
        counts=torch.where(unlabelled, torch.nan, counts),
        natural=torch.arange(n) < natural,
        chambers=[f"c{i % 4}" for i in range(natural)] + ["drawn"] * synthetic,
        frames=torch.arange(n) // 4,
        modalities=["pc"] * n,
    )


def write_toy_data(folder: Path, chambers: int = 4, frames: int = 6, synthetic: int = 8) -> Path:
    """A manifest with images: natural chambers, every second frame counted, and synthetic images."""
    rows = []
    for index in range(chambers * frames + synthetic):
        natural = index < chambers * frames
        chamber, frame = (f"c{index // frames}", index % frames) if natural else ("drawn", index)
        count = index % 6 + 1
        name = f"images/{index:03d}.png"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(toy_image(count, index)).save(folder / name)
        rows.append(
            {
                "image": name,
                "count": float(count) if frame % 2 == 0 or not natural else np.nan,
                "split": "train",
                "modality": "pc",
                "origin": "natural" if natural else "synthetic",
                "chamber": chamber,
                "frame": frame,
            }
        )
    return Manifest(pd.DataFrame(rows), folder).write(folder / "manifest.csv")
