"""The count said in words, and where the cells are: points, regions, pictures and films."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.counting.positions import places
from twincell.counting.result import cells
from twincell.io.points import read_points
from twincell.models import METHODS


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    return str(fake_model(tmp_path / "run"))


def map_of(*cells: tuple[float, float]) -> np.ndarray:
    """(32, 32): a cell's worth of density round each (x, y)."""
    own = np.zeros((32, 32))
    for x, y in cells:
        own[int(y), int(x)] += 1
    return gaussian_filter(own, 1.0, mode="constant")


def test_cells_apart_are_found_where_they_are() -> None:
    truth = np.array([(4, 4), (4, 11), (20, 9), (28, 28), (15, 22)])
    found = places(map_of(*truth), 5) * 32 - 0.5
    distance = np.linalg.norm(found[:, None] - truth[None], axis=2)
    assert sorted(distance.argmin(1)) == [0, 1, 2, 3, 4]
    assert distance.min(1).max() < 0.3


def test_two_cells_on_one_peak_are_two_places() -> None:
    found = places(map_of((10, 10), (13, 10)), 2) * 32 - 0.5
    assert found[:, 0].min() < 11 < 12 < found[:, 0].max()
    assert np.abs(found[:, 1] - 10).max() < 0.5


def test_none_and_more_than_the_map_says() -> None:
    assert places(map_of((5, 5)), 0).shape == (0, 2)
    assert places(np.zeros((8, 8)), 3).shape == (3, 2)
    many = places(map_of((5, 5)), 4)
    assert ((many >= 0) & (many <= 1)).all()


def test_singular_and_plural() -> None:
    assert cells(1.2, 1, 2) == "1 cell (1 to 2)"
    assert cells(12.4, 11, 13) == "12 cells (11 to 13)"
    assert cells(0.0, 0, 0) == "0 cells (0 to 0)"
    assert cells(float("nan"), 1, 2) == "not counted"


def test_the_count_of_one_image_is_printed(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = write_chamber(tmp_path / "a", [12])
    assert run(["count", model, str(one), "--modality", "pc", "--out", str(tmp_path / "one.csv")]) == 0
    assert "12 cells (" in capsys.readouterr().out
    write_chamber(tmp_path / "b", [1, 2], "t{}.png")
    assert run(["count", model, str(tmp_path / "b"), "--out", str(tmp_path / "b.csv")]) == 0
    assert "2 frames in 1 chamber counted" in capsys.readouterr().out
    assert run(["count", model, str(tmp_path / "b"), "--single", "--out", str(tmp_path / "c.csv")]) == 0
    assert "2 images counted" in capsys.readouterr().out


def test_places_go_out_as_points_regions_pictures_and_film(model: str, tmp_path: Path) -> None:
    images = write_chamber(tmp_path / "night", [3, 4, 4, 6], "t{}.png")
    out = {
        name: tmp_path / "made" / file
        for name, file in (("points", "p.csv"), ("rois", "r.zip"), ("overlays", "look"), ("film", "f.gif"))
    }
    asked = ["count", model, str(tmp_path / "night"), "--modality", "pc", "--out", str(tmp_path / "c.csv")]
    assert run([*asked, *(word for name, file in out.items() for word in (f"--{name}", str(file)))]) == 0
    counts = pd.read_csv(tmp_path / "c.csv")["count"].round().astype(int).tolist()

    points = read_points(out["points"])
    assert points.groupby("image").size().tolist() == counts
    for image, path in zip(sorted(points["image"].unique()), images, strict=True):
        assert (out["points"].parent / image).resolve() == path.resolve()
        white = np.argwhere(np.asarray(Image.open(path)) == 255)[:, ::-1] + 0.5
        own = points.loc[points["image"] == image, ["x", "y"]].to_numpy()
        near = np.linalg.norm(own[:, None] - white[None], axis=2).min(1)
        assert np.median(near) < 8  # an element of the map is 8 px wide

    regions = read_points(out["rois"])
    assert regions.groupby("page").size().tolist() == counts
    assert np.allclose(np.sort(regions["x"]), np.sort(points["x"]), atol=0.01)

    pictures = sorted(out["overlays"].iterdir())
    assert [p.name for p in pictures] == [f"night-{i:05}.png" for i in range(4)]
    orange = (np.asarray(Image.open(pictures[0])) == (255, 122, 26)).all(-1)
    assert orange.any()
    with Image.open(out["film"]) as film:
        assert film.n_frames == 4


def test_places_of_a_larger_image_are_in_its_own_pixels(model: str, tmp_path: Path) -> None:
    image = np.full((256, 256), 30, np.uint8)
    image[200:204, 40:44] = 255
    tifffile.imwrite(tmp_path / "a.tif", image)
    asked = ["count", model, str(tmp_path / "a.tif"), "--out", str(tmp_path / "c.csv")]
    assert run([*asked, "--points", str(tmp_path / "p.csv")]) == 0
    first = read_points(tmp_path / "p.csv").iloc[0]
    assert (first["x"], first["y"]) == pytest.approx((42, 202), abs=12)


def test_what_cannot_be_written_is_refused_before_the_count(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chamber(tmp_path / "night", [3, 4], "t{}.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    asked = ["count", model, str(tmp_path / "night"), "--out", str(tmp_path / "c.csv")]
    assert run([*asked, "--rois", str(tmp_path / "r.csv"), "--overlays", str(tmp_path / "full")]) == 2
    said = capsys.readouterr().err
    assert "ends in .zip" in said
    assert "exists already" in said
    assert not (tmp_path / "c.csv").exists()
