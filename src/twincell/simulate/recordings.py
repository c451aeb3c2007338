"""Simulated chambers: recordings with known counts, one or a folder full of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.io.encode import png, tiff_stack
from twincell.progress import track
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.scene.growth import GrowthSettings
from twincell.simulate.scene.timelapse import timelapse
from twincell.simulate.synthesise import draw


@dataclass
class Recording:
    """A simulated chamber through time, with its truth.

    Attributes:
        images: (T, H, W) uint8.
        counts: (T,) int64, cells per frame.
        centres: (T, S, 2) float32 x, y in px; NaN in unused slots; a cell keeps its slot.
        time_h: (T,) float64 hours since the first frame.
        doubling_h: hours in which this chamber's cells double undisturbed; infinite where they rest.
    """

    images: np.ndarray
    counts: np.ndarray
    centres: np.ndarray
    time_h: np.ndarray
    doubling_h: float


def recording(
    preset: str | Preset,
    frames: int,
    seed: int,
    chamber_id: int = 0,
    growth: GrowthSettings | None = None,
    backgrounds: Tensor | None = None,
    device: str | torch.device = "cpu",
) -> Recording:
    """One growing chamber as a microscope records it: walls, dirt and look stay, focus and lamp drift slowly.

    Args:
        preset: such as `optics-bf`.
        chamber_id: which chamber of this seed.
        backgrounds: (M, 1, H, W) natural backgrounds in [0, 1], of which the chamber takes one.

    Raises:
        UserError: unknown preset.
    """
    if frames < 1:
        raise UserError(f"frames = {frames}: a recording needs at least 1")
    chosen = load_preset(preset) if isinstance(preset, str) else preset
    life = timelapse(chosen.scene, frames, seed, chamber_id, growth, device)
    moments = torch.arange(frames, dtype=torch.int64, device=device)
    made = draw(chosen.look, life.scene, seed, chamber_id, backgrounds, moments)
    return Recording(
        images=to_bytes(made.images)[:, 0],
        counts=made.counts.cpu().numpy(),
        centres=made.centres.cpu().numpy(),
        time_h=life.time_h.numpy(),
        doubling_h=life.doubling_h,
    )


def to_bytes(images: Tensor) -> np.ndarray:
    """uint8 of brightness in [0, 1], same shape."""
    return (images * 255).round().to(torch.uint8).cpu().numpy()


def write_chambers(
    out: str | Path,
    preset: str | Preset,
    chambers: int,
    frames: int,
    seed: int,
    labelled_every: int = 10,
    test_chambers: int = 0,
    growth: GrowthSettings | None = None,
    origin: str = "natural",
    stacks: bool = False,
    progress: bool = True,
) -> Manifest:
    """Writes simulated chambers as a data set: images, `manifest.csv`, `truth.csv` and `truth-places.csv`.

    Args:
        out: a new folder.
        chambers: how many; they differ in start, growth, walls, dirt and look.
        labelled_every: every how many frames of a training chamber has its count in the manifest; 0 = none.
        test_chambers: the last so many chambers are of split `test`, with every frame counted.
        origin: what the manifest calls them; `natural` where they stand in for real recordings.
        stacks: one TIFF stack per chamber instead of one PNG per frame.

    Returns:
        The manifest. `truth.csv` beside it has the count of every frame and each chamber's doubling time,
        `truth-places.csv` the centre of every cell (`image, x, y` and `page`, px).

    Raises:
        UserError: the folder holds files already, or a number is impossible.
    """
    _refuse(chambers, frames, labelled_every, test_chambers, origin)
    chosen = load_preset(preset) if isinstance(preset, str) else preset
    root = fresh_dir(out)
    tables, places = [], []
    for chamber_id in track(range(chambers), "simulated chambers", chambers, progress):
        made = recording(chosen, frames, seed, chamber_id, growth)
        name = f"sim{chamber_id:02d}"
        table = _table(made, name, chosen.look.modality, origin)
        counted = chamber_id >= chambers - test_chambers
        table["split"] = "test" if counted else "train"
        kept = table["frame"] % labelled_every == 0 if labelled_every else table["frame"] < 0
        table["count"] = table["true_count"].where(counted | kept).astype(float)
        table["image"] = _write_images(root, name, made.images, stacks)
        table["page"] = table["frame"] if stacks else 0
        tables.append(table)
        places.append(_places(table, made.centres))
    everything = pd.concat(tables, ignore_index=True)
    truth = everything[["chamber", "frame", "time_h", "true_count", "doubling_h"]]
    write_atomic(root / "truth.csv", truth.rename(columns={"true_count": "count"}).to_csv(index=False))
    write_atomic(root / "truth-places.csv", pd.concat(places).to_csv(index=False, float_format="%.2f"))
    manifest = Manifest(everything.drop(columns=["true_count", "doubling_h"]), root)
    manifest.write(root)
    height, width = made.images.shape[1:]
    write_spec(root, ImageSpec(height=height, width=width))
    return manifest


def _refuse(chambers: int, frames: int, labelled_every: int, test_chambers: int, origin: str) -> None:
    problems = []
    if chambers < 1:
        problems.append(f"chambers = {chambers}: at least 1 is needed")
    if frames < 1:
        problems.append(f"frames = {frames}: at least 1 is needed")
    if labelled_every < 0:
        problems.append(
            f"labelled_every = {labelled_every}: give 0 for none, or every how many frames is counted"
        )
    if not 0 <= test_chambers <= max(chambers, 0):
        problems.append(f"test_chambers = {test_chambers}: must lie between 0 and chambers = {chambers}")
    if origin not in ("natural", "synthetic"):
        problems.append(f"origin = '{origin}': must be natural or synthetic")
    if problems:
        raise UserError(problems)


def _table(made: Recording, name: str, modality: str, origin: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "modality": modality,
            "origin": origin,
            "chamber": name,
            "frame": np.arange(len(made.counts)),
            "time_h": made.time_h,
            "true_count": made.counts,
            "doubling_h": made.doubling_h,
        }
    )


def _places(table: pd.DataFrame, centres: np.ndarray) -> pd.DataFrame:
    """One row a cell: image, page, x, y; `centres` (T, S, 2) px, NaN in unused slots."""
    frame, slot = np.nonzero(~np.isnan(centres[:, :, 0]))
    at = centres[frame, slot]
    return table[["image", "page"]].iloc[frame].assign(x=at[:, 0], y=at[:, 1])


def _write_images(root: Path, name: str, images: np.ndarray, stacks: bool) -> list[str]:
    """Writes a chamber's images; returns the path of each frame relative to the root."""
    if stacks:
        write_atomic(root / f"{name}.tif", tiff_stack(images))
        return [f"{name}.tif"] * len(images)
    paths = [f"{name}/{name}_t{frame:04d}.png" for frame in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        write_atomic(root / path, png(image))
    return paths
