"""A manifest from folders: the names `count` reads, labels found beside, a split when none is given."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from twincell.cli import run
from twincell.counting.inputs import Choices, gather
from twincell.data.from_folders import FolderOptions, manifest_from_folders
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.io.images import read_pixels


def images(folder: Path, names: list[str]) -> Path:
    """Grey images, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        Image.fromarray(np.full((40, 48), i, np.uint8)).save(folder / name)
    return folder


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def chambers(tmp_path: Path) -> Path:
    """Six chambers of five frames in folders of their own, two frames of each counted."""
    root = tmp_path / "night"
    for c in "ABCDEF":
        images(root / c, [f"t{t}.png" for t in (1, 2, 3, 4, 10)])
    table(root / "counts.csv", "image,count", *(f"{c}/t{t}.png,{t}" for c in "ABCDEF" for t in (2, 10)))
    return root


def test_chamber_frame_and_time_are_those_of_count(chambers: Path, tmp_path: Path) -> None:
    made = manifest_from_folders([chambers], tmp_path / "out", FolderOptions("bf", minutes=30))
    ours = made.manifest.table
    counted = gather([chambers], Choices(modality="bf", minutes=30)).table
    for name in ("chamber", "frame", "time_h"):
        assert ours[name].tolist() == counted[name].tolist()
    assert [p.resolve() for p in made.manifest.paths] == [Path(p).resolve() for p in counted["path"]]
    assert ours["time_h"].max() == 5.0


def test_counts_beside_are_taken_and_whole_chambers_kept_aside(chambers: Path, tmp_path: Path) -> None:
    manifest_from_folders([chambers], tmp_path / "out", FolderOptions("bf"))
    read = Manifest.read(tmp_path / "out")
    assert int(read.labelled.sum()) == 12
    assert (read.table.loc[read.labelled, "count"] == read.table.loc[read.labelled, "frame"]).all()
    per_chamber = read.table.groupby("chamber")["split"].nunique()
    assert (per_chamber == 1).all()
    assert read.table.drop_duplicates("chamber")["split"].value_counts().to_dict() == {"train": 5, "val": 1}
    assert not (tmp_path / "out" / "points.csv").exists()


def test_the_seed_chooses_the_chamber(chambers: Path, tmp_path: Path) -> None:
    kept = set()
    for seed in range(8):
        made = manifest_from_folders([chambers], tmp_path / f"o{seed}", FolderOptions("bf", seed=seed))
        kept |= set(made.manifest.select("val").table["chamber"])
    assert len(kept) > 2


def test_one_chamber_is_split_by_time_with_a_warning(tmp_path: Path) -> None:
    folder = images(tmp_path / "one", [f"t{t:02}.png" for t in range(20)])
    table(folder / "counts.csv", "image,count", *(f"t{t:02}.png,3" for t in range(0, 20, 2)))
    made = manifest_from_folders([folder], tmp_path / "out", FolderOptions("pc"))
    ours = made.manifest.table
    assert ours.loc[ours["split"] == "val", "frame"].tolist() == [16, 17, 18, 19]
    assert any(note.startswith("warning") and "one chamber" in note for note in made.notes)


def test_single_images_are_split_one_by_one(tmp_path: Path) -> None:
    folder = images(tmp_path / "s", [f"{name}.png" for name in "abcdefghij"])
    table(folder / "c.csv", "File;Cells", *(f"{name};2" for name in "abcdefghij"))
    manifest_from_folders([folder], tmp_path / "out", FolderOptions("pc", seed=1))
    read = Manifest.read(tmp_path / "out")
    assert read.table["split"].value_counts().to_dict() == {"train": 8, "val": 2}
    assert "chamber" in read.table
    assert read.table["chamber"].nunique() == 10


def test_every_line_that_means_no_image_is_said(chambers: Path, tmp_path: Path) -> None:
    table(chambers / "more.csv", "image,count", "A/t3.png,1", "A/t99.png,1", "t1.png,1", "B/t3.png,")
    made = manifest_from_folders([chambers], tmp_path / "out", FolderOptions("bf"))
    lost = [note for note in made.notes if "left out" in note]
    assert len(lost) == 2
    assert "line 3 (A/t99.png)" in lost[0]
    assert "means 6 images" in lost[1]
    assert int(made.manifest.labelled.sum()) == 13


