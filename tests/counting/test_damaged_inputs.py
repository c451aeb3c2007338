"""A recording with damage in it is counted to its end: damaged frames flagged, nothing else changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.models import METHODS

pytestmark = pytest.mark.usefixtures("fake_method")
GOOD = 60


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


def _cut(share: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return damage


def _flip_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)


def _save(pixels: np.ndarray, tiff: bool = False) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        if tiff:  # by another name, as happens: what a file is shows in its first bytes
            tifffile.imwrite(path.with_suffix(".x"), pixels, photometric="minisblack")
            path.with_suffix(".x").replace(path)
        else:
            Image.fromarray(pixels).save(path)

    return damage


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


NAN = np.full((128, 128), 0.5, np.float32)
NAN[3, 4] = np.nan
INFINITE = np.where(np.isnan(NAN), np.inf, NAN)
DAMAGE: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: path.unlink(),
    "no bytes": lambda path: path.write_bytes(b""),
    "one byte": lambda path: path.write_bytes(b"\x89"),
    "header only": _cut(0.01),
    "cut in half": _cut(0.5),
    "last bytes gone": _cut(0.9),
    "bytes zeroed": _flip_bytes,
    "text": lambda path: path.write_text("no picture at all"),
    "web page": lambda path: path.write_text("<html>404 not found</html>"),
    "zeros": lambda path: path.write_bytes(bytes(9000)),
    "a folder": _folder,
    "too wide": _save(np.zeros((128, 140), np.uint8)),
    "too high": _save(np.zeros((90, 60), np.uint8)),
    "colour": _save(np.dstack([chamber_image(3)] * 3)),
    "transparent": _save(np.dstack([chamber_image(3)] * 4)),
    "16-bit": _save(chamber_image(3).astype(np.uint16) * 257),
    "float": _save(chamber_image(3).astype(np.float32), tiff=True),
    "NaN": _save(NAN, tiff=True),
    "infinite": _save(INFINITE, tiff=True),
    "broken TIFF": lambda path: path.write_bytes(b"II*\0" + bytes(40)),
    "printer's colours": lambda path: Image.new("CMYK", (128, 128)).save(path, "JPEG"),
}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A manifest of one chamber that grows from 3 to 12 cells."""
    counts = [3 + frame * 9 // GOOD for frame in range(GOOD)]
    paths = write_chamber(tmp_path / "data" / "images", counts)
    rows = [(f"images/{p.name}", "", "test", "pc", "natural", "night", i) for i, p in enumerate(paths)]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "data" / "manifest.csv", index=False)
    return tmp_path / "data"


def test_twenty_kinds_of_damage_are_flagged_and_nothing_else_changes(recording: Path, tmp_path: Path) -> None:
    model = str(fake_model(tmp_path / "run"))
    assert run(["count", model, str(recording), "--out", str(tmp_path / "whole.csv")]) == 0
    hurt = {2 * i + 1: kind for i, kind in enumerate(DAMAGE)}
    for frame, kind in hurt.items():
        DAMAGE[kind](recording / "images" / f"t{frame:03d}.png")
    assert run(["count", model, str(recording), "--out", str(tmp_path / "hurt.csv")]) == 0
    whole, found = pd.read_csv(tmp_path / "whole.csv"), pd.read_csv(tmp_path / "hurt.csv")

    assert len(DAMAGE) >= 20
    damaged = found["frame"].isin(list(hurt))
    unflagged = [hurt[frame] for frame in found["frame"][damaged & found["flag"].isna()]]
    assert unflagged == []
    assert found["flag"][damaged].str.startswith("unreadable: ").all()
    assert found["count_frame"][damaged].isna().all()
    same = ["chamber", "frame", "time_h", "image", "count_frame", "flag"]
    pd.testing.assert_frame_equal(found.loc[~damaged, same], whole.loc[~damaged, same], check_dtype=False)
    assert (found["count"] - whole["count"]).abs().max() < 1  # the neighbours fill the gap
    assert found["count"].notna().all()


def test_strict_names_every_damaged_frame_and_counts_nothing(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for frame, kind in enumerate(DAMAGE):
        DAMAGE[kind](recording / "images" / f"t{frame:03d}.png")
    out = tmp_path / "counts.csv"
    args = ["count", str(fake_model(tmp_path / "run")), str(recording), "--strict", "--out", str(out)]
    assert run(args) == 2
    told = capsys.readouterr().err
    for frame, kind in enumerate(DAMAGE):
        assert f"t{frame:03d}.png" in told, kind
    assert "t030.png" not in told
    assert not out.exists()


def test_a_recording_of_which_nothing_can_be_read_is_an_error(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (recording / "images").iterdir():
        path.write_text("lost")
    out = tmp_path / "counts.csv"
    assert run(["count", str(fake_model(tmp_path / "run")), str(recording), "--out", str(out)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "run"]


def test_a_stack_cut_short_is_counted_as_far_as_it_goes(tmp_path: Path) -> None:
    stack = np.stack([chamber_image(4, seed=n) for n in range(20)])
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TYX"}, compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        at, size = tif.pages[7].dataoffsets[0], tif.pages[7].databytecounts[0]
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    args = ["count", str(fake_model(tmp_path / "run")), str(path), "--out", str(tmp_path / "counts.csv")]
    assert run(args) == 0
    table = pd.read_csv(tmp_path / "counts.csv")
    assert table["frame"][table["flag"].notna()].tolist() == [8]  # the eighth of a stack, from 1
    assert table["count_frame"].drop(7).tolist() == [4.0] * 19


def test_a_table_with_wrong_cells_is_refused_before_anything_is_counted(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_csv(recording / "manifest.csv", dtype=str)
    table.loc[3, "count"], table.loc[5, "frame"] = "abc", "-2"
    table.to_csv(recording / "manifest.csv", index=False)
    (recording / "images" / "t000.png").unlink()
    out = tmp_path / "counts.csv"
    assert run(["count", str(fake_model(tmp_path / "run")), str(recording), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert "'abc'" in told
    assert "'-2'" in told
    assert not out.exists()
