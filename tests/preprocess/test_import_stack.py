"""A whole import: what is written, what is refused, and what an interruption costs."""

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from helpers.recording_toys import Film, Pixels, bf_field, film, in_memory, pc_field, write_ome
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.io.recordings import Reading
from twincell.preprocess import contact_sheet
from twincell.preprocess import import_stack as stack_import
from twincell.preprocess.chambers.framing import framing_for
from twincell.preprocess.chambers.layout import Wanted, first_look
from twincell.preprocess.frames import treat_frame
from twincell.preprocess.import_stack import Chambers, import_stack
from twincell.preprocess.quality_control import Seen
from twincell.preprocess.registration.registration import Motion

FRAMES = 12


@pytest.fixture(scope="module")
def night() -> Film:
    return film(bf_field(1, 2, 1.6, 3), FRAMES, 1, (5,), [(7, 1.3)])


@pytest.fixture(scope="module")
def imported(night: Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("night")
    write_ome(folder / "night.ome.tif", night.frames)
    import_stack([folder / "night.ome.tif"], folder / "out", Chambers("bf"), progress=False)
    return folder / "out"


def test_the_result_is_a_manifest_of_grey_crops(imported: Path, night: Film) -> None:
    manifest = Manifest.read(imported)
    assert len(manifest) == 2 * FRAMES
    table = manifest.table
    assert sorted(table["chamber"].unique()) == ["night-ch01", "night-ch02"]
    assert table["frame"].tolist() == list(range(1, FRAMES + 1)) * 2
    assert table["time_h"].to_numpy() == pytest.approx((table["frame"] - 1) / 6, abs=1e-5)
    assert table["count"].isna().all()
    side = 114 / 0.887  # px of the field that the published framing puts into 128
    assert table["pixel_size_um"].astype(float).iloc[0] == pytest.approx(0.65 * side / 128, rel=0.02)
    assert set(table["interval_min"].astype(float)) == {10.0}
    with Image.open(manifest.paths[0]) as picture:
        assert (picture.mode, picture.size) == ("L", (128, 128))
    assert not (imported / ".import").exists()


def test_every_step_is_written_beside_the_result(imported: Path, night: Film) -> None:
    steps = json.loads((imported / "preprocessing.json").read_text())
    night_steps = steps["positions"]["night"]
    assert steps["settings"]["chambers"]["modality"] == "bf"
    assert {"smoothing_px", "tukey", "score_lost", "focus_flag"} <= set(steps["constants"])
    assert night_steps["rotation"]["degrees"] == pytest.approx(1.6, abs=0.2)
    assert night_steps["registration"]["drift_px"] == pytest.approx(np.ptp(night.drift, axis=0), abs=0.3)
    assert len(night_steps["chambers"]) == 2
    assert set(night_steps["chambers"][0]["grey"]) == {"slope", "lift"}
    low, high = night_steps["brightness"]["gain_range"]
    assert high / low == pytest.approx(1.3, rel=0.02)
    source = json.loads((imported / "recording.json").read_text())["night"]
    assert (source["axes"], source["axes_from"]) == ("TYX", "OME metadata")
    assert (source["pixel_size_um"], source["type"]) == (0.65, "uint8")
    frames = pd.read_csv(imported / "frames.csv")
    assert {"dx", "dy", "angle", "score", "gain", "focus", "fault"} <= set(frames.columns)
    assert len(frames) == FRAMES


def test_a_crop_can_be_made_again_from_what_is_written(imported: Path, night: Film) -> None:
    """The parameters are the whole truth: grey = 255 (slope value / gain + lift)."""
    steps = json.loads((imported / "preprocessing.json").read_text())["positions"]["night"]
    gain = pd.read_csv(imported / "frames.csv")["gain"]
    grey = steps["chambers"][0]["grey"]
    frame = 9
    level = np.median(night.frames[frame]) / gain[frame]
    with Image.open(imported / f"images/night-ch01/t{frame + 1:05}.png") as picture:
        crop = np.asarray(picture)
    assert np.median(crop) == pytest.approx(255 * (grey["slope"] * level + grey["lift"]), abs=5)


def test_the_contact_sheet_shows_every_chamber(imported: Path) -> None:
    (sheet,) = (imported / "contact_sheets").iterdir()
    with Image.open(sheet) as picture:
        assert sheet.name == "night.png"
        assert min(picture.size) > 600
        pixels = np.asarray(picture.convert("L"))
    assert pixels.std() > 20


def test_many_chambers_get_several_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "PER_SHEET", 2)
    made = film(bf_field(1, 3, 0.4, 6), 3)
    path = write_ome(tmp_path / "wide.ome.tif", made.frames)
    result = import_stack([path], tmp_path / "out", Chambers("bf"), progress=False)
    assert result.summary["chambers"] == 3
    assert {p.name for p in (tmp_path / "out/contact_sheets").iterdir()} == {"wide.png", "wide-2.png"}


