"""A full disk: a sentence, no half file, the old ones whole, and with room again the work ends well."""

import os
from pathlib import Path

import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from helpers.field_simulator import eight_bit
from helpers.full_disk import Disk, small_disk
from helpers.recording_toys import bf_field, write_ome
from helpers.training_toys import toy_settings, write_toy_data
from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.models import METHODS

COUNT = ["count", "model", "night", "--modality", "pc"]
STACK = ["import", "stack", "field.ome.tif", "--modality", "bf", "--out", "disk/out"]
TRAIN = ["train", "toys", "--preset", "small.yaml", "--accelerator", "cpu", "--out", "disk/out"]
RUN = ["run", "night", "--modality", "pc", "--model", "model", "--minutes", "30", "--out", "disk/out"]
# What fills the disk; pages of room; what is called once there is room again; what has to be there then.
CASES = {
    "the table": (COUNT, "--out", "disk/out.csv", 0, ["--resume"]),
    "a part of the count": (COUNT, "--out", "disk/out.csv", 1, ["--resume"]),
    "the report": ([*COUNT, "--out", "a.csv"], "--report", "disk/out.html", 1, None),
    "places": ([*COUNT, "--out", "a.csv"], "--points", "disk/out.csv", 0, None),
    "ROIs": ([*COUNT, "--out", "a.csv"], "--rois", "disk/out.zip", 0, None),
    "overlays": ([*COUNT, "--out", "a.csv"], "--overlays", "disk/out", 3, None),
    "a summary": (["check", "toys"], "--json", "disk/out.json", 0, []),
    "growth": (["growth", "counts.csv", "--plots", "none"], "--out", "disk/out", 1, ["--resume"]),
    "a manifest": (["manifest", "night", "--modality", "pc", "--minutes", "5"], "--out", "disk/out", 1, []),
    "drawn images": (["synth", "ellipse-pc", "-n", "9"], "--out", "disk/out", 20, None),
    "chambers": (STACK[:-2], "--out", "disk/out", 30, ["--resume"]),
    "a training": (TRAIN[:-2], "--out", "disk/out", 4, ["--resume"]),
    "its checkpoint": (TRAIN[:-2], "--out", "disk/out", 20, ["--resume"]),
    "a whole job": (RUN[:-2], "--out", "disk/out", 3, []),
    "its report": (RUN[:-2], "--out", "disk/out", 12, []),
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_chamber(folder / "night", [2, 3, 4, 5, 6, 7])
    fake_model(folder / "model")
    write_toy_data(folder / "toys")
    field = bf_field()
    write_ome(folder / "field.ome.tif", [eight_bit(field.frame(t, (0.0, 0.0))) for t in range(3)])
    (folder / "small.yaml").write_text(toy_settings(training__steps=4).to_yaml())
    frames = range(20)
    table = {"chamber": "A", "frame": frames, "count_frame": [3 * 1.05**frame for frame in frames]}
    pd.DataFrame(table).to_csv(folder / "counts.csv", index=False)
    return folder


@pytest.fixture
def disk(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(METHODS, "_modules", METHODS._modules | {"fake": "helpers.fake_method"})
    with small_disk(tmp_path / "disk") as made:
        yield made


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES)
def test_a_full_disk_is_said_and_leaves_nothing_half(
    case: str, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    words, option, out, room, again = CASES[case]
    old = disk.path / "old.csv"
    old.write_text("precious")
    disk.fill(room)
    assert run([*words, option, out]) == 2
    said = capsys.readouterr().err
    assert "No space left" in said
    assert "Traceback" not in said
    assert not Path(out).is_file()
    disk.free()
    left = files(disk.path)
    assert old.read_text() == "precious"
    assert [path for path in left if path.suffix == ".tmp" or ".lock" in path.name] == []
    assert [path for path, size in left.items() if size == 0 and "tensorboard" not in str(path)] == []
    if again is None:  # one of several outputs, or drawn anew: under another name
        again, out = [], out.replace("out", "new")
        words = [word.replace("a.csv", "b.csv") for word in words]
    assert run([*words, option, out, *again]) == 0, capsys.readouterr().err
    assert Path(out).exists()


def test_counts_made_by_hand_outlive_a_full_disk(disk: Disk, inputs: Path) -> None:
    manifest = Manifest.read(inputs / "toys")
    path = manifest.write(disk.path / "manifest.csv")
    before = path.read_bytes()
    changed = manifest.select(manifest.natural)
    disk.fill(0)
    with pytest.raises(OSError, match="No space left"):
        changed.write(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in disk.path.iterdir() if entry.name != "filler"] == ["manifest.csv"]
    disk.free()
    changed.write(path)
    assert len(list(disk.path.glob("manifest.*T*.csv"))) == 1
    assert os.path.getsize(path) < len(before)
