"""Two toy modalities and the real command at toy size, for tests of experiments."""

from pathlib import Path

import pandas as pd

from helpers.training_toys import write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest

SMALL = [
    "--set", "model.network={channels: [4, 4, 8, 8], core: 16, latent: 8, regressor: [8, 8]}",
    "--set", "synthetic.pool=8", "--set", "synthetic.tests=6",
    "--set", "batch.size=8", "--set", "training.validation=auto",
    "--set", "training.validation_share=0.3",
]  # fmt: skip
TOY = ["--preset", "compact", "--folds", "2", "--only", "0", "--steps", "10", *SMALL]


def write_two_modalities(folder: Path) -> Path:
    """A manifest of toy chambers in bright field and phase contrast, eight each."""
    tables = []
    for modality in ("bf", "pc"):
        part = Manifest.read(write_toy_data(folder / modality, chambers=8, frames=4, synthetic=0))
        tables.append(
            part.table.assign(
                modality=modality,
                chamber=modality + part.table["chamber"],
                image=modality + "/" + part.table["image"],
            )
        )
    whole = pd.concat(tables, ignore_index=True)
    return Manifest(whole, folder).write(folder / "manifest.csv")


def toy_experiment(name: str, manifest: Path, out: Path, *words: str) -> int:
    """`twincell reproduce NAME` at toy size."""
    return run(["reproduce", name, "--manifest", str(manifest), "--out", str(out), *TOY, *words])
