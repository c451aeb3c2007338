"""What fewer looks cost: errors on counted frames with 1, 2 and 4 looks, and processor time an image.

python tools/looks.py MANIFEST docs/results/looks.csv
"""

import csv
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.models.base.file import load_model

MODELS = ("any", "chambers", "cho-bf", "cho-pc")
LOOKS = (1, 2, 4)
BATCH = 16


def main(manifest: str, out: str) -> None:
    """Count all counted frames of a manifest with every model, and write the table."""
    torch.set_num_threads(1)
    data = Manifest.read(manifest)
    data = Manifest(data.table[data.table["count"].notna()].reset_index(drop=True), data.root)
    images, table = ImageStore.load(data, progress=False).images, data.table
    rows = [("model", "modality", "n", "looks", "mae_raw", "mae", "cpu_ms")]
    for name in MODELS:
        model = load_model(name)
        for modality in model.card.modalities:
            chosen = np.flatnonzero(table["modality"] == modality)
            counts = table["count"].to_numpy(float)[chosen]
            for looks in LOOKS:
                begun = time.process_time()
                found = replace(model, looks=looks).predict(images[chosen], batch=BATCH).count.numpy()
                each = (time.process_time() - begun) / len(chosen) * 1e3
                raw, whole = np.abs(found - counts).mean(), np.abs(found.round() - counts).mean()
                rows.append((name, modality, len(chosen), looks, f"{raw:.3f}", f"{whole:.3f}", f"{each:.1f}"))
                print(*rows[-1], flush=True)
    with Path(out).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
