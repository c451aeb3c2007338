"""TIFF files and folders of images: axes declared or stated, pixel size and interval kept."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from helpers.recording_toys import HEIGHT, WIDTH, numbered, only, read_all, write_ome
from twincell.errors import UserError
from twincell.io.axes import settle_axes
from twincell.io.readers.base import FrameError
from twincell.io.recordings import Reading, open_recordings

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
        ("TCX", r"has no Y \(row\)"),
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
    colour = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
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
    assert [r.name for r in both] == ["night", "night-2"]


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


def test_the_same_axes_in_another_order_disagree_too() -> None:
    with pytest.raises(UserError, match=r"--axes TCYX .* CTYX, disagree: T \(time\) against C"):
        settle_axes("TCYX", "CTYX", "OME metadata", (2, 3, 8, 8), "night.tif")
    assert settle_axes("TCYX", "CTYX", "OME metadata", (2, 3, 8, 8), "night.tif", override=True)[0] == "TCYX"
