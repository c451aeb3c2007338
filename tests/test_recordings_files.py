"""Every kind of microscope file: axes declared or stated, pixel size and interval kept."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from recording_toys import write_ome
from twincell.data.recordings import Reading, Recording, open_recordings
from twincell.data.recordings.readers.base import FrameError
from twincell.errors import UserError

H, W = 20, 30


def numbered(*sizes: int, dtype: type = np.uint8) -> np.ndarray:
    """A stack in which every picture differs: picture k counts up from k."""
    n = int(np.prod(sizes))
    ramp = np.arange(H * W).reshape(H, W) % 50
    return (ramp + np.arange(n).reshape(*sizes, 1, 1)).astype(dtype)


def read_all(recording: Recording) -> np.ndarray:
    return np.stack([recording.read(i) for i in range(len(recording))])


def only(*paths: Path, **how: Any) -> Recording:
    (recording,) = open_recordings(paths, Reading(**how))
    return recording


# -- TIFF --------------------------------------------------------------------------------------------


def test_ome_tiff_says_all_itself(tmp_path: Path) -> None:
    stack = numbered(7)
    recording = only(write_ome(tmp_path / "night.ome.tif", list(stack)))
    assert (recording.name, recording.axes, recording.axes_from) == ("night", "TYX", "OME metadata")
    assert recording.pixel_size_um == pytest.approx(0.65)
    assert recording.interval_min == pytest.approx(10)
    assert recording.hours() == pytest.approx([t / 6 for t in range(7)])
    np.testing.assert_array_equal(read_all(recording), stack)


def test_several_positions_channels_and_planes(tmp_path: Path) -> None:
    stack = numbered(4, 2, 3)  # T C Z
    path = tmp_path / "tcz.ome.tif"
    names = {"Channel": {"Name": ["phase", "gfp"]}}
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TCZYX", **names})
    with pytest.raises(UserError, match=r"2 channels \(phase, gfp\).*--channel") as fault:
        only(path)
    assert "--z" in str(fault.value)
    np.testing.assert_array_equal(read_all(only(path, channel=2, z=3)), stack[:, 1, 2])
    with pytest.raises(UserError, match="--channel 5 is not there"):
        only(path, channel=5, z=1)

    with tifffile.TiffWriter(tmp_path / "p.ome.tif", ome=True) as file:
        for p in range(3):
            file.write(stack[:, p % 2, p], photometric="minisblack", metadata={"axes": "TYX"})
    positions = open_recordings([tmp_path / "p.ome.tif"])
    assert [r.name for r in positions] == ["p-p1", "p-p2", "p-p3"]
    for p, recording in enumerate(positions):
        np.testing.assert_array_equal(read_all(recording), stack[:, p % 2, p])


def test_axes_that_nobody_states_are_asked_for_and_never_guessed(tmp_path: Path) -> None:
    stack = numbered(5)
    tifffile.imwrite(tmp_path / "plain.tif", stack, photometric="minisblack", metadata=None)
    with pytest.raises(UserError, match=r"does not say what its 3 dimensions \(5 x 20 x 30\) are.*--axes"):
        only(tmp_path / "plain.tif")
    recording = only(tmp_path / "plain.tif", axes="tyx", pixel_size_um=0.5, interval_min=15)
    assert (recording.axes, recording.axes_from) == ("TYX", "--axes")
    assert (recording.pixel_size_um, recording.interval_min) == (0.5, 15)
    np.testing.assert_array_equal(read_all(recording), stack)


def test_axes_against_the_file_need_a_second_word(tmp_path: Path) -> None:
    """ImageJ calls slices what are times."""
    stack = numbered(5)
    tifffile.imwrite(tmp_path / "z.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(UserError, match="5 focal planes"):
        only(tmp_path / "z.tif")
    with pytest.raises(UserError, match=r"disagree: T \(time\) against Z \(focal plane\).*--override-axes"):
        only(tmp_path / "z.tif", axes="TYX")
    recording = only(tmp_path / "z.tif", axes="TYX", override_axes=True)
    assert "against the file's ImageJ metadata ZYX" in recording.axes_from
    np.testing.assert_array_equal(read_all(recording), stack)


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ("TQX", "unknown axis Q"),
        ("TTX", "more than once"),
        ("XYT", "does not end in YX"),
        ("TZYX", "names 4 dimensions, the file has 3"),
    ],
)
def test_axes_that_cannot_be(tmp_path: Path, axes: str, says: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", numbered(5), photometric="minisblack", metadata=None)
    with pytest.raises(UserError, match=says):
        only(tmp_path / "a.tif", axes=axes)


def test_imagej_keeps_size_and_interval(tmp_path: Path) -> None:
    facts = {"axes": "TYX", "finterval": 300.0, "unit": "um"}
    tifffile.imwrite(tmp_path / "ij.tif", numbered(4), imagej=True, resolution=(2.0, 2.0), metadata=facts)
    recording = only(tmp_path / "ij.tif")
    assert recording.pixel_size_um == pytest.approx(0.5)
    assert recording.interval_min == pytest.approx(5)


def test_large_imagej_stacks_in_one_block_are_read_picture_by_picture(tmp_path: Path) -> None:
    stack = numbered(9, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "big.tif", stack, imagej=True, metadata={"axes": "TYX"}, contiguous=True)
    np.testing.assert_array_equal(read_all(only(tmp_path / "big.tif")), stack)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_number_types_and_compressions(tmp_path: Path, dtype: type, compression: str | None) -> None:
    stack = numbered(3, dtype=dtype) * (16 if dtype == np.uint16 else 1)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", compression=compression, metadata={"axes": "TYX"})
    recording = only(path)
    assert recording.dtype == dtype
    np.testing.assert_array_equal(read_all(recording), stack)


def test_colour_becomes_luma(tmp_path: Path) -> None:
    colour = np.zeros((3, H, W, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 200, 100, 50
    tifffile.imwrite(tmp_path / "c.tif", colour, photometric="rgb", metadata={"axes": "TYXS"})
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert (read_all(only(tmp_path / "c.tif")) == luma).all()


def test_clock_of_the_file_shows_dropped_frames(tmp_path: Path) -> None:
    seconds = [0, 600, 1200, 3000, 3600, 4200]  # two frames are missing between the third and the fourth
    plane = {"DeltaT": seconds, "DeltaTUnit": ["s"] * 6}
    recording = only(write_ome(tmp_path / "gap.ome.tif", list(numbered(6)), Plane=plane))
    assert recording.hours() == pytest.approx([s / 3600 for s in seconds])
    assert list(recording.gaps()) == [(3, 4, 2)]


def test_a_page_cut_short_is_a_fault_of_one_frame(tmp_path: Path) -> None:
    stack = numbered(5)
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", compression="zlib", metadata={"axes": "TYX"})
    with tifffile.TiffFile(path) as file:
        at, n = file.pages[2].dataoffsets[0], file.pages[2].databytecounts[0]
    data = bytearray(path.read_bytes())
    data[at : at + n] = bytes(n)
    path.write_bytes(data)
    recording = only(path)
    with pytest.raises(FrameError, match=r"page 3 of cut\.tif"):
        recording.read(2)
    np.testing.assert_array_equal(recording.read(3), stack[3])


# -- folders -----------------------------------------------------------------------------------------


def save(folder: Path, names: list[str], stack: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in zip(names, stack, strict=True):
        Image.fromarray(picture).save(folder / name)
    return folder


def test_a_folder_of_single_images_with_positions_and_a_gap(tmp_path: Path) -> None:
    stack = numbered(6)
    names = [f"xy{p:02}t{t}.png" for p in (1, 2) for t in (8, 9, 11)]
    recordings = open_recordings([save(tmp_path / "my night", names, stack)], Reading(interval_min=30))
    assert [r.name for r in recordings] == ["my_night-xy01", "my_night-xy02"]
    assert [f.number for f in recordings[1].frames] == [8, 9, 11]
    assert recordings[1].missing == [10]
    assert recordings[1].hours() == [0, 0.5, 1.5]
    assert recordings[0].axes_from == "file names"
    np.testing.assert_array_equal(read_all(recordings[1]), stack[3:])


def test_names_described_by_the_user(tmp_path: Path) -> None:
    folder = save(tmp_path / "f", ["a1-7.png", "a2-7.png", "a1-8.png"], numbered(3))
    recordings = open_recordings([folder], Reading(names="a{T}-{P}.png"))
    assert {r.name: [f.number for f in r.frames] for r in recordings} == {"f-xy07": [1, 2], "f-xy08": [1]}


def test_one_image_of_another_size_or_unreadable_is_a_fault_of_that_frame(tmp_path: Path) -> None:
    folder = save(tmp_path / "f", [f"t{t}.png" for t in range(6)], numbered(6))
    Image.new("L", (5, 5)).save(folder / "t2.png")
    (folder / "t4.png").write_text("nothing")
    recording = only(folder)
    with pytest.raises(FrameError, match="is 5 x 5 px, the others are 30 x 20"):
        recording.read(2)
    with pytest.raises(FrameError, match="unreadable"):
        recording.read(4)


def test_a_folder_of_stacks_and_two_files_of_one_name(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_ome(tmp_path / folder / "night.ome.tif", list(numbered(3)))
    assert [r.name for r in open_recordings([tmp_path / "a"])] == ["night"]
    both = open_recordings([tmp_path / "a", tmp_path / "b"])
    assert [r.name for r in both] == ["night-1", "night-2"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.tif", "is missing"),
        ("empty", "holds no image"),
        ("notes.txt", "of a kind that is not read"),
        ("broken.tif", "cannot be read as TIFF"),
        ("broken.nd2", "cannot be read as ND2"),
        ("bare.zarr", "cannot be opened as Zarr"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(tmp_path: Path, name: str, says: str) -> None:
    for needed, extra in ((".nd2", "nd2"), (".zarr", "zarr")):
        if name.endswith(needed):
            pytest.importorskip(extra)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare.zarr").mkdir()
    for file in ("notes.txt", "broken.tif", "broken.nd2"):
        (tmp_path / file).write_text("no picture")
    with pytest.raises(UserError, match=says) as fault:
        open_recordings([tmp_path / name])
    assert len(fault.value.problems) == 1
    assert "\n" not in fault.value.problems[0]


# -- OME-Zarr ----------------------------------------------------------------------------------------


def write_ome_zarr(path: Path, stack: np.ndarray, version: str) -> Path:
    """An OME-Zarr image as the specification lays it out, with one picture per chunk."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
    chunks = (*[1] * (stack.ndim - 2), *stack.shape[-2:])
    array = group.create_array("0", shape=stack.shape, chunks=chunks, dtype=stack.dtype)
    array[...] = stack
    axes = [
        {"name": "t", "type": "time", "unit": "minute"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    scale = [{"type": "scale", "scale": [20.0, 1.0, 0.65, 0.65]}]
    ome: dict[str, Any] = {
        "multiscales": [
            {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}], "version": "0.4"}
        ],
        "omero": {"channels": [{"label": "phase"}, {"label": "gfp"}]},
    }
    group.attrs.update(ome if version == "0.4" else {"ome": {"version": version, **ome}})
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_read_chunk_by_chunk(tmp_path: Path, version: str) -> None:
    stack = numbered(6, 2, dtype=np.uint16)
    path = write_ome_zarr(tmp_path / "night.ome.zarr", stack, version)
    with pytest.raises(UserError, match=r"2 channels \(phase, gfp\)"):
        only(path)
    recording = only(path, channel=1)
    assert (recording.name, recording.axes, recording.axes_from) == ("night", "TCYX", "OME metadata")
    assert (recording.pixel_size_um, recording.interval_min) == (0.65, 20)
    np.testing.assert_array_equal(read_all(recording), stack[:, 0])


