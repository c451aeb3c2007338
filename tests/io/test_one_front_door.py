"""One recording as TIFF, ND2 and Zarr: counted and imported with equal pixels and times; a format added."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from helpers.fake_method import chamber_image, fake_model
from helpers.recording_toys import bf_field, film
from twincell.cli import run
from twincell.errors import UserError
from twincell.io.readers import FORMATS, Format, format_of
from twincell.io.readers.base import FrameError, Stack
from twincell.io.recordings import Reading, open_recordings
from twincell.models import METHODS

COUNTS = [1, 2, 2, 3, 4, 4]
MINUTES = 10
FAKED: dict[str, NDArray[Any]] = {}


class FakeNd2:
    """What `nd2.ND2File` offers, over an array T, Y, X: nobody but Nikon writes ND2."""

    def __init__(self, path: Path) -> None:
        self.stack = FAKED[Path(path).name]
        self.sizes = dict(zip("TYX", self.stack.shape, strict=True))
        channel = SimpleNamespace(name="phase")
        volume = SimpleNamespace(axesCalibrated=(True, True, False))
        self.metadata = SimpleNamespace(channels=[SimpleNamespace(channel=channel, volume=volume)])
        loop = SimpleNamespace(periodMs=MINUTES * 60_000)
        self.experiment = [SimpleNamespace(type="TimeLoop", parameters=loop)]
        self.attributes = SimpleNamespace(bitsPerComponentSignificant=self.stack.dtype.itemsize * 8)

    def voxel_size(self) -> SimpleNamespace:
        return SimpleNamespace(x=0.65)

    def read_frame(self, place: int) -> NDArray[Any]:
        return self.stack[place]

    def frame_metadata(self, place: int) -> SimpleNamespace:
        raise ValueError("no clock in this file")

    def close(self) -> None: ...


@pytest.fixture
def nd2_faked(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nd2")
    module.ND2File = FakeNd2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nd2", module)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    return str(fake_model(tmp_path / "run"))


def write(path: Path, stack: NDArray[Any]) -> Path:
    """The stack (T, H, W) in the format of the suffix, 10 minutes between frames, 0.65 um pixels."""
    if path.suffix == ".nd2":
        path.write_bytes(b"")
        FAKED[path.name] = stack
    elif path.suffix == ".zarr":
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(str(path), mode="w", zarr_format=2)
        array = group.create_array("0", shape=stack.shape, chunks=(1, *stack.shape[1:]), dtype=stack.dtype)
        array[...] = stack
        units = (("t", "minute"), ("y", "micrometer"), ("x", "micrometer"))
        scale = [{"type": "scale", "scale": [MINUTES, 0.65, 0.65]}]
        group.attrs["multiscales"] = [
            {
                "axes": [{"name": name, "unit": unit} for name, unit in units],
                "datasets": [{"path": "0", "coordinateTransformations": scale}],
            }
        ]
    else:
        facts = {"axes": "TYX", "finterval": MINUTES, "tunit": "minute", "unit": "um"}
        tifffile.imwrite(path, stack, imagej=True, resolution=(1 / 0.65, 1 / 0.65), metadata=facts)
    return path


def counted(model: str, path: Path, *args: str) -> pd.DataFrame:
    """Counts one file by the command; the table it wrote."""
    out = path.with_name(path.name + ".csv")
    assert run(["count", model, str(path), *args, "--out", str(out)]) == 0
    return pd.read_csv(out)


@pytest.mark.usefixtures("nd2_faked")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_nd2_and_zarr_are_counted_alike(model: str, tmp_path: Path, dtype: type) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS]).astype(dtype)
    stack = stack * 257 if dtype == np.uint16 else stack
    files = [write(tmp_path / f"night.{suffix}", stack) for suffix in ("tif", "nd2", "zarr")]
    tables = [counted(model, file).drop(columns="image") for file in files]
    assert tables[0]["count_frame"].tolist() == COUNTS
    assert tables[0]["time_h"].tolist() == pytest.approx([t * MINUTES / 60 for t in range(6)], abs=1e-4)
    assert set(tables[0]["chamber"]) == {"night"}
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


@pytest.mark.usefixtures("nd2_faked")
def test_tiff_nd2_and_zarr_are_imported_alike(tmp_path: Path) -> None:
    stack = np.stack(film(bf_field(), 5).frames)
    seen = []
    for suffix in ("tif", "nd2", "zarr"):
        (file,) = open_recordings([write(tmp_path / f"night.{suffix}", stack)])
        np.testing.assert_array_equal([file.read(t) for t in range(5)], stack)
        out = tmp_path / suffix
        args = ["import", "stack", str(tmp_path / f"night.{suffix}"), "--modality", "bf", "--out", str(out)]
        assert run(args) == 0
        table = pd.read_csv(out / "manifest.csv")
        pixels = np.stack([np.asarray(Image.open(out / image)) for image in table["image"]])
        seen.append((table, pixels))
    assert seen[0][0]["time_h"].max() == pytest.approx(4 * MINUTES / 60)
    for table, pixels in seen[1:]:
        pd.testing.assert_frame_equal(table, seen[0][0], check_exact=False, rtol=1e-5)
        np.testing.assert_array_equal(pixels, seen[0][1])


def test_positions_become_chambers_and_the_channel_is_chosen(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zarr = pytest.importorskip("zarr")
    stack = np.stack(
        [[[chamber_image(c * 10 + p + t, seed=t) for c in (0, 1)] for t in range(4)] for p in (1, 2)]
    )
    array = zarr.open_array(str(tmp_path / "a.zarr"), mode="w", shape=stack.shape, dtype=stack.dtype)
    array[...] = stack
    asked = ["count", model, str(tmp_path / "a.zarr"), "--axes", "PTCYX", "--out", str(tmp_path / "no.csv")]
    assert run(asked) == 2
    assert "has 2 channels; choose one with --channel" in capsys.readouterr().err
    table = counted(model, tmp_path / "a.zarr", "--axes", "PTCYX", "--channel", "2", "--minutes", "30")
    assert table["chamber"].unique().tolist() == ["a-p1", "a-p2"]
    assert table["count_frame"].tolist() == [11, 12, 13, 14, 12, 13, 14, 15]
    assert table["time_h"].tolist() == [0, 0.5, 1, 1.5] * 2


# -- bit depth -----------------------------------------------------------------------------------------


def test_12_bit_in_16_counts_as_its_8_bit_twin(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    twin = counted(model, write(tmp_path / "8.tif", grey))
    wide = np.round(grey * (4095 / 255)).astype(np.uint16)
    found = counted(model, write(tmp_path / "12.tif", wide))
    assert "12: 12 bit in 16-bit numbers by the frames' highest value, 4095" in capsys.readouterr().out
    for column in ("count", "count_frame", "lower", "upper", "time_h"):
        assert found[column].tolist() == twin[column].tolist(), column

    for t, frame in enumerate(wide):  # the same as single images, and by a manifest
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray(frame).save(tmp_path / "images" / f"t{t}.png")
    rows = [(f"images/t{t}.png", "", "test", "pc", "natural", "night", t) for t in range(len(wide))]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "manifest.csv", index=False)
    assert counted(model, tmp_path / "images")["count_frame"].tolist() == COUNTS
    assert counted(model, tmp_path / "manifest.csv", "--convert")["count_frame"].tolist() == COUNTS


def test_the_depth_is_declared_for_all_frames_and_never_clipped(model: str, tmp_path: Path) -> None:
    grey = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    dim = write(tmp_path / "dim.tif", grey.astype(np.uint16) * 4)  # a 14-bit camera that sees little light
    assert counted(model, dim)["count_frame"].tolist() == COUNTS
    dim.with_name("dim.tif.csv").unlink()
    assert counted(model, dim, "--bit-depth", "14")["count_frame"].tolist() == [0] * 6
    bright = grey.astype(np.uint16) * 16
    bright[3, 0, 0] = 60_000
    table = counted(model, write(tmp_path / "bright.tif", bright))
    assert table["flag"].str.contains("outside 12 bit").tolist()[3]
    assert table["count_frame"].drop(3).tolist() == [1, 2, 2, 4, 4]
    assert run(["count", model, str(dim), "--bit-depth", "7", "--out", str(tmp_path / "no.csv")]) == 2


def test_metadata_names_the_depth(tmp_path: Path) -> None:
    stack = np.full((3, 20, 30), 900, np.uint16) + np.arange(30, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "TYX", "SignificantBits": 12})
    (recording,) = open_recordings([tmp_path / "a.ome.tif"])
    assert recording.depth == (12, "OME metadata")
    (recording,) = open_recordings([tmp_path / "a.ome.tif"], Reading(bit_depth=14))
    assert recording.depth == (14, "--bit-depth")
    assert recording.read(0).dtype == np.uint16


# -- announced against found ---------------------------------------------------------------------------


def cut_in_half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_a_stack_cut_short_has_a_row_for_every_announced_frame(
    model: str, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = np.stack([chamber_image(4, seed=n) for n in range(20)])
    path = tmp_path / "night.tif"
    if kind == "imagej":
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX", "finterval": 600.0})
    else:  # metadata first, as microscopes write it, then page after page
        tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TYX"})
        with tifffile.TiffFile(path) as file:
            xml = (file.ome_metadata or "").encode()
        with tifffile.TiffWriter(path) as writer:
            for t, image in enumerate(stack):
                said = xml if t == 0 else None
                writer.write(image, contiguous=False, metadata=None, description=said)
    table = counted(model, cut_in_half(path))
    assert table["frame"].tolist() == list(range(1, 21))
    lost = table["flag"].fillna("").str.startswith("unreadable: ")
    assert 9 <= lost.sum() <= 11
    assert not lost[: 20 - lost.sum()].any()
    assert (table["count_frame"][~lost] == 4).all()
    assert table["count_frame"][lost].isna().all()
    assert "night.tif: is cut short: its page chain breaks after page" in capsys.readouterr().out
    out = ["--strict", "--out", str(tmp_path / "strict.csv")]
    assert run(["count", model, str(path), *out]) == 2
    assert "which is cut short" in capsys.readouterr().err


def test_a_stack_whose_metadata_is_cut_away_is_never_one_image(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tifffile keeps what it says of the axes at the file's end."""
    stack = np.stack([chamber_image(4, seed=n) for n in range(20)])
    tifffile.imwrite(tmp_path / "night.ome.tif", stack, ome=True, metadata={"axes": "TYX"})
    path = cut_in_half(tmp_path / "night.ome.tif")
    assert run(["count", model, str(path), "--out", str(tmp_path / "no.csv")]) == 2
    told = capsys.readouterr().err
    assert "is cut short" in told
    assert "20 x 128 x 128" in told
    table = counted(model, path, "--axes", "TYX")
    assert len(table) == 20
    assert table["flag"].notna().sum() in (10, 11)