def test_dropped_and_duplicated_frames_change_nothing_else(
    night: Film, imported: Path, tmp_path: Path
) -> None:
    """One frame dropped, one stored twice, one black: the others' crops stay within a grey level or two."""
    frames = dict(enumerate(night.frames, 1))
    frames[4] = np.zeros_like(frames[4])
    frames[9] = frames[8].copy()
    del frames[6]
    (tmp_path / "night").mkdir()
    for number, picture in frames.items():
        Image.fromarray(picture).save(tmp_path / "night" / f"t{number}.png")
    result = import_stack([tmp_path / "night"], tmp_path / "out", Chambers("bf"), progress=False)
    skipped = pd.read_csv(tmp_path / "out" / "skipped.csv").set_index("frame")["fault"].to_dict()
    assert skipped == {4: "black", 6: "missing", 9: "duplicate"}
    assert result.summary["skipped"] == {"black": 1, "missing": 1, "duplicate": 1}
    whole = Manifest.read(imported).table.set_index(["chamber", "frame"])["image"]
    ours = result.manifest.table.set_index(["chamber", "frame"])["image"]
    assert len(ours) == 2 * (FRAMES - 3)
    for key, image in ours.items():
        with Image.open(tmp_path / "out" / image) as a, Image.open(imported / whole[key]) as b:
            difference = np.abs(np.asarray(a, float) - np.asarray(b, float))
        # The reference is a median of other frames, so a crop may lie some hundredths of a pixel elsewhere.
        assert difference.mean() < 1.5


# -- interruptions -----------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the settings' own paths."""
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.endswith("sheets/night.png")}


@pytest.mark.parametrize("after", [0, 5])
def test_an_import_that_is_stopped_goes_on_and_ends_the_same(
    night: Film, imported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    source = imported.parent / "night.ome.tif"
    out = tmp_path / "out"
    whole = stack_import.treat_frame
    done: list[int] = []

    def power_cut(recording: Any, layout: Any, i: int, *rest: Any) -> Any:
        if i == after:
            raise KeyboardInterrupt
        return whole(recording, layout, i, *rest)

    monkeypatch.setattr(stack_import, "treat_frame", power_cut)
    with pytest.raises(KeyboardInterrupt):
        import_stack([source], out, Chambers("bf"), progress=False)
    assert not (out / "manifest.csv").exists()

    def noted(recording: Any, layout: Any, i: int, *rest: Any) -> Any:
        done.append(i)
        return whole(recording, layout, i, *rest)

    monkeypatch.setattr(stack_import, "treat_frame", noted)
    with pytest.raises(UserError, match="--resume"):
        import_stack([source], out, Chambers("bf"), progress=False)
    with pytest.raises(UserError, match="begun with other settings"):
        import_stack([source], out, Chambers("bf", size=64), resume=True, progress=False)
    asked = source.stat()
    os.utime(source, ns=(asked.st_atime_ns, asked.st_mtime_ns + 1))
    with pytest.raises(UserError, match=f"begun with other files .{source.resolve()}"):
        import_stack([source], out, Chambers("bf"), resume=True, progress=False)
    os.utime(source, ns=(asked.st_atime_ns, asked.st_mtime_ns))
    # A line cut short by the power cut is no finished frame.
    journal = out / ".import" / "night.frames.jsonl"
    if after:
        journal.write_text(journal.read_text() + '{"number": 6, "mot')
    import_stack([source], out, Chambers("bf"), resume=True, progress=False)
    assert done == list(range(after, FRAMES))
    assert contents(out) == contents(imported)
    with pytest.raises(UserError, match="finished already"):
        import_stack([source], out, Chambers("bf"), resume=True, progress=False)


# -- what is refused, and memory ---------------------------------------------------------------------


def test_a_field_without_chambers_is_refused_with_a_cure(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    empty = [rng.normal(128, 3, (100, 120)).astype(np.uint8)]
    path = write_ome(tmp_path / "empty.ome.tif", empty)
    with pytest.raises(UserError, match="no chamber is found in empty; give their size with --chamber-size"):
        import_stack([path], tmp_path / "out", Chambers("bf"), progress=False)
    assert not (tmp_path / "out" / "manifest.csv").exists()


def flat_but_for_the_border() -> list[Pixels]:
    """Constant grey inside, one other pixel in the top row: no two frames alike, no edge to go by."""
    frames = [np.full((200, 300), 120, np.uint8) for _ in range(8)]
    for t, frame in enumerate(frames):
        frame[0, t] = 200
    return frames


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([np.full((200, 300), 120 + t, np.uint8) for t in range(8)], "flat: every pixel is 12"),
        (flat_but_for_the_border(), "shows one flat field"),
        ([np.random.default_rng(t).integers(0, 255, (8, 400), np.uint8) for t in range(4)], "8 x 400 px"),
    ],
)
def test_frames_that_show_no_walls_at_all_are_refused_with_a_cure(frames: list[Pixels], says: str) -> None:
    for boxes in (None, [(10.0, 10.0, 60.0, 80.0)]):
        with pytest.raises(UserError, match=says) as caught:
            first_look(in_memory(frames), Wanted(framing_for(None, "bf"), boxes=boxes))
        assert len(caught.value.problems) == 1
        assert str(caught.value).startswith("night:")