def test_a_plain_zarr_array_needs_axes(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    stack = numbered(4)
    array = zarr.open_array(str(tmp_path / "a.zarr"), mode="w", shape=stack.shape, dtype=stack.dtype)
    array[...] = stack
    with pytest.raises(UserError, match="does not say what its 3 dimensions"):
        only(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_all(only(tmp_path / "a.zarr", axes="TYX")), stack)


# -- ND2 and CZI: only their makers write these, so stand-ins take the place of the reading packages ---


class StandInNd2:
    """What `nd2.ND2File` offers, over an array T, P, C, Y, X."""

    stack = numbered(3, 2, 2, dtype=np.uint16)

    def __init__(self, path: Path) -> None:
        self.sizes = {"T": 3, "P": 2, "C": 2, "Y": H, "X": W}
        channel = [SimpleNamespace(channel=SimpleNamespace(name=n), volume=SimpleNamespace(
            axesCalibrated=(True, True, False))) for n in ("phase", "gfp")]  # fmt: skip
        self.metadata = SimpleNamespace(channels=channel)
        parameters = SimpleNamespace(periodMs=600_000)
        self.experiment = [SimpleNamespace(type="TimeLoop", parameters=parameters)]

    def voxel_size(self) -> SimpleNamespace:
        return SimpleNamespace(x=0.65)

    def read_frame(self, place: int) -> np.ndarray:
        return self.stack[divmod(place, 2)]

    def frame_metadata(self, place: int) -> SimpleNamespace:
        taken = SimpleNamespace(relativeTimeMs=1000.0 + 600_000 * (place // 2))
        return SimpleNamespace(channels=[SimpleNamespace(time=taken)])

    def close(self) -> None: ...


def test_nd2_positions_times_and_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nd2")
    module.ND2File = StandInNd2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nd2", module)
    (tmp_path / "night.nd2").write_bytes(b"")
    recordings = open_recordings([tmp_path / "night.nd2"], Reading(channel=2))
    assert [r.name for r in recordings] == ["night-p1", "night-p2"]
    assert recordings[0].axes == "TPCYX"
    assert (recordings[0].pixel_size_um, recordings[0].interval_min) == (0.65, 10)
    assert recordings[0].hours() == pytest.approx([0, 1 / 6, 1 / 3])
    np.testing.assert_array_equal(read_all(recordings[1]), StandInNd2.stack[:, 1, 1])


def test_the_stand_in_offers_nothing_that_nd2_does_not() -> None:
    nd2 = pytest.importorskip("nd2")
    offered = {"sizes", "metadata", "experiment", "voxel_size", "read_frame", "frame_metadata", "close"}
    assert offered <= set(dir(nd2.ND2File))


class StandInCzi:
    """What the `Reader` of bioio-czi offers, over two scenes of an array T, C, Z, Y, X."""

    stack = numbered(2, 3, 1, 1)
    scenes = ("one", "two")

    def __init__(self, path: Path) -> None:
        self.dims, self.shape = SimpleNamespace(order="TCZYX"), (3, 1, 1, H, W)
        self.physical_pixel_sizes = SimpleNamespace(X=0.4)
        self.channel_names = ["phase"]

    def set_scene(self, scene: str) -> None:
        self.scene = self.scenes.index(scene)

    def get_image_dask_data(self, order: str, T: int, C: int, Z: int) -> SimpleNamespace:  # noqa: N803
        return SimpleNamespace(compute=lambda: self.stack[self.scene, T, C, Z])


def test_czi_scenes_are_positions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bioio_czi")
    module.Reader = StandInCzi  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio_czi", module)
    (tmp_path / "night.czi").write_bytes(b"")
    recordings = open_recordings([tmp_path / "night.czi"])
    assert [r.name for r in recordings] == ["night-p1", "night-p2"]
    assert recordings[0].pixel_size_um == 0.4
    np.testing.assert_array_equal(read_all(recordings[1]), StandInCzi.stack[1, :, 0, 0])


@pytest.mark.parametrize(
    ("file", "module", "cure"),
    [
        ("a.nd2", "nd2", "pip install 'twincell[nd2]'"),
        ("a.zarr", "zarr", "pip install 'twincell[zarr]'"),
        ("a.czi", "bioio_czi", "pip install bioio bioio-czi"),
    ],
)
def test_a_reader_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, module: str, cure: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # importing it now fails as where it is missing
    (tmp_path / file).mkdir() if file.endswith("zarr") else (tmp_path / file).write_bytes(b"")
    with pytest.raises(UserError) as fault:
        open_recordings([tmp_path / file])
    assert cure in str(fault.value)
    assert len(fault.value.problems) == 1


def test_the_package_itself_needs_no_reader() -> None:
    """Extras stay extras: importing the room loads none of them."""
    assert importlib.util.find_spec("twincell.data.recordings.sources") is not None
    code = "import sys, twincell.data.recordings.sources as s; print({'nd2', 'zarr'} & set(sys.modules))"
    import subprocess

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
