"""Manifests, points and counts of any content end in a result or in sentences, never in a traceback."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from helpers.hostile import flipped, refused, words
from twincell.counting.inputs import Choices, gather
from twincell.data.check import inspect
from twincell.data.manifest import Manifest
from twincell.io.points import read_points
from twincell.series.growth.options import GrowthOptions
from twincell.series.growth.request import read_job
from twincell.series.growth.results import write_growth

HEAD = [
    "image",
    "count",
    "split",
    "modality",
    "origin",
    "chamber",
    "frame",
    "time_h",
    "page",
    "points",
    "flag",
]
GOOD = {
    "image": ["a.png", "b.png", "none.png"], "count": ["", "3", "0"], "split": ["train", "val", "test"],
    "modality": ["bf", "pc"], "origin": ["natural", "synthetic"], "chamber": ["", "A", "B"],
    "frame": ["", "0", "1", "2"], "time_h": ["", "0.5"], "page": ["", "0"], "points": ["", "p.csv"],
    "flag": [""],
}  # fmt: skip


def text(header: list[str], rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return file.getvalue().encode(errors="replace")


@st.composite
def tables(draw: st.DrawFn, good: dict[str, list[str]]) -> bytes:
    header = draw(st.lists(st.sampled_from(list(good)), min_size=1, max_size=len(good)) | st.just(list(good)))
    cell = {name: st.sampled_from(good[name]) | st.sampled_from(good[name]) | words for name in good}
    rows = draw(st.lists(st.tuples(*(cell[name] for name in header)).map(list), max_size=5))
    made = text(header, rows)
    return draw(flipped(made)) if draw(st.integers(0, 3)) == 0 else made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(made / name)
    (made / "p.csv").write_text("image,x,y\na.png,1,1\n")
    return made


@given(data=tables(GOOD))
def test_any_manifest_is_read_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "manifest.csv"
    path.write_bytes(data)
    inspect(path, folder / "check.json")
    refused(lambda: Manifest.read(path).write(folder / "again" / "manifest.csv"))
    refused(lambda: gather([path], Choices()))


POINTS = {
    "image": ["a.png"], "page": ["", "0"], "x": ["1", "2.5"], "y": ["1"], "label": ["", "dead"],
    "xmin": ["1"], "xmax": ["3"], "ymin": ["1"], "ymax": ["4"], "axis-0": ["0"], "axis-1": ["2"],
}  # fmt: skip


@given(data=tables(POINTS))
def test_any_table_of_points_is_read_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "cells.csv"
    path.write_bytes(data)
    refused(lambda: read_points(path))


COUNTS = {
    "chamber": ["A", "B"], "frame": ["0", "1", "2", "3"], "time_h": ["", "0", "1", "2"],
    "count": ["1", "4", ""],
    "count_frame": ["1", "4", ""], "flag": ["", "blurred"], "image": ["a.png"], "medium": ["x", "y"],
    "count_low": ["1"], "count_high": ["9"],
}  # fmt: skip


@example(data=b"chamber,frame,count,flag\nA,0,1,\nA,0," + b"9" * 400 + b",\n", by=None)
@example(data=b"chamber,frame,count,flag\nA,0,1,\nA,0, ,\n", by=None)
@example(data=b"chamber,frame,count,flag\nA,1e300,1,\n", by=None)
@given(data=tables(COUNTS), by=st.sampled_from([None, "medium"]))
def test_any_counts_are_judged_before_growth_is_fitted(folder: Path, data: bytes, by: str | None) -> None:
    path = folder / "counts.csv"
    path.write_bytes(data)
    refused(lambda: read_job(path, GrowthOptions(by=by)))


def test_growth_of_odd_counts_ends(tmp_path: Path) -> None:
    """Chambers of one frame, of a huge count and of none, fitted in one go."""
    (tmp_path / "counts.csv").write_text(
        "chamber,frame,time_h,count,flag\nA,0,0,1,\nB,0,0,1e300,\nB,1,1,0,\nC,0,0,,\nC,1,0,2,\n[b]x[/q],0,0,3,\n"
    )
    options = GrowthOptions(plots="none")
    refused(lambda: write_growth(tmp_path / "counts.csv", tmp_path / "out", options))
