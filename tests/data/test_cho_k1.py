"""The published layout to a manifest: what comes out, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twincell.data.cho_k1 import import_cho_k1
from twincell.data.manifest import Manifest
from twincell.data.overview import overview
from twincell.errors import UserError
from twincell.io.images import read_grey


def test_each_row_of_the_tables_becomes_an_image(imported: Path) -> None:
    manifest = Manifest.read(imported)
    assert len(manifest) == 72
    assert manifest.labelled.sum() == 18
    assert manifest.table["chamber"].nunique() == 6
    assert set(manifest.table["chamber"]) == {"bf-1", "bf-2", "bf-4", "pc-01", "pc-07", "pc-13"}
    assert set(manifest.table["origin"]) == {"natural"}
    assert manifest.table["time_h"].isna().all()  # the frame interval is not published


def test_label_zero_is_unlabelled_and_others_are_counts(imported: Path) -> None:
    table = Manifest.read(imported).table.set_index(["chamber", "frame"])
    assert np.isnan(table.loc[("bf-4", 1), "count"])
    assert table.loc[("bf-4", 3), "count"] == 1 + (3 + 4) // 3
    assert "0" not in (imported / "manifest.csv").read_text().splitlines()[1].split(",")[1]


def test_chamber_frame_and_split_come_from_names_and_tables(imported: Path) -> None:
    table = Manifest.read(imported).table.set_index("source")
    row = table.loc["128p_bf/train_set4/nd015_cropKond_ bottom 9t003c1.jpg"]
    assert (row["chamber"], row["frame"], row["split"], row["modality"]) == ("bf-4", 3, "train", "bf")
    row = table.loc["128p_pc/test/nd063_cropxy07t008c1.jpg"]
    assert (row["chamber"], row["frame"], row["split"], row["modality"]) == ("pc-07", 8, "test", "pc")


def test_grey_pixels_are_kept_and_colour_becomes_grey(published: Path, imported: Path) -> None:
    table = Manifest.read(imported).table
    for row in table.groupby("chamber").first().itertuples():
        with Image.open(published / row.source) as original:
            expected = np.asarray(original.convert("L"))
        with Image.open(imported / row.image) as copy:
            assert copy.mode == "L"
        np.testing.assert_array_equal(read_grey(imported / row.image), expected)


def test_labelled_test_rows_are_taken_as_they_are(published: Path, tmp_path: Path) -> None:
    folder = _copy(published, tmp_path)
    table = folder / "128p_pc" / "test.csv"
    table.write_text(table.read_text().replace(",0\n", ",17\n"))
    manifest = import_cho_k1(folder, tmp_path / "out", progress=False)
    test = manifest.select("test").table
    assert (test.loc[test["modality"] == "pc", "count"] == 17).all()
    assert test.loc[test["modality"] == "bf", "count"].isna().all()


def test_one_modality_alone_is_enough(published: Path, tmp_path: Path) -> None:
    folder = _copy(published, tmp_path)
    (folder / "128p_bf").rename(tmp_path / "elsewhere")
    assert set(import_cho_k1(folder, tmp_path / "out", progress=False).table["modality"]) == {"pc"}


def test_missing_and_damaged_images_are_reported_together_and_nothing_is_written(
    published: Path, tmp_path: Path
) -> None:
    folder = _copy(published, tmp_path)
    missing = folder / "128p_bf/train_set4/nd015_cropKond_ bottom 9t005c1.jpg"
    missing.unlink()
    cut = folder / "128p_pc/train/nd063_cropxy13t002c1.jpg"
    cut.write_bytes(cut.read_bytes()[:2000])
    jpeg = folder / "128p_bf/train_set1/nd004xy04t001c1.jpg"
    jpeg.write_bytes(jpeg.read_bytes()[:1500])
    with pytest.raises(UserError) as caught:
        import_cho_k1(folder, tmp_path / "out", progress=False)
    said = caught.value.problems
    assert len(said) == 3
    assert any(str(missing) in line and "is missing" in line for line in said)
    assert any(str(cut) in line and "cannot be read" in line for line in said)
    assert any(str(jpeg) in line and "truncated" in line for line in said)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("../data/128p_bf/train_set1/nd004xy04t099c1.jpg,three\n", "label 'three' is not a whole number"),
        ("../data/128p_bf/train_set1/nd004xy04t099c1.jpg,-2\n", "label '-2' is not a whole number"),
        ("../data/128p_bf/train_set1/nd004xy04t099c1.jpg\n", "has 1 cells"),
        ("../data/128p_bf/train_set1/cells.jpg,3\n", "names no chamber and frame"),
        ("../data/128p_bf/train_set1/nd004xy04t001c1.jpg,3\n", "chamber bf-1 frame 1, which stands at"),
        ("../../secret/train_set1/at001c1.jpg,3\n", "lies outside the folder"),
    ],
)
def test_rows_that_cannot_be_understood_are_named(
    published: Path, tmp_path: Path, line: str, said: str
) -> None:
    folder = _copy(published, tmp_path)
    table = folder / "128p_bf" / "train.csv"
    table.write_text(table.read_text() + line)
    with pytest.raises(UserError) as caught:
        import_cho_k1(folder, tmp_path / "out", progress=False)
    assert said in str(caught.value)
    assert f"train.csv, line {len(table.read_text().splitlines())}" in str(caught.value)


def test_a_missing_table_and_a_wrong_folder_are_named(published: Path, tmp_path: Path) -> None:
    folder = _copy(published, tmp_path)
    (folder / "128p_bf" / "test.csv").unlink()
    with pytest.raises(UserError, match=r"test\.csv: cannot be read"):
        import_cho_k1(folder, tmp_path / "out", progress=False)
    with pytest.raises(UserError, match="holds neither 128p_bf nor 128p_pc"):
        import_cho_k1(tmp_path, tmp_path / "out", progress=False)


def test_a_folder_with_files_is_never_written_into(published: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match="nothing is overwritten"):
        import_cho_k1(published, tmp_path, progress=False)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_the_folder_still_reads_after_it_was_moved(imported: Path, dataset: Path, tmp_path: Path) -> None:
    moved = dataset.rename(tmp_path / "moved")
    assert Manifest.read(moved).fingerprint() == Manifest.read(imported).fingerprint()


@pytest.mark.real
def test_the_real_data_in_full(real_cho_k1: Path, tmp_path: Path) -> None:
    summary = overview(import_cho_k1(real_cho_k1, tmp_path / "out", progress=False))
    assert (summary["images"], summary["labelled"], summary["chambers"]) == (6239, 490, 21)
    labelled = {(part["modality"], part["split"]): part["labelled"] for part in summary["parts"]}
    assert (labelled["bf", "train"], labelled["pc", "train"]) == (281, 209)
    assert all(counts is None or counts[0] >= 1 for counts in (part["counts"] for part in summary["parts"]))


def _copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "published"))
