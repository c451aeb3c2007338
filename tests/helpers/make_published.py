"""Draws small chambers in the folder layout of the published CHO-K1 data, the same ones at each call.

python tests/helpers/make_published.py FOLDER
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 128
# Chamber: (folder and name of frame t, number of frames). Odd names on purpose: spaces as in the real ones.
BF = {
    1: "nd004xy04t{:03d}c1.jpg",
    2: "testxy2t{:03d}c1.jpg",  # in RGB
    4: "nd015_cropKond_ bottom 9t{:03d}c1.jpg",
}
PC = {1: "nd063_cropxy01t{:03d}c1.jpg", 7: "nd063_cropxy07t{:03d}c1.jpg", 13: "nd063_cropxy13t{:03d}c1.jpg"}
FRAMES = 12
LABELLED_EVERY = 3  # frames 3, 6, 9, 12 have a label
TEST_EVERY = 4  # frames 4, 8, 12 are in the test table, unlabelled


def make_published(folder: Path) -> Path:
    """Writes `128p_bf` and `128p_pc` with their tables: 6 chambers, 72 images, 18 labelled.

    As in the real data, bright field is JPEG (some in RGB) and phase contrast PNG in files named .jpg.
    """
    for modality, chambers in (("bf", BF), ("pc", PC)):
        tables: dict[str, list[str]] = {"train": [], "test": []}
        for chamber, name in chambers.items():
            for frame in range(1, FRAMES + 1):
                split = "test" if frame % TEST_EVERY == 0 else "train"
                place = f"128p_{modality}/{split}" + (f"_set{chamber}" if modality == "bf" else "")
                path = folder / place / name.format(frame)
                path.parent.mkdir(parents=True, exist_ok=True)
                cells = 1 + (frame + chamber) // 3
                rgb = modality == "bf" and chamber == 2
                path.write_bytes(_encoded(draw(modality, cells, 1000 * chamber + frame), modality, rgb))
                label = cells if frame % LABELLED_EVERY == 0 and split == "train" else 0
                tables[split].append(f"../data/{place}/{path.name},{label}\n")
        for split, lines in tables.items():
            (folder / f"128p_{modality}" / f"{split}.csv").write_text("".join(lines))
    return folder


def draw(modality: str, cells: int, seed: int) -> np.ndarray:
    """A grey field with so many discs: dark-rimmed in bright field, dark with a halo in phase contrast.

    Returns:
        (128, 128) uint8.
    """
    rng = np.random.default_rng(seed)
    field, rim, inside = (181, 100, 190) if modality == "bf" else (60, 170, 35)
    picture = np.full((SIZE, SIZE), float(field))
    y, x = np.mgrid[:SIZE, :SIZE]
    spots = rng.permutation(25)[:cells]  # a 5 x 5 grid keeps cells apart
    for spot in spots:
        centre = 20 + 22 * np.array([spot // 5, spot % 5]) + rng.uniform(-3, 3, 2)
        radius = rng.uniform(4, 7)
        distance = np.hypot(y - centre[0], x - centre[1])
        picture[distance < radius] = inside
        picture[np.abs(distance - radius) < 1] = rim
    return (picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8)


def _encoded(image: np.ndarray, modality: str, rgb: bool) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(image).convert("RGB" if rgb else "L")
    picture.save(buffer, "JPEG" if modality == "bf" else "PNG", quality=95)
    return buffer.getvalue()


if __name__ == "__main__":
    make_published(Path(sys.argv[1]))
