"""Synthetic images as files: PNGs, a manifest, the cells' positions and the distribution of counts."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.io.encode import png
from twincell.io.points import write_points
from twincell.locks import locked
from twincell.progress import track
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.recordings import to_bytes
from twincell.simulate.synthesise import synthesise

CHUNK = 256
"""Images drawn at once."""


def write_images(
    out: str | Path,
    preset: str | Preset,
    n: int,
    seed: int,
    start: int = 0,
    backgrounds: Tensor | None = None,
    counts_plot: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Writes n synthetic images with their truth into a new folder.

    The folder gets `images/`, `manifest.csv` (origin synthetic, split train) with `manifest.json` (what the
    images are), `points.csv` and `centres.csv` (each cell's place in px), `settings.json` (all that is needed
    to draw them again) and, if asked for, `counts.png`.

    Args:
        start: number of the first image of this seed; images 0-99 and then 100-199 are the same as 0-199.
        backgrounds: (M, 1, H, W) natural backgrounds in [0, 1] to draw over.

    Returns:
        Summary: preset, seed, start, images, mean and std of the pixels (0..1), counts (how many images of
            each).

    Raises:
        UserError: the folder holds files already, unknown preset, n < 1 or start < 0.
    """
    if problems := [
        *([f"n = {n}: at least 1 image is needed"] if n < 1 else []),
        *([f"start = {start}: the first image has number 0"] if start < 0 else []),
    ]:
        raise UserError(problems)
    chosen = load_preset(preset) if isinstance(preset, str) else preset
    with locked(out):
        root = fresh_dir(out)
        rows, centres, sums = [], [], np.zeros(2)
        firsts = range(start, start + n, CHUNK)
        for first in track(firsts, "synthetic images", len(firsts), progress):
            made = synthesise(chosen, min(CHUNK, start + n - first), seed, first, backgrounds)
            for k, image in enumerate(to_bytes(made.images)[:, 0]):
                name = f"images/{chosen.name}_{first + k:06d}.png"
                write_atomic(root / name, png(image))
                rows.append({"image": name, "count": int(made.counts[k]), "frame": first + k})
                centres.append(_cells(name, made.centres[k]))
                sums += [image.mean() / 255, (image.astype(float) ** 2).mean() / 255**2]
        table = pd.DataFrame(rows).assign(
            split="train",
            modality=chosen.look.modality,
            origin="synthetic",
            chamber=f"synthetic-{chosen.name}",
        )
        manifest = Manifest(table, root)
        manifest.write(root)
        height, width = made.images.shape[2:]
        write_spec(root, ImageSpec(height=height, width=width))
        write_points(root, pd.concat(centres))
        write_atomic(root / "centres.csv", pd.concat(centres).to_csv(index=False, float_format="%.3f"))
        counts = manifest.table["count"].astype(int).to_numpy()
        mean, square = sums / n
        summary = {
            "preset": chosen.name,
            "seed": seed,
            "start": start,
            "images": n,
            "mean": float(mean),
            "std": float(np.sqrt(max(square - mean**2, 0))),
            "counts": {str(k): int((counts == k).sum()) for k in np.unique(counts)},
        }
        write_atomic(root / "settings.json", json.dumps(summary | _settings(chosen), indent=1))
        if counts_plot:
            write_atomic(root / "counts.png", plot_counts(chosen, counts))
        return summary


def _cells(name: str, centres: Tensor) -> pd.DataFrame:
    """The positions of one image's cells."""
    there = centres[~torch.isnan(centres[:, 0])].cpu().numpy()
    return pd.DataFrame({"image": name, "cell": np.arange(len(there)), "x": there[:, 0], "y": there[:, 1]})


def _settings(preset: Preset) -> dict[str, Any]:
    return {field.name: _plain(getattr(preset, field.name)) for field in dataclasses.fields(preset)}


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def plot_counts(preset: Preset, counts: np.ndarray) -> bytes:
    """A PNG of how many images have how many cells, beside what the settings expect; counts: (N,)."""
    import io

    from matplotlib.figure import Figure

    expected = preset.scene.counts
    cells = np.arange(expected.least, expected.most + 1)
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.bar(cells, [(counts == k).sum() for k in cells], color="0.7", label=f"drawn ({len(counts)} images)")
    axes.plot(cells, len(counts) * np.array(expected.table()), "k.-", label="expected")
    axes.set(xlabel="cells in the chamber", ylabel="images", title=f"Counts of {preset.name}")
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
