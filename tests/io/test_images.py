"""Image files to grey bytes: what is converted by rule, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from twincell.errors import UserError
from twincell.io.images import read_grey

BYTES = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
FRAMES = np.random.default_rng(1).integers(0, 256, (5, 24, 32), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_grey_bytes_are_kept_exactly(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(BYTES).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_grey(tmp_path / f"a.{suffix}"), BYTES)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(BYTES).save(tmp_path / "a.jpg", "PNG")
    tifffile.imwrite(tmp_path / "b.tif", BYTES)
    (tmp_path / "b.tif").rename(tmp_path / "b.png")
    np.testing.assert_array_equal(read_grey(tmp_path / "a.jpg"), BYTES)
    np.testing.assert_array_equal(read_grey(tmp_path / "b.png"), BYTES)


def test_16_bit_scales_by_its_full_range_when_asked(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        wide = BYTES.astype(np.uint16) * 257
        Image.fromarray(wide).save(tmp_path / name)
        np.testing.assert_array_equal(read_grey(tmp_path / name, convert=True), BYTES)
        with pytest.raises(UserError, match="is 16-bit integer with values 0 to 65535, not 8-bit"):
            read_grey(tmp_path / name)


def test_colour_becomes_luma_when_asked(tmp_path: Path) -> None:
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 200, 100, 50
    Image.fromarray(colour).save(tmp_path / "a.png")
    expected = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert (read_grey(tmp_path / "a.png", convert=True) == expected).all()
    with pytest.raises(UserError, match="colour"):
        read_grey(tmp_path / "a.png")


def test_every_grey_level_in_three_channels_stays_itself(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(np.stack([levels] * 3, 2)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_grey(tmp_path / "a.png", convert=True), levels)


def test_palette_numbers_are_no_brightness(tmp_path: Path) -> None:
    Image.fromarray(BYTES).convert("RGB").quantize(8).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="colour"):
        read_grey(tmp_path / "a.png")


def test_floats_scale_from_one_and_are_refused_outside(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", (BYTES / 255).astype(np.float32))
    np.testing.assert_array_equal(read_grey(tmp_path / "a.tif", convert=True), BYTES)
    tifffile.imwrite(tmp_path / "b.tif", (BYTES / 100).astype(np.float32))
    with pytest.raises(UserError, match=r"values 0 to 2\.5"):
        read_grey(tmp_path / "b.tif", convert=True)


@pytest.mark.parametrize("convert", [False, True])
def test_nan_is_refused_always(tmp_path: Path, convert: bool) -> None:
    pixels = (BYTES / 255).astype(np.float32)
    pixels[0, :3] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    with pytest.raises(UserError, match="holds 3 pixels that are NaN"):
        read_grey(tmp_path / "a.tif", convert=convert)


def test_pages_of_a_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FRAMES)
    np.testing.assert_array_equal(read_grey(tmp_path / "a.tif", page=3), FRAMES[3])
    with pytest.raises(UserError, match=r"has no page 5 \(pages: 5\)"):
        read_grey(tmp_path / "a.tif", page=5)
