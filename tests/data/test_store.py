"""All images in memory, read once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from twincell.data import read_all as reading
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.io.images import read_grey


def test_images_and_what_is_known_of_each(imported: Path) -> None:
    manifest = Manifest.read(imported)
    store = ImageStore.load(manifest, progress=False)
    assert len(store) == 72
    assert store.images.shape == (72, 1, 128, 128)
    assert store.images.dtype == torch.uint8
    for row in (0, 40, 71):
        np.testing.assert_array_equal(store.images[row, 0].numpy(), read_grey(manifest.paths[row]))
    assert store.counts.dtype == torch.float32
    assert torch.equal(~store.counts.isnan(), torch.tensor(manifest.labelled))
    assert store.natural.all()
    assert store.chambers == manifest.table["chamber"].tolist()
    assert store.frames.tolist() == manifest.table["frame"].tolist()
    assert set(store.modalities) == {"bf", "pc"}


def test_each_file_is_read_once(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def counting(path: Path, page: int, convert: bool) -> np.ndarray:
        seen.append(path)
        return read_grey(path, page)

    monkeypatch.setattr(reading, "read_grey", counting)
    manifest = Manifest.read(imported)
    store = ImageStore.load(manifest, progress=False)
    store.subset([0, 1]).subset(torch.tensor([True, False]))
    assert sorted(seen) == sorted(manifest.paths)


def test_a_subset_by_positions_and_by_mask(imported: Path) -> None:
    store = ImageStore.load(Manifest.read(imported), progress=False)
    part = store.subset([9, 4, 4])
    assert part.frames.tolist() == [store.frames[9], store.frames[4], store.frames[4]]
    assert torch.equal(part.images[1], store.images[4])
    labelled = store.subset(~store.counts.isnan())
    assert len(labelled) == 18
    assert not labelled.counts.isnan().any()
    assert len(labelled.chambers) == len(labelled.modalities) == 18


def test_all_bad_images_are_named_at_once(dataset: Path) -> None:
    manifest = Manifest.read(dataset)
    manifest.paths[3].write_bytes(b"")
    manifest.paths[7].write_text("no image")
    with pytest.raises(UserError) as caught:
        ImageStore.load(manifest, progress=False)
    assert len(caught.value.problems) == 2
    assert str(manifest.paths[3]) in caught.value.problems[0]
    assert str(manifest.paths[7]) in caught.value.problems[1]
