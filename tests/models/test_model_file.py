"""A model file opens to the same counts, and refuses whatever is not quite itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.fake_method import chamber_image, fake_model
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base import file
from twincell.models.base.file import load_card, load_model

pytestmark = pytest.mark.usefixtures("fake_method")


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return fake_model(tmp_path / "run")


IMAGES = np.stack([chamber_image(count, seed=count) for count in (0, 1, 7, 30, 4)])


def test_a_saved_model_counts_the_same_by_any_of_its_names(run_folder: Path) -> None:
    for name in (run_folder, run_folder / "model.safetensors", str(run_folder / "model.json")):
        assert load_model(name).predict(IMAGES).count.tolist() == [0, 1, 7, 30, 4]


def test_bytes_and_floats_and_batches_give_the_same_counts(run_folder: Path) -> None:
    model = load_model(run_folder)
    whole = model.predict(IMAGES)
    seen: list[int] = []
    parts = model.predict(torch.from_numpy(IMAGES)[:, None], batch=2, progress=seen.append)
    floats = model.predict(torch.from_numpy(IMAGES)[:, None].float() / 255)

    assert seen == [2, 2, 1]
    for other in (parts, floats):
        assert torch.equal(other.count, whole.count)
        torch.testing.assert_close(other.density, whole.density)
        torch.testing.assert_close(other.novelty, whole.novelty)
    assert len(model.predict(IMAGES[:0])) == 0


def test_flips_are_part_of_the_model_and_keep_the_map_in_place(tmp_path: Path) -> None:
    plain = load_model(fake_model(tmp_path / "plain")).predict(IMAGES)
    flipped = load_model(fake_model(tmp_path / "flips", flips=True)).predict(IMAGES)
    # this network is blind to mirroring, so four looks must agree with one, map and spread included
    torch.testing.assert_close(flipped.count, plain.count)
    torch.testing.assert_close(flipped.density, plain.density)
    torch.testing.assert_close(flipped.std, plain.std)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((64, 64), np.uint8), "(N, H, W)"),
        (np.zeros((2, 3, 128, 128), np.uint8), "(N, 1, H, W)"),
        (np.full((1, 128, 128), 7.0), "[0, 1]"),
        (np.full((1, 128, 128), np.nan), "[0, 1]"),
        (np.zeros((1, 128, 128), np.int32), "uint8 or float"),
    ],
)
def test_images_it_cannot_count_are_refused(run_folder: Path, images: np.ndarray, says: str) -> None:
    with pytest.raises(UserError) as error:
        load_model(run_folder).predict(images)
    assert says in str(error.value)


def _edit(run_folder: Path, **changes: object) -> None:
    path = run_folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format_version": 99}, "upgrade twincell"),
        ({"format_version": None}, "format None"),
        ({"method": "unheard-of"}, "'unheard-of' is unknown"),
        ({"sha256": "0" * 64}, "checksum"),
        ({"modalities": "pc"}, "modalities"),
        ({"surprise": 1}, "surprise"),
        ({"settings": {"gain": "much"}}, "do not fit"),
    ],
)
def test_a_changed_card_is_refused_in_one_sentence(run_folder: Path, changes: dict, says: str) -> None:
    _edit(run_folder, **changes)
    with pytest.raises(UserError) as error:
        load_model(run_folder)
    assert len(error.value.problems) == 1
    assert says in str(error.value)
    assert "model" in str(error.value)


def test_damaged_weights_are_refused(run_folder: Path) -> None:
    weights = run_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(UserError, match="checksum"):
        load_model(run_folder)


def test_a_card_that_is_no_json_is_refused(run_folder: Path) -> None:
    (run_folder / "model.json").write_text("{")
    with pytest.raises(UserError, match="not a model card"):
        load_card(run_folder)


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "meta"])
def test_a_device_that_is_not_there_is_refused(run_folder: Path, device: str) -> None:
    with pytest.raises(UserError, match=f"{device}.*use one of cpu"):
        load_model(run_folder, device)


def test_half_a_model_is_refused(run_folder: Path) -> None:
    (run_folder / "model.json").unlink()
    with pytest.raises(UserError, match=r"model\.json not found"):
        load_model(run_folder)


def test_an_unknown_name_lists_what_there_is(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "SHIPPED", tmp_path / "shipped")
    for name in ("cho-xx", "cho-yy"):
        fake_model(tmp_path / "shipped")
        for suffix in (".safetensors", ".json"):
            (tmp_path / f"shipped/model{suffix}").rename(tmp_path / f"shipped/{name}{suffix}")

    assert load_model("cho-xx").predict(IMAGES[:1]).count.tolist() == [0]
    with pytest.raises(UserError, match="cho-xx, cho-yy"):
        load_model("cho-zz")
    with pytest.raises(UserError, match="no finished model"):
        load_model(tmp_path)


def test_weights_are_written_whole_or_not_at_all(run_folder: Path) -> None:
    """A writer killed in the middle leaves the model that was there."""
    before = load_model(run_folder).card.sha256
    script = (
        "import os, sys, twincell.files as f\n"
        "os.replace = lambda *a: os._exit(9)\n"  # killed after writing, before the rename
        "f.write_atomic(sys.argv[1], b'half')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(run_folder / "model.safetensors")], env=os.environ
    )
    assert done.returncode == 9
    assert load_model(run_folder).card.sha256 == before
