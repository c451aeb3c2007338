from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.io.images import read_grey
from twincell.simulate import load_preset, recording, synthesise, write_chambers, write_images
from twincell.simulate.scene import growth_settings, timelapse


def test_a_recording_shows_its_time_lapse() -> None:
    made = recording("optics-pc", 24, seed=1, chamber_id=2)
    life = timelapse("optics-pc", 24, seed=1, chamber_id=2)
    assert made.images.shape == (24, 128, 128)
    assert made.images.dtype == np.uint8
    assert made.counts.tolist() == life.scene.counts.tolist()
    assert np.array_equal(made.time_h, np.arange(24) * 0.5)
    assert np.array_equal(np.isnan(made.centres[..., 0]), ~life.scene.present.numpy())


def test_walls_and_look_stay_while_noise_and_cells_change() -> None:
    made = recording("optics-bf", 20, seed=0, chamber_id=1)
    pictures = made.images.astype(float)
    still = np.median(np.abs(pictures[1:] - pictures[:-1]))
    between = np.abs(pictures[0] - recording("optics-bf", 1, seed=0, chamber_id=3).images[0]).mean()
    assert still <= 3, "grey levels from frame to frame"
    assert between > 8, "chambers look different"
    assert not np.array_equal(made.images[0], made.images[1])


def test_a_longer_recording_begins_like_a_shorter_one() -> None:
    short, long = (recording("optics-bf", n, seed=4).images for n in (5, 21))
    assert np.array_equal(short, long[:5])


def test_both_microscopes_record_the_same_life() -> None:
    growth = growth_settings({"doubling_h": [6, 6], "resting_chambers": 0})
    bright, phase = (recording(p, 30, seed=2, growth=growth) for p in ("optics-bf", "optics-pc"))
    assert bright.counts.tolist() == phase.counts.tolist()
    assert bright.counts[-1] > bright.counts[0]


def test_a_recording_over_a_natural_background_takes_one() -> None:
    grounds = torch.stack([torch.full((1, 128, 128), level) for level in (0.3, 0.8)])
    plain = load_preset("optics-bf", {"look.dirt": 0, "look.camera": {}})
    made = recording(plain, 4, seed=0, backgrounds=grounds)
    levels = np.median(made.images, axis=(1, 2)) / 255
    assert np.allclose(levels, levels[0], atol=0.01)
    assert min(abs(levels[0] - 0.3), abs(levels[0] - 0.8)) < 0.02


@pytest.mark.parametrize("stacks", [False, True])
def test_chambers_are_written_as_a_data_set(tmp_path: Path, stacks: bool) -> None:
    made = write_chambers(
        tmp_path / "sim",
        "optics-pc",
        3,
        9,
        seed=0,
        labelled_every=4,
        test_chambers=1,
        stacks=stacks,
        progress=False,
    )
    read = Manifest.read(tmp_path / "sim")
    pd.testing.assert_frame_equal(read.table, made.table)
    table = read.table
    assert len(table) == 27
    assert table["split"].tolist() == ["train"] * 18 + ["test"] * 9
    train = table[table["split"] == "train"]
    assert train.loc[train["count"].notna(), "frame"].unique().tolist() == [0, 4, 8]
    assert table.loc[table["split"] == "test", "count"].notna().all()
    assert set(table["origin"]) == {"natural"}
    truth = pd.read_csv(tmp_path / "sim" / "truth.csv")
    assert (truth["count"] == table["count"])[table["count"].notna()].all()
    row = 12
    image = read_grey(read.paths[row], int(table["page"][row]))
    chamber, frame = int(table["chamber"][row][-2:]), int(table["frame"][row])
    assert np.array_equal(image, recording("optics-pc", 9, seed=0, chamber_id=chamber).images[frame])


def test_nothing_is_overwritten_and_all_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(UserError, match="holds files already"):
        write_chambers(tmp_path, "optics-bf", 1, 1, seed=0, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    with pytest.raises(UserError) as error:
        write_chambers(
            tmp_path / "new", "optics-bf", 0, 0, seed=0, labelled_every=-1, test_chambers=2, origin="x"
        )
    assert len(error.value.problems) == 5
    assert not (tmp_path / "new").exists()
    with pytest.raises(UserError, match="frames = 0"):
        recording("optics-bf", 0, seed=0)


def test_images_are_written_with_their_truth(tmp_path: Path) -> None:
    summary = write_images(
        tmp_path / "out", "ellipse-pc", 5, seed=3, start=2, counts_plot=True, progress=False
    )
    made = synthesise("ellipse-pc", 5, seed=3, start=2)
    manifest = Manifest.read(tmp_path / "out")
    assert manifest.table["count"].tolist() == made.counts.tolist()
    assert set(manifest.table["origin"]) == {"synthetic"}
    for path, image in zip(manifest.paths, made.images[:, 0], strict=True):
        assert np.array_equal(read_grey(path), (image * 255).round().to(torch.uint8).numpy())
    centres = pd.read_csv(tmp_path / "out" / "centres.csv")
    assert centres.groupby("image").size().tolist() == made.counts.tolist()
    assert np.allclose(centres[["x", "y"]].iloc[0], made.centres[0, 0], atol=1e-3)
    assert summary["counts"] == {
        str(k): int((made.counts == k).sum()) for k in sorted(set(made.counts.tolist()))
    }
    assert summary["mean"] == pytest.approx(float(made.images.mean()), abs=0.003)
    assert summary["std"] == pytest.approx(float(made.images.std()), abs=0.003)
    assert Image.open(tmp_path / "out" / "counts.png").size[0] > 400
