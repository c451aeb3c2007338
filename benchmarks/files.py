"""From image files to a table, as the command does it, against the first release's way."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from figure import Clock, Figure, compared
from twincell.counting import CountOptions, count
from twincell.models.base.file import LoadedModel, load_model
from twincell.series import smooth
from twincell.series.smoothing.singles import single_images
from twincell.simulate import synthesise

MODEL = "cho-bf"
BATCH = 64
TURNS = 5


@contextmanager
def chambers(n: int) -> Iterator[list[Path]]:
    """n drawn chambers of 128 x 128 px as PNG files of one time-lapse."""
    with tempfile.TemporaryDirectory() as folder:
        images = (synthesise("optics-bf", n, seed=0).images[:, 0] * 255).round().byte().numpy()
        paths = [Path(folder) / "c1" / f"t{frame:04d}.png" for frame in range(n)]
        paths[0].parent.mkdir()
        for path, image in zip(paths, images, strict=True):
            Image.fromarray(image).save(path)
        yield paths


@torch.inference_mode()
def first_release(model: LoadedModel, paths: list[Path]) -> pd.DataFrame:
    """All files read, then batches of 64 with all threads on each, four looks; then the time-lapse."""
    network = model.network.to(memory_format=torch.contiguous_format)
    stack = torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in paths]))[:, None]
    looks = [
        torch.stack([network.look(part.flip(t)).count for t in ((), (-1,), (-2,), (-2, -1))]).mean(0)
        for part in (stack.float() / 255).split(BATCH)
    ]
    counts = torch.cat(looks).numpy()
    return smooth(pd.DataFrame({"chamber": "c1", "frame": range(len(paths)), "count_frame": counts}))


def to_table(looks: int | None, quick: bool, clock: Clock | None) -> Figure:
    """A folder counted, written nowhere."""
    n = 16 if quick else 64
    model, plain = load_model(MODEL), load_model(MODEL)
    with chambers(n) as paths:
        ours = partial(
            count, paths[0].parent, model, options=CountOptions(modality="bf", looks=looks), progress=False
        )
        return compared(ours, lambda: first_release(plain, paths), TURNS, n, clock=clock)


def count_files(quick: bool, clock: Clock | None = None) -> Figure:
    """As it comes: four looks."""
    return to_table(None, quick, clock)


def count_files_one_look(quick: bool, clock: Clock | None = None) -> Figure:
    """With `--looks 1`."""
    return to_table(1, quick, clock)


def single_tables(quick: bool, clock: Clock | None = None) -> Figure:
    """Counts, intervals and flags of images for themselves, against a time-lapse of one frame each."""
    n = 40 if quick else 200
    rng = np.random.default_rng(0)
    counts, novelty = rng.uniform(0, 35, n), rng.uniform(0, 1.2, n)
    rows = pd.DataFrame({"chamber": "", "frame": 0, "count_frame": counts, "novelty": novelty})
    return compared(lambda: single_images(counts, novelty), lambda: smooth(rows), TURNS, n, clock=clock)


BENCHES = {
    "count-files": count_files,
    "count-files-one-look": count_files_one_look,
    "single-images": single_tables,
}
