"""Backgrounds to draw cells over, taken from natural training images."""

from pathlib import Path

import torch
from torch import Tensor

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.data.window import frame
from twincell.errors import UserError
from twincell.simulate.clean_backgrounds import Density, clean_backgrounds
from twincell.simulate.presets import Preset
from twincell.simulate.render.settings import EllipseLook
from twincell.simulate.scene.scene import SIZE

FEW_CELLS = 5
"""The paper's synthetic background is the mean of natural training images with fewer cells than this."""


def backgrounds(
    natural: ImageStore, kind: str, modality: str | None, density: Density | None = None
) -> Tensor | None:
    """(M, 1, SIZE, SIZE) float32 in [0, 1] to draw cells over, or None where the renderer draws its own.

    Args:
        natural: training images only, so that nothing of a held-out chamber is learned.
        kind: drawn, mean or median, as in `SyntheticSettings.backgrounds`.
        modality: images of this one only; None = all.
        density: what a network that knows cells finds in images. With it a median that still holds cells, as
            that of a single image or of resting cells does, is filled in or left out; see
            `twincell.simulate.clean_backgrounds`.
    """
    if kind == "drawn" or not len(natural):
        return None
    if modality is not None:
        natural = natural.subset(torch.tensor([m == modality for m in natural.modalities]))
    if kind == "median":
        if density is not None:
            return _clean(natural, density)
        names = sorted(set(natural.chambers))
        members = [torch.tensor([c == name for c in natural.chambers]) for name in names]
        seen = _middles(natural)
        return torch.stack([seen[m.to(seen.device)].median(0).values for m in members])
    few = natural.counts < FEW_CELLS
    if not few.any():
        raise UserError(
            f"synthetic.backgrounds mean: no training image is labelled with fewer than {FEW_CELLS} cells; "
            "set synthetic.backgrounds=median or drawn"
        )
    return _middles(natural.subset(few)).mean(0, keepdim=True)


def _clean(natural: ImageStore, density: Density) -> Tensor | None:
    """(M, 1, SIZE, SIZE) without cells, M from 1; None where no chamber shows one."""
    framed = frame(natural.images, natural.sizes, natural.points, natural.spec, SIZE)
    seen = framed.images.cpu()
    marked = [
        places[~places[:, 0].isnan()] if known else None
        for places, known in zip(framed.points.cpu(), natural.placed.tolist(), strict=True)
    ]
    found = clean_backgrounds(seen, natural.chambers, density, natural.counts.cpu(), marked)
    return torch.stack([made.image for _, made in sorted(found.items())]) if found else None


def _middles(store: ImageStore, side: int = SIZE) -> Tensor:
    """(N, 1, side, side) in [0, 1]: the middle of each image, as large as drawn scenes."""
    return frame(store.images, store.sizes, store.points, store.spec, side).images


def natural_backgrounds(path: Path, preset: Preset) -> Tensor:
    """Backgrounds (M, 1, SIZE, SIZE) from a manifest's natural training images of the preset's modality.

    Their mean over images with fewer than 5 cells for ellipses (as in the paper), the median of each chamber
    for optics.

    Raises:
        UserError: the manifest cannot be read or has no such image.
    """
    modality = preset.look.modality
    manifest = Manifest.read(path)
    table = manifest.table
    chosen = (table["origin"] == "natural") & (table["split"] == "train") & (table["modality"] == modality)
    if not chosen.any():
        raise UserError(
            f"{path}: has no natural training image of modality {modality} to take a background from"
        )
    store = ImageStore.load(manifest.select(chosen.to_numpy()))
    kind = "mean" if isinstance(preset.look, EllipseLook) else "median"
    grounds = backgrounds(store, kind, modality)
    assert grounds is not None
    return grounds
