"""The manifest: what is read is what was written, wherever it lies."""

import math
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError


def test_reading_gives_back_what_was_written(dataset: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(dataset)
    manifest.table["note"] = 'a, quoted "word"'
    manifest.table["time_h"] = manifest.table["frame"] / 3
    manifest.table.loc[0, "count"] = 0
    manifest.write(dataset / "other.csv")
    again = Manifest.read(dataset / "other.csv")
    pd.testing.assert_frame_equal(again.table, manifest.table)
    assert again.labelled[0]
    assert math.isnan(again.table["count"].iloc[1])


def test_a_folder_means_its_manifest_csv(dataset: Path) -> None:
    assert Manifest.read(dataset).fingerprint() == Manifest.read(dataset / "manifest.csv").fingerprint()


def test_written_elsewhere_the_paths_stay_true(dataset: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(dataset)
    manifest.write(tmp_path / "far" / "away" / "manifest.csv")
    moved = Manifest.read(tmp_path / "far" / "away")
    assert [path.resolve() for path in moved.paths] == [path.resolve() for path in manifest.paths]
    assert not any(Path(image).is_absolute() for image in moved.table["image"])


def test_time_and_page_may_be_left_out(dataset: Path) -> None:
    table = Manifest.read(dataset).table.drop(columns=["time_h", "page"])
    table.to_csv(dataset / "manifest.csv", index=False)
    manifest = Manifest.read(dataset)
    assert manifest.table["time_h"].isna().all()
    assert (manifest.table["page"] == 0).all()


def test_extra_columns_and_spaces_and_byte_order_marks_do_no_harm(dataset: Path) -> None:
    path = dataset / "manifest.csv"
    text = path.read_text().replace(",train,", ", train ,").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    manifest = Manifest.read(path)
    assert len(manifest.select("train")) == 54
    assert manifest.table["source"].str.startswith("128p_").all()


def test_the_fingerprint_follows_labels_and_pixels_but_not_the_place(imported: Path, dataset: Path) -> None:
    before = Manifest.read(imported).fingerprint()
    manifest = Manifest.read(dataset)
    assert manifest.fingerprint() == before
    manifest.table.loc[0, "count"] = 7
    assert manifest.fingerprint() != before
    manifest = Manifest.read(dataset)
    manifest.paths[0].write_bytes(manifest.paths[1].read_bytes())
    assert manifest.fingerprint() != before
    assert Manifest.read(imported).select(np.arange(72)[::-1]).fingerprint() != before


def test_selecting_keeps_order_and_paths(imported: Path) -> None:
    manifest = Manifest.read(imported)
    chosen = manifest.select([5, 2])
    assert chosen.paths == [manifest.paths[5], manifest.paths[2]]
    assert len(manifest.select(manifest.labelled)) == 18
    assert len(manifest.select("val")) == 0
    assert len(manifest.select("train")) + len(manifest.select("test")) == len(manifest)


def test_an_unknown_split_is_refused_not_empty(imported: Path) -> None:
    with pytest.raises(UserError, match="split 'training' is not known"):
        Manifest.read(imported).select("training")


def test_stacks_are_read_page_by_page(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 128, 128), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", frames)
    row = {"image": "stack.tif", "split": "train", "modality": "bf", "origin": "natural", "chamber": "a"}
    rows = [row | {"frame": t, "page": t, "count": None} for t in range(5)]
    Manifest(pd.DataFrame(rows), tmp_path).write(tmp_path)
    store = ImageStore.load(Manifest.read(tmp_path), progress=False)
    np.testing.assert_array_equal(store.images[:, 0].numpy(), frames)


def test_counts_made_by_hand_are_kept_beside_with_a_date(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    row = {"image": "a.png", "split": "train", "modality": "bf", "origin": "natural", "count": math.nan}
    manifest = Manifest(pd.DataFrame([row]), tmp_path)
    path = manifest.write(tmp_path)
    by_hand = path.read_text().replace("a.png,,", "a.png,17,")
    path.write_text(by_hand)
    assert manifest.write(tmp_path) == path
    kept = list(tmp_path.glob("manifest.*.csv"))
    assert [p.read_text() for p in kept] == [by_hand]
    assert re.fullmatch(r"manifest\.\d{4}-\d\d-\d\dT\d{4}\.csv", kept[0].name)
    again = by_hand.replace("17", "18")
    path.write_text(again)
    manifest.write(tmp_path)
    assert {p.read_text() for p in tmp_path.glob("manifest.*.csv")} == {by_hand, again}


def test_the_same_manifest_again_leaves_the_file_untouched(tmp_path):
    row = {"image": "a.png", "split": "train", "modality": "bf", "origin": "natural", "count": 3}
    manifest = Manifest(pd.DataFrame([row]), tmp_path)
    path = manifest.write(tmp_path)
    os.utime(path, ns=(1, 1))
    manifest.write(tmp_path)
    assert path.stat().st_mtime_ns == 1
    assert list(tmp_path.iterdir()) == [path]


def test_words_that_spreadsheets_take_for_formulas_are_text_and_read_back(tmp_path: Path) -> None:
    names = ["=a.png", "-b.png", "+c.png"]
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    rows = {"image": names, "count": [1, 2, 3], "split": "train", "modality": "pc", "origin": "natural"}
    table = pd.DataFrame(rows).assign(chamber="=cmd()", frame=[0, 1, 2])
    path = Manifest(table, tmp_path).write(tmp_path)
    assert "'=cmd()" in path.read_text()
    assert not [line for line in path.read_text().splitlines() if line[0] in "=+-@"]
    again = Manifest.read(path)
    assert again.table["image"].tolist() == names
    assert set(again.table["chamber"]) == {"=cmd()"}


def test_a_chamber_whose_name_has_a_line_end_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text(
        "image,count,split,modality,origin,chamber,frame\n"
        'a.png,1,train,pc,natural,"A\nB",0\na.png,2,train,pc,natural,"A\nB",0\n'
    )
    assert run(["check", str(tmp_path)]) == 2
    said = "".join(capsys.readouterr())
    assert "A\nB" not in said
