"""Files that need a reader of their own, OME-Zarr, ND2 and CZI: read alike, and named where it is missing."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.recording_toys import HEIGHT, WIDTH, numbered, only, read_all
from twincell.errors import UserError
from twincell.io.recordings import Reading, open_recordings

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
        self.sizes = {"T": 3, "P": 2, "C": 2, "Y": HEIGHT, "X": WIDTH}
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
        self.dims, self.shape = SimpleNamespace(order="TCZYX"), (3, 1, 1, HEIGHT, WIDTH)
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
        ("a.nd2", "nd2", "pip install nd2"),
        ("a.zarr", "zarr", "pip install zarr"),
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
    assert importlib.util.find_spec("twincell.io.recordings") is not None
    code = "import sys, twincell.io.recordings as s; print({'nd2', 'zarr'} & set(sys.modules))"
    import subprocess

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
