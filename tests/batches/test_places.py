"""Marked cells of natural images: through crops and augmentation into the density target."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers.training_toys import toy_settings
from twincell.batches.augment import augment
from twincell.batches.batches import Batch, Batches
from twincell.config import AugmentSettings
from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.data.window import frame
from twincell.io.points import write_points
from twincell.models.components.density_loss import density_loss
from twincell.models.density_network.settings import LossSettings

SIZES = [(128, 128), (200, 170), (90, 240), (60, 70)]
SETTINGS = {"batch.size": 8, "synthetic.source": "none", "batch.density": 32, "batch.density_sigma": 0.0}


def dotted(size: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """A dark image with a bright 3 x 3 spot at each place."""
    image = np.full(size, 40, np.uint8)
    for x, y in points.astype(int):
        image[y - 1 : y + 2, x - 1 : x + 2] = 250
    return image


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Images of four sizes with 5 marked cells each, one with none, one with a count alone."""
    rng, rows, points = np.random.default_rng(0), [], []
    for k, size in enumerate([*SIZES, (128, 128), (100, 120)]):
        own = np.stack([rng.permutation(np.arange(12, size[axis] - 12, 7))[:5] + 0.5 for axis in (1, 0)], 1)
        own = own[: 5 if k != 4 else 0]
        Image.fromarray(dotted(size, own)).save(tmp_path / f"{k}.png")
        rows.append({"image": f"{k}.png", "count": {4: 0.0, 5: 5.0}.get(k), "split": "train"})
        points += [{"image": f"{k}.png", "x": x, "y": y} for x, y in own if k < 4]
    table = pd.DataFrame(rows).assign(modality="pc", origin="natural")
    Manifest(table, tmp_path).write(tmp_path)
    write_points(tmp_path, pd.DataFrame(points))
    return tmp_path


def test_places_become_counts_and_blanked_counts_hide_them(marked: Path) -> None:
    manifest = Manifest.read(marked)
    assert manifest.table["count"].tolist() == [5, 5, 5, 5, 0, 5]
    assert manifest.table["chamber"].tolist() == [f"{k}.png" for k in range(6)]
    assert manifest.points.groupby("image").size().tolist() == [5] * 4
    manifest.table.loc[1, "count"] = np.nan
    assert set(manifest.points["image"]) == {"0.png", "2.png", "3.png"}
    assert ImageStore.load(manifest, progress=False).placed.tolist() == [True, False, True, True, True, False]


def test_the_target_of_natural_images_is_where_their_cells_are_seen(marked: Path) -> None:
    store = ImageStore.load(Manifest.read(marked), progress=False)
    batches = Batches(store, toy_settings().changed(SETTINGS | {"augment": {}}))
    seen = 0
    for step in range(6):
        batch = batches.make(step)
        assert batch.density is not None
        known = ~batch.density.isnan().flatten(1).any(1)
        assert torch.equal(batch.density[known].sum((1, 2, 3)), batch.counts[known])
        assert batch.counts[~known].eq(5).all()  # a count alone: the whole image is in view
        spots = torch.nn.functional.max_pool2d((batch.images > 0.9).float(), 4)
        assert bool((spots[known][batch.density[known] > 0] == 1).all())
        seen += int(batch.counts[known].sum())
    assert seen > 50


def test_points_move_as_a_picture_of_them_does() -> None:
    points = torch.rand(24, 1, 2, generator=torch.Generator().manual_seed(1)) * 50 + 39
    grid = torch.arange(128) + 0.5
    across, down = (torch.exp(-((grid - points[..., axis, None]) ** 2) / 8) for axis in (0, 1))
    picture = torch.einsum("nky,nkx->nyx", down, across)[:, None]
    every = {"flips": True, "quarter_turns": True, "rotation": 30, "crop": 0.8, "scale": 0.2, "shift": 0.1}
    for settings in ({name: value} for name, value in every.items()):
        result = augment(picture, torch.Generator().manual_seed(2), AugmentSettings(**settings), points)
        assert result.points is not None
        brightest = result.images.flatten(1).argmax(1)
        seen = torch.stack([brightest % 128, brightest // 128], 1) + 0.5
        inside = ((result.points[:, 0] > 4) & (result.points[:, 0] < 124)).all(1)
        assert int(inside.sum()) > 12
        assert (result.points[inside, 0] - seen[inside]).abs().max() <= 1.0


def test_a_window_shows_what_its_points_say() -> None:
    images = torch.zeros(40, 1, 200, 90, dtype=torch.uint8)
    images[:, 0, 150, 20] = 255
    sizes, points = torch.tensor([[200, 90]]).expand(40, 2), torch.tensor([[[20.5, 150.5]]]).expand(40, 1, 2)
    framed = frame(images, sizes, points, ImageSpec(), 128, torch.Generator().manual_seed(0))
    inside = ((framed.points >= 0) & (framed.points < 128)).all(-1)[:, 0]
    assert 0 < int(inside.sum()) < 40
    assert torch.equal(framed.images.flatten(1).max(1).values == 1, inside)
    x, y = framed.points[inside, 0].floor().long().T
    assert framed.images[inside, 0, y, x].eq(1).all()
    assert len(set(y.tolist())) > 10


def test_images_with_a_count_alone_are_shrunk_together(marked: Path) -> None:
    (marked / "points.csv").unlink()
    manifest = Manifest.read(marked)
    manifest.table["count"] = 5.0
    store = ImageStore.load(manifest, progress=False)
    fitted = store.fitted(128)
    assert fitted.scale == 128 / 240
    assert fitted.sizes.max() == 128
    assert fitted.sizes[1].tolist() == [round(200 * 128 / 240), round(170 * 128 / 240)]
    assert store.fitted(240).scale == 1
    each = store.fitted(128, resize=True)
    assert each.images.shape == (6, 1, 128, 128)
    assert each.scale == 1


def test_the_loss_supervises_places_of_both_origins() -> None:
    truth = torch.zeros(3, 1, 4, 4)
    truth[0], truth[1, 0, 0, 0] = torch.nan, 1
    batch = Batch(
        torch.zeros(3, 1, 16, 16),
        torch.tensor([2.0, 1, 0]),
        torch.tensor([True, True, False]),
        torch.ones(3),
        truth,
    )
    settings = LossSettings(count=0, drawn_count=0, density=2)
    guess = torch.full((3, 1, 4, 4), 0.5)
    expected = 2 * ((15 * 0.25 + 0.25) + 16 * 0.25) / 2
    assert float(density_loss(guess, batch, settings).density) == pytest.approx(expected)


def test_16_bit_images_keep_their_levels(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 4096, (100, 130), dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    write_spec(tmp_path, ImageSpec(dtype="uint16", range=(0, 4095)))
    row = {"image": "a.png", "count": 1.0, "split": "train", "modality": "pc", "origin": "natural"}
    Manifest(pd.DataFrame([row]), tmp_path).write(tmp_path)
    store = ImageStore.load(Manifest.read(tmp_path), progress=False)
    assert torch.equal(store.images[0, 0], torch.from_numpy(levels.astype(np.float32)))
    assert float(store.spec.scale(store.images).max()) == pytest.approx(levels.max() / 4095)
