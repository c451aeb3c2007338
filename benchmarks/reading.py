"""Images from files and from memory."""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from figure import Figure, compared

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.make_published import make_published
from twincell.data.cho_k1 import import_cho_k1
from twincell.data.store import ImageStore

BATCH = 64


def load_images(quick: bool) -> Figure:
    """A manifest's images into memory, against Pillow in a plain loop."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = import_cho_k1(
            make_published(Path(folder) / "published"), Path(folder) / "cho", progress=False
        )

        def plain() -> torch.Tensor:
            return torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in manifest.paths]))

        ours = partial(ImageStore.load, manifest, progress=False)
        return compared(ours, plain, 3 if quick else 15, len(manifest))


def fetch_batch(quick: bool) -> Figure:
    """64 images at random from the store, against reading their files anew for each batch."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = import_cho_k1(
            make_published(Path(folder) / "published"), Path(folder) / "cho", progress=False
        )
        store = ImageStore.load(manifest, progress=False)
        index = torch.randint(len(manifest), (BATCH,), generator=torch.Generator().manual_seed(0))
        paths = [manifest.paths[i] for i in index.tolist()]

        def peer() -> torch.Tensor:
            return torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in paths])).float() / 255

        return compared(lambda: store.images[index].float() / 255, peer, 20 if quick else 200, BATCH)


BENCHES = {"load-images": load_images, "fetch-batch": fetch_batch}
