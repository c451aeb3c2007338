"""Data sets broken on purpose: the check names each fault, and what cannot work is refused before work."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from twincell.data.check import check, inspect
from twincell.data.cho_k1 import import_cho_k1
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError

Rows = list[dict[str, str]]


def rewrite(folder: Path, change: Callable[[Rows], Any]) -> None:
    """Passes the manifest's rows through `change`, which alters the list in place."""
    path = folder / "manifest.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def cell(row: int, name: str, value: str) -> Callable[[Path], None]:
    """A breaker that writes one cell."""
    return lambda folder: rewrite(folder, lambda rows: rows[row].update({name: value}))


def image(pixels: np.ndarray, suffix: str = ".png") -> Callable[[Path], None]:
    """A breaker that puts these pixels in place of the first image."""

    def breaker(folder: Path) -> None:
        path = folder / f"images/odd{suffix}"
        tifffile.imwrite(path, pixels) if suffix == ".tif" else Image.fromarray(pixels).save(path)
        cell(0, "image", f"images/odd{suffix}")(folder)

    return breaker


def first_image(folder: Path) -> Path:
    return Manifest.read(folder).paths[0]


def cut(folder: Path) -> None:
    path = first_image(folder)
    path.write_bytes(path.read_bytes()[:3000])


def cut_tiff(folder: Path) -> None:
    image(NOISE, ".tif")(folder)
    path = folder / "images/odd.tif"
    path.write_bytes(path.read_bytes()[:9000])


def without_column(folder: Path) -> None:
    rewrite(folder, lambda rows: [row.pop("split") for row in rows])


def header_only(folder: Path) -> None:
    path = folder / "manifest.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")


def semicolons(folder: Path) -> None:
    path = folder / "manifest.csv"
    path.write_text(path.read_text().replace(",", ";"))


def short_line(folder: Path) -> None:
    path = folder / "manifest.csv"
    path.write_text(path.read_text() + "images/a.png,3\n")


def same_picture_in_test(folder: Path) -> None:
    manifest = Manifest.read(folder)
    train, test = manifest.select("train").paths[0], manifest.select("test").paths[0]
    test.write_bytes(train.read_bytes())


NOISE = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
NAN = np.where(NOISE > 250, np.nan, NOISE / 255.0).astype(np.float32)

# What is broken: (how, what is said of it, whether reading the manifest refuses it - else the images do)
ERRORS: dict[str, tuple[Callable[[Path], Any], str, bool]] = {
    "missing file": (lambda folder: first_image(folder).unlink(), "is missing", True),
    "truncated file": (cut, "cannot be read as an image", False),
    "truncated tiff": (cut_tiff, "cannot be read as an image", False),
    "empty file": (lambda folder: first_image(folder).write_bytes(b""), "is empty (0 bytes)", False),
    "no image at all": (lambda folder: first_image(folder).write_text("hello"), "cannot be read", False),
    "wrong size": (image(NOISE[:100, :120]), "is 120 x 100 pixels, not 128 x 128", False),
    "16-bit": (image(NOISE.astype(np.uint16) * 16), "16-bit integer with values 0 to 4080", False),
    "16-bit tiff": (image(NOISE.astype(np.uint16), ".tif"), "16-bit integer with values 0 to 255", False),
    "colour": (image(np.stack([NOISE] * 3, 2)), "is a colour image (3 channels)", False),
    "float": (image(NOISE / np.float32(255), ".tif"), "32-bit float with values 0 to 1", False),
    "NaN": (image(NAN, ".tif"), "pixels that are NaN or infinite", False),
    "page out of range": (cell(0, "page", "7"), "has no page 7", False),
    "page no number": (cell(0, "page", "first"), "page 'first' is not a whole number", True),
    "count a word": (cell(5, "count", "abc"), "count 'abc' is not a number", True),
    "count nan": (cell(5, "count", "nan"), "count 'nan' is not a number", True),
    "count negative": (cell(5, "count", "-3"), "count -3 is negative", True),
    "count not whole": (cell(5, "count", "2.5"), "count 2.5 is not a whole number", True),
    "unknown split": (cell(5, "split", "trian"), "split 'trian' is not known", True),
    "unknown origin": (cell(5, "origin", "real"), "origin 'real' is not known", True),
    "frame no number": (cell(5, "frame", "t05"), "frame 't05' is not a whole number", True),
    "time negative": (cell(5, "time_h", "-1"), "time_h '-1' is not a number of hours", True),
    "blank chamber": (cell(5, "chamber", ""), "chamber is blank", True),
    "blank modality": (cell(5, "modality", " "), "modality is blank", True),
    "blank image": (cell(5, "image", ""), "image is blank", True),
    "duplicate row": (
        lambda folder: rewrite(folder, lambda rows: rows.append(rows[3])),
        "on line 5 already",
        True,
    ),
    "frame twice": (cell(1, "frame", "1"), "frame 1 of chamber bf-1 stands on line 2 already", True),
    "missing column": (without_column, "has no column 'split'", True),
    "no rows": (header_only, "has no rows", True),
    "semicolons": (semicolons, "is separated by semicolons", True),
    "short line": (short_line, "on line 74", True),
    "empty manifest": (lambda folder: (folder / "manifest.csv").write_text(""), "is empty", True),
    "no manifest": (lambda folder: (folder / "manifest.csv").unlink(), "manifest.csv: is missing", True),
    "not text": (lambda folder: (folder / "manifest.csv").write_bytes(b"\xff\xfe\x00"), "is not UTF-8", True),
}


