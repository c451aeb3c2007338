"""Single images numbered any usual way: which number is the time, which the position, channel or plane."""

import time
from pathlib import Path

import pytest

from twincell.errors import UserError
from twincell.io.filenames import missing_numbers, number_files


def numbers(*names: str, pattern: str | None = None) -> list[dict[str, int]]:
    return [f.numbers for f in number_files([Path(n) for n in names], "folder", pattern)]


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["img1.tif", "img2.tif", "img10.tif"], [{"T": 1}, {"T": 2}, {"T": 10}]),
        (["0001.png", "0002.png"], [{"T": 1}, {"T": 2}]),
        (["frame_000.png", "frame_005.png"], [{"T": 0}, {"T": 5}]),
        (["2024-05-17_exp3_t01.tif", "2024-05-17_exp3_t02.tif"], [{"T": 1}, {"T": 2}]),
        (["xy01t001.tif", "xy01t002.tif"], [{"T": 1}, {"T": 2}]),
        (["xy01t001c1.tif", "xy02t001c1.tif"], [{"P": 1}, {"P": 2}]),
        (["nd063xy01t1.tif", "nd063xy01t2.tif", "nd063xy02t1.tif"], [{"P": 1, "T": 1}, {"P": 1, "T": 2},
                                                                     {"P": 2, "T": 1}]),
        (["Pos3_time12_ch00.tif", "Pos3_time13_ch00.tif"], [{"T": 12}, {"T": 13}]),
        (["img_t1_z1.tif", "img_t1_z2.tif"], [{"Z": 1}, {"Z": 2}]),
        (["a_s1_t1.TIF", "a_s2_t1.TIF"], [{"P": 1}, {"P": 2}]),
        (["Series002_0001.tif", "Series002_0002.tif"], [{"T": 1}, {"T": 2}]),
        (["img (1).png", "img (2).png"], [{"T": 1}, {"T": 2}]),
        (["one.png"], [{}]),
    ],
)  # fmt: skip
def test_usual_names(names: list[str], read: list[dict[str, int]]) -> None:
    assert numbers(*names) == read


def test_a_pattern_says_what_names_do_not() -> None:
    names = ["A-1-1.tif", "A-1-2.tif", "A-2-1.tif", "A-2-2.tif"]
    with pytest.raises(UserError, match="do not say which is the time"):
        numbers(*names)
    read = numbers(*names, pattern="A-{P}-{T}.tif")
    assert read == [{"T": t, "P": p} for p in (1, 2) for t in (1, 2)]
    assert numbers("B7x-3.tif", "C1x-4.tif", pattern="*x-{T}") == [{"T": 3}, {"T": 4}]
    with pytest.raises(UserError, match="does not fit --names"):
        numbers(*names, pattern="B-{P}-{T}.tif")
    with pytest.raises(UserError, match="once"):
        numbers(*names, pattern="A-{T}-{T}.tif")


def test_names_that_can_be_read_two_ways_are_refused() -> None:
    with pytest.raises(UserError, match=r"both stand for T 1"):
        numbers("t1.png", "t01.png", "t2.png")
    with pytest.raises(UserError, match="not made alike"):
        numbers("t1.png", "t2.png", "overview.png")


def test_numbers_left_out() -> None:
    assert missing_numbers([1, 2, 4, 5, 8]) == [3, 6, 7]
    assert missing_numbers([0, 5, 10, 20]) == [15]
    assert missing_numbers([3]) == []


def test_a_pattern_of_many_stars_ends_at_once() -> None:
    """A regular expression would go through more ways than there are atoms before it says no."""
    began = time.process_time()
    with pytest.raises(UserError, match="does not fit --names"):
        numbers("a" * 250 + ".png", pattern="*a" * 60 + "{T}.png")
    with pytest.raises(UserError, match="does not fit --names"):
        numbers("1" * 250, pattern="*{T}*{P}*{C}*{Z}*x")
    assert time.process_time() - began < 5
    assert numbers("a1-22.png", "b1-23.png", pattern="*1-{T}.png") == [{"T": 22}, {"T": 23}]
    assert numbers("img12_34.png", pattern="img*{T}.png") == [{"T": 34}]


@pytest.mark.parametrize("pattern", ["img*.png", "{T}{T}", "{"])
def test_a_pattern_names_each_axis_once_and_one_at_least(pattern: str) -> None:
    with pytest.raises(UserError, match=r"use each of \{T\}"):
        numbers("img1.png", pattern=pattern)