def test_zarr_chunks_that_are_not_there_are_no_black_frames(model: str, tmp_path: Path) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    path = write(tmp_path / "night.zarr", stack)
    for chunk in path.glob("0/2*"):
        chunk.unlink() if chunk.is_file() else [p.unlink() for p in chunk.rglob("*") if p.is_file()]
    table = counted(model, path)
    assert table["frame"][table["flag"].notna()].tolist() == [3]
    assert "is missing" in table["flag"][2]


@pytest.mark.filterwarnings("ignore")
def test_headers_with_wrong_bytes_are_faults_of_their_file(tmp_path: Path) -> None:
    """Numbers, axes, sizes and addresses changed at random: said in a sentence or flagged, never a crash."""
    rng = np.random.default_rng(4)
    stack = np.stack([chamber_image(4, 32, seed=n) for n in range(6)])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TYX", "finterval": 3.0})
    tifffile.imwrite(tmp_path / "b.tif", stack, ome=True, metadata={"axes": "TYX"})
    whole = [(tmp_path / f"{name}.tif").read_bytes() for name in "ab"]
    refused = flagged = 0
    for n in range(40):
        data = bytearray(whole[n % 2])
        for place in rng.integers(4, 400, 3):
            data[place] = rng.choice([0, 48 + n % 10, 255])
        (tmp_path / "hurt.tif").write_bytes(data)
        try:
            (recording,) = open_recordings([tmp_path / "hurt.tif"], Reading(axes="TYX" if n % 3 else None))
        except UserError as fault:
            refused += "hurt.tif" in str(fault)
            continue
        for t in range(min(6, len(recording))):
            try:
                assert recording.read(t).ndim == 2
            except FrameError:
                flagged += 1
        recording.close()
    assert 0 < refused < 40
    assert flagged


