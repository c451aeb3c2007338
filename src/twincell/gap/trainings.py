"""Small trainings of one counter on drawn or on real images, each done once and kept."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.files import write_atomic
from twincell.gap.generator import Generator
from twincell.gap.shapley import Closed
from twincell.io.encode import png
from twincell.io.points import write_points
from twincell.models.base.file import load_model
from twincell.models.base.views import GRAIN
from twincell.models.components.count_calibration import calibrated_gain
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.view import count
from twincell.training.run import fit

PRESET = "gap"
"""The counter that all trainings of an analysis share: small, and from random weights."""
WIDEST = 256
"""px, side of what is seen of an image in training at most."""
STEP = 4
"""px to one element of the counter's map."""


@dataclass(frozen=True)
class Trainings:
    """Where trainings are kept, and how they are done.

    Attributes:
        folder: of the analysis.
        settings: of every training.
        n: images that each learns from.
    """

    folder: Path
    settings: Settings
    n: int

    def on_drawn(self, generator: Generator, closed: Closed, seed: int, placed: bool = True) -> nn.Module:
        """A counter that learned from drawn images with these differences closed.

        Args:
            generator: draws them.
            closed: of distribution and photorealism.
            seed: of scenes and learning.
            placed: whether it is told where cells are, not only how many.
        """
        name = f"{_digest(generator.key(closed), str(self.n))}-seed{seed}"
        images = self.folder / "drawn" / name
        if not images.exists():
            part = images.with_name(f"{images.name}.part")  # a folder of the right name is whole
            shutil.rmtree(part, ignore_errors=True)
            generator.write(part, closed, self.n, seed)
            part.rename(images)
        settings = self.settings.changed({"synthetic.source": "manifest", "batch.natural": False})
        if not placed:
            settings = settings.changed({"batch.density": 0, "synthetic.recount": False})
        run, learned = self.folder / "runs" / f"{name}-{_digest(settings.to_yaml())}", Manifest.read(images)
        network = _fitted(settings, learned, run, seed)
        # As trainings on real images end: what a short training counts too few or too many of its own images
        # is no difference between these and others.
        store = ImageStore.load(learned, progress=False)
        found = count(network, [image.float() / 255 for image in store.whole()])
        network.get_buffer("gain").mul_(calibrated_gain(found, store.counts))
        return network

    def on_real(self, labelled: Labelled, seed: int) -> nn.Module:
        """A counter that learned from labelled real images, as large as drawn ones, and from their places
        where these are known."""
        told = [torch.stack([image.mean(), image.std()]).tolist() for image in labelled.images]
        name = f"real-{_digest(str(told), str(labelled.counts.tolist()))}-seed{seed}"
        images = self.folder / "real" / name
        if not (images / "manifest.csv").exists():
            shutil.rmtree(images, ignore_errors=True)
            write_labelled(labelled, images)
        side = max(max(image.shape[1:]) for image in labelled.images)
        window = min(WIDEST, max(self.settings.batch.window, -(-side // GRAIN) * GRAIN))
        changes = {"synthetic.source": "none", "batch.window": window, "batch.density": window // STEP}
        if labelled.dotted < len(labelled):
            changes["batch.density"] = 0
        settings = self.settings.changed(changes)
        run = self.folder / "runs" / f"{name}-{_digest(settings.to_yaml())}"
        return _fitted(settings, Manifest.read(images), run, seed)


def counts_of(network: nn.Module, labelled: Labelled) -> Tensor:
    """(N,) cells, not rounded."""
    return count(network, labelled.images)


def write_labelled(labelled: Labelled, out: Path) -> None:
    """Writes images with their labels, the manifest last."""
    rows, places = [], []
    for k, (image, at) in enumerate(zip(labelled.images, labelled.points, strict=True)):
        name = f"images/{k:05d}.png"
        write_atomic(out / name, png((image[0] * 255).round().to(torch.uint8).numpy()))
        rows.append({"image": name, "count": float(labelled.counts[k]), "chamber": labelled.chambers[k]})
        if at is not None and labelled.dotted == len(labelled):
            places.append(pd.DataFrame({"image": name, "x": at[:, 0].numpy(), "y": at[:, 1].numpy()}))
    table = pd.DataFrame(rows).assign(split="train", modality="bf", origin="natural")
    table["frame"] = np.arange(len(table))
    if places:
        write_points(out, pd.concat(places))
    Manifest(table, out).write(out)


def _digest(*words: str) -> str:
    """A short name for what decides a training, so that the same one is never done twice."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:10]


def _fitted(settings: Settings, manifest: Manifest, run: Path, seed: int) -> nn.Module:
    return load_model(fit(settings, manifest, run, resume=True, seed=seed, progress=False)).network
