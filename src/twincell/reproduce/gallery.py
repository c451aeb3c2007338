"""What images look like, natural ones beside drawn ones of both renderers (Figures 1 and 3)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from twincell.data.store import ImageStore
from twincell.evaluate.protocols import of_modality
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.report.images import png, sheet
from twincell.reproduce.data_sets import no_jobs
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.request import Request
from twincell.simulate import synthesise
from twincell.simulate.backgrounds import FEW_CELLS, backgrounds
from twincell.simulate.preset_files import preset_names

SHOWN = 6
"""Images in a row."""


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes samples-MODALITY.png and samples.csv, a line for each image: row, number and cells.

    Rows: natural training images; the paper's ellipses over the mean image of those with few cells, as the
    paper draws them; cells by optics over drawn walls.
    """
    lines, told = [], []
    for modality in request.modalities:
        rows = [("natural", *_natural(request, modality))]
        for preset in (f"ellipse-{modality}", f"optics-{modality}"):
            if preset in preset_names():
                rows.append((preset, *_drawn(request, modality, preset)))
        tiles = [tile for _, pixels, _ in rows for tile in pixels]
        write_atomic(request.out / f"samples-{modality}.png", png(sheet(tiles, SHOWN)))
        lines += [
            {"modality": modality, "row": name, "number": i, "cells": cells}
            for name, _, counts in rows
            for i, cells in enumerate(counts)
        ]
        told.append([modality.upper(), ", ".join(name for name, _, _ in rows), f"samples-{modality}.png"])
    write_atomic(request.out / "samples.csv", pd.DataFrame(lines).to_csv(index=False))
    return markdown(["", "rows", "file"], told)


def _natural(request: Request, modality: str) -> tuple[np.ndarray, list[float]]:
    """A few training images (n, H, W) uint8 chosen by the first seed, and their labels."""
    own = of_modality(request.manifest, modality).select("train")
    chosen = np.random.default_rng(request.seeds[0]).permutation(len(own.table))[:SHOWN]
    store = ImageStore.load(own.select(np.isin(np.arange(len(own.table)), chosen)), progress=False)
    return store.images[:, 0].numpy(), store.counts.tolist()


def _drawn(request: Request, modality: str, preset: str) -> tuple[np.ndarray, list[float]]:
    """A few drawn images (n, 128, 128) uint8 and their counts; ellipses over the paper's background."""
    ground = None
    if preset.startswith("ellipse"):
        own = of_modality(request.manifest, modality).select("train")
        few = own.select((own.table["count"] < FEW_CELLS).to_numpy())
        if len(few.table):
            ground = backgrounds(ImageStore.load(few, progress=False), "mean", modality)
    made = synthesise(preset, SHOWN, request.seeds[0], backgrounds=ground)
    return (made.images[:, 0] * 255).round().byte().numpy(), made.counts.tolist()


EXPERIMENT = Experiment(
    "figure3", "natural images (Figure 1) beside drawn ones of both renderers (Figure 3)", no_jobs, tell
)
