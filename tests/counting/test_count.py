"""`twincell count`, driven as a user drives it, on a model whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import twincell
from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.counting import count
from twincell.counting.inputs import Choices, gather
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.simulate.recordings import recording

pytestmark = pytest.mark.usefixtures("fake_method")
COLUMNS = ["chamber", "frame", "time_h", "image", "count", "count_frame", "lower", "upper", "flag"]
COUNTS = [1, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 6]


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(fake_model(tmp_path / "run"))


def counted(model: str, *args: object) -> pd.DataFrame:
    """Runs the command; the table it wrote."""
    assert run(["count", model, *map(str, args)]) == 0
    out = Path(str(args[args.index("--out") + 1]))
    return pd.read_csv(out, keep_default_na=True)


def test_a_folder_of_numbered_pictures_is_a_time_lapse(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chamber(tmp_path / "night", COUNTS, "t{}.png")  # t10 sorts after t9, not after t1
    (tmp_path / "night" / "notes.txt").write_text("no picture")
    table = counted(model, tmp_path / "night", "--minutes", 30, "--out", tmp_path / "counts.csv")
    told = capsys.readouterr().out

    assert list(table.columns) == COLUMNS
    assert table["count_frame"].tolist() == COUNTS
    assert table["frame"].tolist() == list(range(12))
    assert table["time_h"].tolist() == [frame / 2 for frame in range(12)]
    assert set(table["chamber"]) == {"night"}
    assert ((table["lower"] <= table["count"]) & (table["count"] <= table["upper"])).all()
    assert table["flag"].isna().all()
    assert "12 images read as one time-lapse, by their names frames 0 to 11" in told
    assert "skipped notes.txt" in told


def test_pictures_whose_names_say_nothing_are_counted_each_for_itself(model: str, tmp_path: Path) -> None:
    paths = [p for n in range(3) for p in write_chamber(tmp_path, [n + 2], f"xy{n}t{{}}.png")]
    paths += write_chamber(tmp_path, [9], "other.png")
    table = counted(model, *paths, "--out", tmp_path / "counts.csv")

    assert table["count"].tolist() == [9, 2, 3, 4]
    assert table["chamber"].isna().all()
    # the model's spread is 0.3 cells: 90 % of a normal distribution lie within 1.645 of these
    assert (table["count"] - table["lower"]).tolist() == [0, 0, 0, 0]


def test_single_keeps_a_numbered_folder_apart(model: str, tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [9, 1, 9])
    table = counted(model, tmp_path / "night", "--single", "--out", tmp_path / "counts.csv")
    assert table["count"].tolist() == [9, 1, 9]


@pytest.mark.parametrize("kind", ["ome", "imagej", "declared", "compressed", "one page", "xyt"])
def test_stacks_are_read_by_axes_that_somebody_states(
    model: str, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    path, axes = tmp_path / "stack.tif", ["--axes", "TYX"]
    if kind == "ome":
        path, axes = tmp_path / "stack.ome.tif", []
        step = {"axes": "TYX", "TimeIncrement": 15.0, "TimeIncrementUnit": "min"}
        tifffile.imwrite(path, stack, ome=True, metadata=step)
    elif kind == "imagej":
        axes = []
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX", "finterval": 900.0})
    elif kind == "xyt":
        axes = ["--axes", "XYT"]
        tifffile.imwrite(path, np.ascontiguousarray(stack.transpose(2, 1, 0)), photometric="minisblack")
    elif kind == "one page":
        axes = ["--override-axes", "--axes", "TYX"]  # a volume, by the file's own word
        tifffile.imwrite(path, stack, volumetric=True, tile=(1, 64, 64))
    else:
        compression = "zlib" if kind == "compressed" else None
        tifffile.imwrite(path, stack, photometric="minisblack", compression=compression)
    table = counted(model, path, *axes, "--out", tmp_path / "counts.csv")

    assert table["count_frame"].tolist() == COUNTS
    assert set(table["chamber"]) == {"stack"}
    assert f"axes {axes[-1] if axes else 'TYX'}" in capsys.readouterr().out
    if kind in ("ome", "imagej"):
        assert table["time_h"].tolist() == pytest.approx([frame / 4 for frame in range(12)])


def test_axes_are_never_guessed(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None)
    tifffile.imwrite(tmp_path / "b.tif", stack, imagej=True)  # ImageJ calls an unnamed axis channels
    tifffile.imwrite(tmp_path / "c.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    out = ["--out", str(tmp_path / "counts.csv")]
    assert run(["count", model, *(str(tmp_path / f"{n}.tif") for n in "abc"), *out]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert "does not say what its 3 dimensions (12 x 128 x 128) are" in told[0]
    assert "has 12 channels; choose one with --channel" in told[1]
    assert "has 12 focal planes; choose one with --z" in told[2]
    assert run(["count", model, str(tmp_path / "c.tif"), "--axes", "TYX", *out]) == 2
    assert "disagree: T (time) against Z (focal plane)" in capsys.readouterr().err
    for axes in ("TZYX", "TTX", "TQX", "T"):
        assert run(["count", model, str(tmp_path / "a.tif"), "--axes", axes, *out]) == 2
        assert axes in capsys.readouterr().err
    assert not (tmp_path / "counts.csv").exists()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = []
    for chamber in ("a", "b"):
        for frame, path in enumerate(write_chamber(tmp_path / "data" / chamber, COUNTS)):
            image = str(path.relative_to(tmp_path / "data"))
            rows.append((image, "", "test", "pc", "natural", chamber, frame, frame * 0.25))
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame", "time_h"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "data" / "manifest.csv", index=False)
    return tmp_path / "data"


def _change(manifest: Path, where: str, **values: object) -> None:
    table = pd.read_csv(manifest / "manifest.csv")
    for column, value in values.items():
        table[column] = table[column].astype(object)
        table.loc[table.eval(where), column] = value
    table.to_csv(manifest / "manifest.csv", index=False)


def test_a_manifest_is_counted_by_its_own_chambers_and_times(
    model: str, manifest: Path, tmp_path: Path
) -> None:
    table = counted(model, manifest, "--out", tmp_path / "counts.csv")
    assert table["chamber"].tolist() == ["a"] * 12 + ["b"] * 12
    assert table["time_h"].tolist() == [frame / 4 for frame in range(12)] * 2
    assert table["count_frame"].tolist() == COUNTS * 2
    assert table["image"].tolist() == Manifest.read(manifest).table["image"].tolist()


def test_counted_frames_correct_their_time_lapse_and_no_other(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(fake_model(tmp_path / "blind", gain=0.6))  # counts too few by 40 %
    plain = counted(model, manifest, "--out", tmp_path / "plain.csv")
    for frame in (3, 6, 10):
        _change(manifest, f"chamber == 'a' and frame == {frame}", count=COUNTS[frame])
    helped = counted(model, manifest, "--out", tmp_path / "helped.csv")
    told = capsys.readouterr().out
    ignored = counted(model, manifest, "--no-counted", "--out", tmp_path / "ignored.csv")

    a = helped["chamber"] == "a"
    truth = pd.Series(COUNTS * 2)
    assert (helped["count"] - truth)[a].abs().mean() < (plain["count"] - truth)[a].abs().mean()
    pd.testing.assert_frame_equal(helped[~a], plain[~a])
    pd.testing.assert_frame_equal(
        helped.drop(columns=["count", "lower", "upper", "flag"]), plain.iloc[:, [0, 1, 2, 3, 5]]
    )
    pd.testing.assert_frame_equal(ignored, plain)
    assert "3 frames counted by a person" in told


def test_another_modality_and_unlike_pictures_are_flagged(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (128, 128), 200).save(manifest / "b" / "t003.png")
    model = str(fake_model(tmp_path / "bf", modality="bf"))
    args = ["--json", tmp_path / "summary.json"]
    table = counted(model, manifest, "--out", tmp_path / "counts.csv", *args)
    summary = json.loads((tmp_path / "summary.json").read_text())

    assert table["flag"].str.contains("other modality").all()
    assert table["flag"].str.contains("unlike training").sum() == 1
    assert summary["flags"]["unlike training"] == 1
    assert summary["frames"] == 24
    assert summary["chambers"] == 2
    assert "unlike" not in str(table["flag"][0])
    assert "look like nothing model fake was trained on" in capsys.readouterr().out


def test_one_chamber_in_two_modalities_is_two_time_lapses_and_drawn_pictures_are_none(
    model: str, manifest: Path, tmp_path: Path
) -> None:
    _change(manifest, "chamber == 'b'", modality="bf", chamber="a")
    _change(manifest, "modality == 'bf' and frame >= 6", origin="synthetic")
    table = counted(model, manifest, "--out", tmp_path / "counts.csv")
    names = table["chamber"].fillna("").value_counts().to_dict()
    assert names == {"a-pc": 12, "a-bf": 6, "": 6}
    listed = gather([manifest], Choices()).table
    assert (listed["series"] == (listed["origin"] == "natural")).all()


def test_square_pictures_of_another_size_are_resized_and_that_is_said(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "big").mkdir()
    for n in range(4):  # one black frame, then white squares of 2 x 2 pixels that shrink to 1
        big = np.kron(chamber_image(n, seed=n), np.ones((2, 2), np.uint8))
        Image.fromarray(big).save(tmp_path / "big" / f"t{n}.png")
    table = counted(model, tmp_path / "big", "--out", tmp_path / "counts.csv")
    assert len(table) == 4
    assert "256 x 256 pixels are resized to 128 x 128" in capsys.readouterr().out


def test_pictures_that_are_not_square_are_refused_with_a_cure(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide").mkdir()
    for n in range(3):
        Image.new("L", (200, 128)).save(tmp_path / "wide" / f"t{n}.png")
    assert run(["count", model, str(tmp_path / "wide"), "--out", str(tmp_path / "counts.csv")]) == 2
    told = capsys.readouterr().err
    assert "200 x 128 pixels, not square" in told
    assert "twincell import stack" in told
    assert not (tmp_path / "counts.csv").exists()


def test_colour_and_16_bit_pictures_are_converted_only_when_asked(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = chamber_image(5)
    (tmp_path / "mixed").mkdir()
    Image.fromarray(grey).convert("RGB").save(tmp_path / "mixed" / "t0.png")
    tifffile.imwrite(tmp_path / "mixed" / "t1.tif", grey.astype(np.uint16) * 257)
    tifffile.imwrite(tmp_path / "mixed" / "t2.tif", grey.astype(np.float32) / 255)
    assert run(["count", model, str(tmp_path / "mixed"), "--out", str(tmp_path / "no.csv")]) == 2
    assert "--convert" in capsys.readouterr().err
    table = counted(model, tmp_path / "mixed", "--convert", "--out", tmp_path / "counts.csv")
    assert table["count_frame"].tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "is missing"),
        ("empty", "holds no image"),
        ("film.nd2", "cannot be read as ND2"),
        ("notes.txt", "of a kind that is not read"),
    ],
)
def test_inputs_that_hold_nothing_to_count(
    model: str, tmp_path: Path, name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for file in ("film.nd2", "notes.txt"):
        (tmp_path / file).write_text("no picture")
    assert run(["count", model, str(tmp_path / name), "--out", str(tmp_path / "counts.csv")]) == 2
    assert says in capsys.readouterr().err


def test_nothing_is_overwritten(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_chamber(tmp_path / "night", COUNTS)
    (tmp_path / "counts.csv").write_text("precious")
    assert run(["count", model, str(tmp_path / "night"), "--out", str(tmp_path / "counts.csv")]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    assert (tmp_path / "counts.csv").read_text() == "precious"


def test_from_python_and_by_name_of_a_subfolder(model: str, tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        write_chamber(tmp_path / "all" / name, COUNTS)
        write_chamber(tmp_path / "again" / name, COUNTS)
    table = count(tmp_path / "all", model, progress=False)
    assert table["chamber"].unique().tolist() == ["p1", "p2"]
    both = count([tmp_path / "all" / "p1", tmp_path / "again" / "p1"], model, progress=False)
    assert both["chamber"].unique().tolist() == ["p1", "p1-2"]
    with pytest.raises(UserError, match="minutes -1"):
        count(tmp_path / "all", model, minutes=-1)


def test_a_shipped_model_by_its_name_gives_a_table_of_pandas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one line a notebook begins with, on drawn chambers, with the model that comes along."""
    monkeypatch.setattr(METHODS, "_modules", {"density_network": "twincell.models.density_network"})
    made = recording("optics-pc", frames=4, seed=2)
    (tmp_path / "folder").mkdir()
    for t, image in enumerate(made.images):
        Image.fromarray(image).save(tmp_path / "folder" / f"t{t}.png")
    table = twincell.count(str(tmp_path / "folder"), model="cho-pc", progress=False).table
    assert type(table) is pd.DataFrame
    assert list(table.columns) == COLUMNS
    assert (table["count"] - made.counts).abs().max() < 1.5
    pd.testing.assert_frame_equal(table, twincell.count(tmp_path / "folder", progress=False).table)