def flat(folder: Path) -> None:
    Image.fromarray(np.full((128, 128), 90, np.uint8)).save(first_image(folder))


def no_training_label(folder: Path) -> None:
    rewrite(folder, lambda rows: [row.update(count="") for row in rows])


def same_picture_twice(folder: Path) -> None:
    paths = Manifest.read(folder).select("train").paths
    paths[1].write_bytes(paths[0].read_bytes())


def label_jumps(folder: Path) -> None:
    def change(rows: Rows) -> None:
        next(row for row in rows if row["chamber"] == "pc-07" and row["frame"] == "6")["count"] = "40"

    rewrite(folder, change)


def time_runs_back(folder: Path) -> None:
    rewrite(folder, lambda rows: [row.update(time_h=str(12 - int(row["frame"]))) for row in rows])


def absolute_path(folder: Path) -> None:
    cell(0, "image", str(first_image(folder).resolve()))(folder)


WARNINGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "flat picture": (flat, "is flat, each pixel is 90"),
    "no training label": (no_training_label, "has no labelled training image"),
    "same picture twice": (same_picture_twice, "one and the same picture"),
    "label jumps": (label_jumps, "count 40 between"),
    "time runs back": (time_runs_back, "time_h goes from 11 to 10 between frames 1 and 2 of chamber bf-1"),
    "absolute path": (absolute_path, "is an absolute path"),
    "test near labels": (lambda folder: None, "test frames lie a median of"),
}


def test_a_sound_data_set_has_no_errors(imported: Path) -> None:
    report = inspect(imported)
    assert report.errors == []
    assert report.summary is not None
    assert report.summary["labelled"] == 18
    assert sum(part["images"] for part in report.summary["parts"]) == report.summary["images"] == 72
    assert len(report.summary["per_chamber"]) == 6


@pytest.mark.parametrize("kind", ERRORS)
def test_each_error_is_named_alone_and_refused_before_work(dataset: Path, kind: str) -> None:
    breaker, said, on_reading = ERRORS[kind]
    breaker(dataset)
    errors = [fault for fault in check(dataset) if fault.severity == "error"]
    assert len(errors) == 1
    assert said in errors[0].sentence()
    assert errors[0].cure
    assert str(dataset) in errors[0].where
    if on_reading:
        with pytest.raises(UserError) as caught:
            Manifest.read(dataset)
    else:
        manifest = Manifest.read(dataset)
        with pytest.raises(UserError) as caught:
            ImageStore.load(manifest, progress=False)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", WARNINGS)
def test_each_oddity_is_a_warning_and_no_error(dataset: Path, kind: str) -> None:
    breaker, said = WARNINGS[kind]
    breaker(dataset)
    faults = check(dataset)
    assert any(said in fault.what for fault in faults)
    assert all(fault.severity == "warning" for fault in faults)
    assert len(ImageStore.load(Manifest.read(dataset), progress=False)) == 72


def test_one_picture_in_train_and_test_is_an_error(dataset: Path) -> None:
    same_picture_in_test(dataset)
    errors = [fault for fault in check(dataset) if fault.severity == "error"]
    assert [fault.what for fault in errors] == ["one and the same picture in several splits"]
    assert "(train)" in errors[0].where
    assert "(test)" in errors[0].where


def test_many_faults_are_told_together(dataset: Path) -> None:
    last = Manifest.read(dataset).paths[-1]
    image(NOISE[:64, :64])(dataset)
    cell(7, "count", "abc")(dataset)
    cell(8, "count", "-1")(dataset)
    cell(9, "split", "trian")(dataset)
    last.unlink()
    said = "\n".join(fault.sentence() for fault in check(dataset))
    for part in (
        "line 9: count 'abc'",
        "line 10: count -1",
        "line 11: split 'trian'",
        "64 x 64",
        "is missing",
    ):
        assert part in said
    with pytest.raises(UserError) as caught:
        Manifest.read(dataset)
    assert len(caught.value.problems) == 4


def test_a_mistake_in_each_row_is_said_once(dataset: Path) -> None:
    rewrite(dataset, lambda rows: [row.update(split="Train") for row in rows])
    with pytest.raises(UserError) as caught:
        Manifest.read(dataset)
    assert len(caught.value.problems) == 1
    assert "and 62 more: split 'Train' is not known" in caught.value.problems[0]
    assert len(check(dataset)) == 72


@pytest.mark.slow
@pytest.mark.real
def test_the_real_data_is_sound(real_cho_k1: Path, tmp_path: Path) -> None:
    import_cho_k1(real_cho_k1, tmp_path / "out", progress=False)
    report = inspect(tmp_path / "out")
    assert report.errors == []
    assert report.summary is not None
    assert [report.summary[name] for name in ("images", "labelled", "chambers")] == [6239, 490, 21]
    assert len(report.warnings) == 1
    assert "a median of 3 frames" in report.warnings[0].what