# -- a new format --------------------------------------------------------------------------------------


class NpyStack(Stack):
    """NumPy's own files, T, Y, X: the one file that a new format is."""

    own_axes = "TYX"
    axes_from = "NumPy's order"
    interval_min = 10.0

    def __init__(self, path: Path) -> None:
        self.path, self._array = path, np.load(path, mmap_mode="r")
        self.shape = self._array.shape

    def plane(self, axes: str, index: dict[str, int]) -> NDArray[Any]:
        return np.asarray(self._array[index["T"]])


def test_a_new_format_is_one_class_and_one_line(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    np.save(tmp_path / "night.npy", stack)
    assert format_of(tmp_path / "night.npy") is None
    monkeypatch.setattr(
        "twincell.io.readers.FORMATS", [*FORMATS, Format("NumPy", (".npy",), f"{__name__}:NpyStack")]
    )
    (recording,) = open_recordings([tmp_path / "night.npy"])
    np.testing.assert_array_equal(recording.read(3), stack[3])
    table = counted(model, tmp_path / "night.npy")
    assert table["count_frame"].tolist() == COUNTS
    assert table["time_h"].iloc[-1] == pytest.approx(5 / 6, abs=1e-4)


def test_import_keeps_the_bits_and_what_was_noted(tmp_path: Path) -> None:
    stack = np.stack(film(bf_field(), 5).frames).astype(np.uint16) * 16
    write(tmp_path / "night.tif", stack)
    out = tmp_path / "out"
    args = ["import", "stack", str(tmp_path / "night.tif"), "--modality", "bf", "--out", str(out)]
    assert run([*args, "--bit-depth", "12", "--json", str(tmp_path / "s.json")]) == 0
    assert json.loads((out / "recording.json").read_text())["night"]["bits"] == 12
    hints = json.loads((tmp_path / "s.json").read_text())["per_position"]["night"]["hints"]
    assert any("12 bit in 16-bit numbers by --bit-depth" in hint for hint in hints)


def test_frames_of_a_stack_have_one_number_in_counts_and_in_the_import(model: str, tmp_path: Path) -> None:
    stack = np.stack([chamber_image(n, seed=n) for n in COUNTS])
    path = write(tmp_path / "night.ome.tif", stack)
    table = counted(model, path)
    (recording,) = open_recordings([path])
    assert table["frame"].tolist() == [frame.number for frame in recording.frames] == [1, 2, 3, 4, 5, 6]
    assert table["time_h"].tolist() == pytest.approx([k / 6 for k in range(6)], abs=1e-3)