def test_one_position_that_cannot_be_used_does_not_stop_the_others(night: Film, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    write_ome(tmp_path / "two" / "a.ome.tif", night.frames[:4])
    write_ome(tmp_path / "two" / "b.ome.tif", [np.zeros_like(night.frames[0])] * 4)
    result = import_stack([tmp_path / "two"], tmp_path / "out", Chambers("bf"), progress=False)
    assert result.summary["positions"] == 1
    assert "no frame of b can be used" in result.summary["positions_unusable"]["b"]
    skipped = pd.read_csv(tmp_path / "out" / "skipped.csv")
    assert skipped["fault"].tolist() == ["unusable"]


def test_chambers_given_by_hand(night: Film, tmp_path: Path) -> None:
    x, y = night.field.box_centres()[1] + night.drift[0]
    box = (x - 43, y - 57, 86.0, 114.0)
    path = write_ome(tmp_path / "night.ome.tif", night.frames[:5])
    chambers = Chambers("bf", boxes={"": [box]})
    result = import_stack([path], tmp_path / "out", chambers, progress=False)
    assert result.summary["chambers"] == 1
    assert not json.loads((tmp_path / "out/preprocessing.json").read_text())["positions"]["night"]["hints"]


def test_twelve_bit_in_sixteen(tmp_path: Path) -> None:
    from helpers.field_simulator import twelve_bit

    made = film(pc_field(1, 2, 0.8, 2), 5, digitize=twelve_bit)
    path = write_ome(tmp_path / "pc.ome.tif", made.frames)
    result = import_stack([path], tmp_path / "out", Chambers("pc"), progress=False)
    assert result.summary["chambers"] == 2
    with Image.open(result.manifest.paths[0]) as picture:
        grey = np.asarray(picture)
    assert np.median(grey) == pytest.approx(0.196 * 255, abs=6)  # the level of the published crops


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """Frames of a stack of over 100 MB are treated in less than half of that, however many they are."""
    made = film(bf_field(1, 2, 0.9, 5), 8)
    n = 2000
    H, W = made.frames[0].shape
    path = tmp_path / "long.tif"
    stack = tifffile.memmap(path, shape=(n, H, W), dtype=np.uint8, photometric="minisblack")
    for i in range(n):
        stack[i] = made.frames[i % 8]
        stack[i, 0, :4] = np.frombuffer(np.uint32(i).tobytes(), np.uint8)
    stack.flush()
    size = stack.nbytes
    del stack
    peak = {}
    for frames in (8, 32):  # all 2,000 would take minutes; these come from all over the stack
        tracemalloc.start()
        recording = stack_import.open_recordings([path], Reading(axes="TYX"))[0]
        layout = first_look(recording, Wanted(framing_for(None, "bf")))
        seen = Seen()
        for i in range(frames):
            treat_frame(recording, layout, i * (n // frames), Motion(), seen)
        peak[frames] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 100e6
    assert max(peak.values()) < size / 2
    assert peak[32] < peak[8] + 1e6
