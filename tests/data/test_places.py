"""What `check` says of points and of manifest.json, and that old manifests need neither."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from twincell.data.check import check
from twincell.data.image_spec import ImageSpec, read_spec, write_spec
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.io.points import write_points


def mark(folder: Path, *places: tuple[float, float], image: str | None = None) -> None:
    """Points in the first uncounted image, or in the one named."""
    manifest = Manifest.read(folder)
    name = image or manifest.table["image"][~manifest.labelled].iloc[0]
    write_points(folder, pd.DataFrame([{"image": name, "x": x, "y": y} for x, y in places]))


def counted(folder: Path) -> None:
    manifest = Manifest.read(folder)
    row = manifest.table[manifest.labelled].iloc[0]
    mark(folder, *[(k + 1.5, 3.5) for k in range(int(row["count"]) + 1)], image=row["image"])


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "outside": (lambda f: mark(f, (5, 5), (200, 5)), "1 places outside of its 128 x 128 pixels"),
    "unknown image": (
        lambda f: mark(f, (5, 5), image="images/none.png"),
        "image images/none.png is not known",
    ),
    "twice": (lambda f: mark(f, (5, 5), (5, 5)), "has the place (5, 5) twice"),
    "against the count": (counted, "has count"),
    "NaN": (lambda f: (f / "points.csv").write_text("image,x,y\na,nan,1\n"), "line 2: x nan, y 1"),
    "sidecar no JSON": (lambda f: (f / "manifest.json").write_text("{"), "is not JSON"),
    "sidecar's range": (
        lambda f: (f / "manifest.json").write_text('{"version": 1, "images": {"range": [5, 5]}}'),
        "has no length",
    ),
    "sidecar's size": (
        lambda f: write_spec(f, ImageSpec(height=64, width=64)),
        "is 128 x 128 pixels, not 64 x 64",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_named(dataset: Path, kind: str) -> None:
    breaker, said = FAULTS[kind]
    breaker(dataset)
    errors = [fault for fault in check(dataset) if fault.severity == "error"]
    assert errors
    assert all(said in fault.sentence() for fault in errors)
    assert all(fault.cure for fault in errors)


def test_a_first_release_folder_reads_as_before(dataset: Path) -> None:
    (dataset / "manifest.json").unlink()
    manifest = Manifest.read(dataset)
    assert manifest.spec == ImageSpec()
    assert manifest.points.empty
    assert not [fault for fault in check(dataset) if fault.severity == "error"]


def test_points_and_sidecar_are_found_from_a_manifest_elsewhere(dataset: Path, tmp_path: Path) -> None:
    mark(dataset, (5, 6), (7.25, 8))
    manifest = Manifest.read(dataset)
    manifest.write(tmp_path / "far")
    moved = Manifest.read(tmp_path / "far")
    assert moved.spec == manifest.spec == ImageSpec(height=128, width=128)
    assert moved.points[["row", "x", "y"]].equals(manifest.points[["row", "x", "y"]])
    assert moved.table["count"].equals(manifest.table["count"])


def test_images_that_stand_alone_need_neither_chamber_nor_frame(dataset: Path) -> None:
    table = Manifest.read(dataset).table
    table.drop(columns=["chamber", "frame"]).to_csv(dataset / "manifest.csv", index=False)
    manifest = Manifest.read(dataset)
    assert manifest.table["chamber"].nunique() == len(manifest) == 72
    manifest.write(dataset / "again.csv")
    assert pd.read_csv(dataset / "again.csv")[["chamber", "frame"]].isna().all(axis=None)
    assert not [fault for fault in check(dataset) if fault.severity == "error"]


def test_a_chamber_of_several_images_needs_frames(dataset: Path) -> None:
    table = pd.read_csv(dataset / "manifest.csv", dtype=str)
    table.loc[5, "frame"] = ""
    table.to_csv(dataset / "manifest.csv", index=False)
    with pytest.raises(UserError, match="frame is blank in chamber"):
        Manifest.read(dataset)


def test_a_spec_is_read_as_written(tmp_path: Path) -> None:
    spec = ImageSpec(height="any", width=700, dtype="float32", unit="nm of optical path", range=(-20, 400))
    write_spec(tmp_path, spec)
    assert read_spec(tmp_path) == spec
    assert json.loads((tmp_path / "manifest.json").read_text())["images"]["unit"] == "nm of optical path"
