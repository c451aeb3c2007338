"""Image files and names of any content: what cannot be read is a fault of that file, the folder goes on."""

import io
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from helpers.hostile import flipped, refused, words
from twincell.data.read_all import read_all
from twincell.errors import UserError
from twincell.io.filenames import missing_numbers, names_apart, natural_key, number_files, word
from twincell.io.images import read_pixels
from twincell.io.readers import is_image_file
from twincell.io.readers.base import FrameError
from twincell.io.reading import Reading
from twincell.io.recordings import open_recordings


def written(**how: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.arange(3 * 6 * 5, dtype=np.uint8).reshape(3, 6, 5), **how)  # type: ignore[arg-type]
    return file.getvalue()


KINDS = {
    "plain": written(photometric="minisblack"),
    "ome": written(ome=True, metadata={"axes": "TYX", "PhysicalSizeX": 0.5, "TimeIncrement": 60}),
    "imagej": written(
        imagej=True, metadata={"axes": "TYX", "finterval": 60, "unit": "um"}, resolution=(2, 2)
    ),
    "shaped": written(metadata={"axes": "TYX"}),
    "big": written(bigtiff=True, photometric="minisblack"),
    "packed": written(compression="zlib", photometric="minisblack"),
}
SAID = {
    "ome": [
        b'SizeT="3"',
        b'SizeX="5"',
        b'PhysicalSizeX="0.5"',
        b'TimeIncrement="60"',
        b"XYCZT",
        b"</Pixels>",
    ],
    "imagej": [b"frames=3", b"images=3", b"finterval=60", b"unit=um"],
    "shaped": [b"[3, 6, 5]"],
}


@st.composite
def tiffs(draw: st.DrawFn) -> bytes:
    """A TIFF with other words in its description, or other bytes anywhere."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    data = KINDS[kind]
    for part in SAID.get(kind, []):
        if draw(st.integers(0, 3)) == 0:
            other = draw(st.binary(max_size=len(part)) | st.integers().map(lambda n: str(n).encode()))
            keep = draw(st.integers(0, len(part)))
            data = data.replace(part, (part[:keep] + other)[: len(part)].ljust(len(part)))
    return draw(flipped(data)) if draw(st.booleans()) else data


@given(data=tiffs())
def test_any_tiff_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "stack.tif"
    path.write_bytes(data)
    for loose in (False, True):
        refused(lambda loose=loose: load_all(path, loose))
    refused(lambda: read_pixels(path))


def load_all(path: Path, loose: bool) -> None:
    for recording in open_recordings([path], Reading(loose=loose)):
        for frame in list(recording.frames)[:20]:
            with suppress(FrameError):
                frame.load()
        recording.hours()
        recording.close()


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("imagej", b"finterval=60", b"finterval=6\x01"),
        ("ome", b'SizeT="3"', b'SizeT="x"'),
        ("ome", b'SizeX="5"', b'SizeX="0"'),
        ("ome", b"</Pixels>", b"</Pixel>>"),
        ("ome", b'SizeT="3"', b'SizeT=9" '),
        ("imagej", b"frames=3", b"frames=0"),
        ("shaped", b"[3, 6, 5]", b"[0, 6, 5]"),
    ],
)
def test_a_damaged_header_leaves_the_rest_of_the_folder(
    tmp_path: Path, kind: str, old: bytes, new: bytes
) -> None:
    assert old in KINDS[kind]
    (tmp_path / "a.tif").write_bytes(KINDS["imagej"])
    (tmp_path / "b.tif").write_bytes(KINDS[kind].replace(old, new))
    reading = Reading(loose=True, axes="TYX", override_axes=True)
    names = [Path(r.source).name for r in open_recordings([tmp_path], reading)]
    assert "a.tif" in names
    assert "b.tif" in names or refused(lambda: load_all(tmp_path / "b.tif", False)) is not None


NAMES = st.lists(
    (words | st.from_regex(r"[a-z_]{0,4}[0-9²٣]{0,25}[a-z]{0,2}[0-9]{0,3}", fullmatch=True)).map(
        lambda name: name.replace("/", "_").replace("\0", "_") + ".png"
    ),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip
PATTERNS = (
    st.none()
    | st.sampled_from(["*{T}", "{P}_{T}", "{T}{T}", "{", "(", "{T}.png", "[", "*" * 30 + "{T}"])
    | words
)


@given(names=NAMES, pattern=PATTERNS)
def test_any_names_are_numbered_or_refused(names: list[str], pattern: str | None) -> None:
    paths = [Path(name) for name in names]
    sorted(paths, key=natural_key)
    refused(lambda: number_files(paths, "folder", pattern))
    made = names_apart([word(name) for name in names])
    assert len(set(made)) == len(names)


def test_a_number_that_no_table_holds_is_refused() -> None:
    names = [Path(f"img_{n}.png") for n in (1, 2, 2**63)]
    with pytest.raises(UserError, match="longer than any count"):
        number_files(names, "folder")


def test_numbers_far_apart_are_no_gap_of_a_million_million_frames() -> None:
    assert missing_numbers([1, 2, 10**15]) == []
    assert missing_numbers([1, 2, 4]) == [3]


def test_digits_that_are_no_numbers_are_letters() -> None:
    paths = [Path("2²3.png"), Path("2²10.png")]
    assert natural_key(paths[0]) < natural_key(paths[1])


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a\0b.png", "x/" * 3000 + "a.png"])
def test_names_that_no_file_can_have_are_missing_files(tmp_path: Path, name: str) -> None:
    assert not is_image_file(tmp_path / name)
    (found,) = read_all([tmp_path / name], [0], progress=False)
    assert "a" in found.what
    assert refused(lambda: open_recordings([tmp_path / name])) is not None


# -- what only looks like an image -----------------------------------------------------------------


def enormous() -> bytes:
    """A small TIFF whose header says 300,000 x 300,000 pixels."""
    data = bytearray(written(compression="zlib", photometric="minisblack", metadata=None))
    (start,) = struct.unpack("<I", data[4:8])
    (tags,) = struct.unpack("<H", data[start : start + 2])
    for at in range(start + 2, start + 2 + 12 * tags, 12):
        if struct.unpack("<H", data[at : at + 2])[0] in (256, 257, 278):
            data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 300_000)
    return bytes(data)


def test_a_header_that_asks_for_all_memory_is_refused_before_any_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "t2.tif"
    path.write_bytes(enormous())
    with pytest.raises(UserError, match="300,000 x 300,000 pixels, more than any camera gives"):
        read_pixels(path)
    (tmp_path / "t1.tif").write_bytes(written(photometric="minisblack"))
    for loose in (True, False):
        refused(lambda loose=loose: load_all(tmp_path, loose))


def test_a_pipe_among_the_images_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t1.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "t0.png")
    with pytest.raises(UserError, match="is a pipe or a device, no file"):
        read_pixels(tmp_path / "t1.png")
    (recording,) = open_recordings([tmp_path], Reading(loose=True))
    assert recording.frames[0].load().shape == (8, 8)
    with pytest.raises(FrameError, match="is a pipe or a device"):
        recording.frames[1].load()


def test_links_that_lead_nowhere_or_to_themselves_are_faults_of_their_frame(tmp_path: Path) -> None:
    (tmp_path / "t0.png").symlink_to(tmp_path / "t0.png")
    (tmp_path / "t1.png").symlink_to(tmp_path / "nowhere.png")
    (recording,) = open_recordings([tmp_path], Reading(loose=True))
    for frame in recording.frames:
        with pytest.raises(FrameError):
            frame.load()
