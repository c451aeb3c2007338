"""Maps from files, hand features, simulated cells, and the verb."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from twincell.cli import run
from twincell.errors import UserError
from twincell.phase.hologram import ball, hologram
from twincell.phase.maps import MapSet, read_classes, read_maps
from twincell.phase.measures import NAMES, measures
from twincell.phase.retrieve import Optics
from twincell.phase.simulate import CLASSES, PIXEL_UM, labelled_cells, round_cells, sperm_cells


def test_npy_tiff_and_hdf5_read_alike(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    maps = round_cells(3, "healthy", 1)
    np.save(tmp_path / "a.npy", maps)
    tifffile.imwrite(tmp_path / "b.tif", maps, photometric="minisblack")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["group/maps"] = maps
    read = read_maps(tmp_path)
    np.testing.assert_array_equal(read.maps, np.concatenate([maps] * 3))
    assert read.labels is None


def test_folders_become_classes(tmp_path: Path) -> None:
    for name, n in (("b", 2), ("a", 1)):
        (tmp_path / name).mkdir()
        for i in range(n):
            np.save(tmp_path / name / f"{i}.npy", round_cells(1, "healthy", i)[0])
    read = read_classes(tmp_path)
    assert read.classes == ("a", "b")
    assert read.labels.tolist() == [0, 1, 1]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    good = round_cells(1, "healthy", 1)[0]
    for name, array in {
        "radians": good / 100, "nan": np.full((48, 48), np.nan), "small": good[:40], "fine": good,
        "line": good[0],
    }.items():  # fmt: skip
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "broken.npy").write_bytes(b"no array")
    with pytest.raises(UserError) as caught:
        read_maps(tmp_path)
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 5
    for words in ("multiply radians", "no numbers", "crop all maps", "cannot be read", "(height, width)"):
        assert words in told


def test_one_class_is_no_choice(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    with pytest.raises(UserError, match="at least two classes"):
        read_classes(tmp_path)


def test_scaling_sets_top_to_one_and_keeps_proportions() -> None:
    maps = np.zeros((1, 32, 32), np.float32)
    maps[0, 8:24, 8:24] = 200
    maps[0, 10, 10] = -30
    seen = MapSet(Path(), maps).scaled(200, 32)
    assert seen.max() == pytest.approx(1)
    assert seen.min() == pytest.approx(-1)  # below -10 % all is one
    assert seen[0, 0, 0, 0] == pytest.approx(2 * 0.1 / 1.1 - 1)


def test_a_seed_draws_the_same_cells() -> None:
    np.testing.assert_array_equal(sperm_cells(3, 5), sperm_cells(3, 5))
    assert not np.array_equal(sperm_cells(3, 5), sperm_cells(3, 6))
    maps, labels = labelled_cells(2, 1)
    assert maps.shape == (6, 48, 48)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_simulated_cells_have_the_sizes_of_cells() -> None:
    found = pd.DataFrame(measures(round_cells(30, "healthy", 3), PIXEL_UM), columns=list(NAMES))
    assert 100 < found["mass_pg"].median() < 250
    assert 10 < 2 * np.sqrt(found["area_um2"].median() / np.pi) < 15
    assert found.notna().all(axis=None)


def test_classes_differ_and_overlap_in_every_single_number() -> None:
    """No feature alone tells any two classes apart as well as all do; some tell something."""
    maps, labels = labelled_cells(40, 3)
    found = measures(maps, PIXEL_UM)
    best = 0.0
    for column in found.T:
        for a in range(len(CLASSES)):
            for b in range(a):
                values = [column[labels == label] for label in (a, b)]
                auc = (values[0][:, None] > values[1]).mean()
                best = max(best, auc, 1 - auc)
    assert 0.7 < best < 0.999


def test_an_even_map_has_no_cell() -> None:
    assert np.isnan(measures(np.zeros((1, 32, 32)), 0.5)).all()


def test_the_verb_writes_maps_and_masses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("qpretrieve")
    optics = Optics(633, 0.15)
    true = ndimage.gaussian_filter(ball(128, 40, 500), 2)
    for name, delay in (("cell", true), ("empty", true * 0)):
        Image.fromarray(np.uint8(100 * hologram(delay, optics))).save(tmp_path / f"{name}.png")
    out, told = tmp_path / "maps", tmp_path / "maps.json"
    words = [
        "phase", str(tmp_path / "cell.png"), "--background", str(tmp_path / "empty.png"),
        "--wavelength", "633", "--pixel", "0.15", "--out", str(out), "--json", str(told),
    ]  # fmt: skip
    assert run(words) == 0
    np.testing.assert_allclose(tifffile.imread(out / "cell.tif"), true, atol=25)
    row = json.loads(told.read_text())[0]
    assert row["mass_pg"] == pytest.approx(true.sum() * 1e-3 * 0.15**2 / 0.18, rel=0.04)
    assert row["diameter_um"] == pytest.approx(2 * 40 * 0.15, rel=0.05)
    assert "cell.tif" in capsys.readouterr().out
    assert run(words[:-2]) == 2  # nothing is overwritten
    assert "holds files already" in capsys.readouterr().err


def test_the_verb_names_faulty_files_before_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "dark.png")
    words = [
        "phase",
        str(tmp_path / "dark.png"),
        str(tmp_path / "none.png"),
        "--wavelength",
        "633",
        "--pixel",
        "1",
    ]
    assert run([*words, "--out", str(tmp_path / "maps")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert not (tmp_path / "maps").exists()