def test_boxes_become_points_and_agree_with_counts(tmp_path: Path) -> None:
    folder = images(tmp_path / "b", ["a.png", "b.png", "c.png"])
    table(
        folder / "boxes.csv",
        "image,label,xmin,ymin,xmax,ymax",
        "a.png,Living,4,6,10,12",
        "a.png,Dead,20,20,30,30",
        "b.png,Living,0,0,8,8",
    )
    counts = table(folder / "counts.csv", "image,count", "a.png,2", "b.png,1", "c.png,0")
    manifest_from_folders([folder], tmp_path / "out", FolderOptions("bf", split="train"))
    read = Manifest.read(tmp_path / "out")
    assert read.table["count"].tolist() == [2, 1, 0]
    assert read.points[["x", "y", "label"]].to_numpy().tolist()[0] == [7.0, 9.0, "Living"]

    table(counts, "image,count", "a.png,3", "b.png,1")
    with pytest.raises(UserError, match=r"a\.png \(3 and 2\)"):
        manifest_from_folders([folder], tmp_path / "two", FolderOptions("bf"))
    assert not (tmp_path / "two").exists()
    made = manifest_from_folders([folder], tmp_path / "two", FolderOptions("bf", points="none"))
    assert made.manifest.table["count"].tolist()[0] == 3


def test_a_models_counts_are_no_labels(tmp_path: Path) -> None:
    folder = images(tmp_path / "m", ["t1.png", "t2.png"])
    table(folder / "counts.csv", "chamber,frame,time_h,image,count,count_frame", "m,1,,t1.png,3,3")
    made = manifest_from_folders([folder], tmp_path / "out", FolderOptions("bf"))
    assert not made.manifest.labelled.any()
    assert any("no person" in note for note in made.notes)


def test_frames_of_a_stack_are_listed_by_page(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 4095, (2, 5, 40, 48), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "s.ome.tif", frames, metadata={"axes": "CTYX"})
    from twincell.io.reading import Reading

    options = FolderOptions("pc", Reading(loose=True, channel=2))
    made = manifest_from_folders([tmp_path / "s.ome.tif"], tmp_path / "out", options)
    read = Manifest.read(tmp_path / "out")
    assert read.table["page"].tolist() == [5, 6, 7, 8, 9]
    for path, page, frame in zip(read.paths, read.table["page"], frames[1], strict=True):
        assert (read_pixels(path, page) == frame).all()
    assert read.spec.dtype == "uint16"
    assert read.spec.range == (0.0, 4095.0)
    assert made.manifest.table["chamber"].unique().tolist() == ["s"]


def test_nothing_is_overwritten_and_all_faults_are_said(chambers: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.csv").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        manifest_from_folders([chambers], tmp_path / "out", FolderOptions("bf"))
    assert (tmp_path / "out" / "manifest.csv").read_text() == "mine"
    with pytest.raises(UserError) as caught:
        manifest_from_folders([chambers], tmp_path / "new", FolderOptions(None, split="vall", minutes=-1))
    assert len(caught.value.problems) == 3


def test_bad_tables_are_refused_with_line_and_cure(chambers: Path, tmp_path: Path) -> None:
    table(chambers / "counts.csv", "image,count", "A/t1.png,abc", "A/t2.png,-1", "A/t3.png,1", "A/t3.png,2")
    with pytest.raises(UserError) as caught:
        manifest_from_folders([chambers], tmp_path / "new", FolderOptions("bf"))
    assert "line 5" in str(caught.value)
    assert "'abc'" in str(caught.value)
    assert "'-1'" in str(caught.value)


def test_the_command(chambers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["manifest", str(chambers), "--out", str(tmp_path / "out")]
    assert run(asked) == 2
    assert "--modality is missing" in capsys.readouterr().err
    assert run([*asked, "--modality", "Bright Field", "--json", str(tmp_path / "j.json")]) == 0
    said = capsys.readouterr().out
    assert "30 images, 12 counted (25 train, 5 val)" in said
    told = json.loads((tmp_path / "j.json").read_text())
    assert told["splits"] == {"train": 25, "val": 5}
    assert set(pd.read_csv(tmp_path / "out" / "manifest.csv")["modality"]) == {"bf"}
    assert run(["check", str(tmp_path / "out")]) == 0
