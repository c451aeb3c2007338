"""A count that is stopped goes on where it was; processes share one; the table is the same each way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.counting import parts
from twincell.models import METHODS

TESTS = Path(__file__).parents[1]
# A process of its own, in which the model of known answers is registered and a part holds four frames.
SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from twincell.counting import parts
from twincell.models import METHODS
METHODS.register("fake", "helpers.fake_method")
parts.PART = 4
if {slow}:
    whole = parts.Parts.count
    def slowly(self, number, *args):
        whole(self, number, *args)
        print("part", number, flush=True)
        if number == 2:
            time.sleep(600)  # the kill comes here, however slow the machine
    parts.Parts.count = slowly
if __name__ == "__main__":
    from twincell.cli import run
    sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    for chamber in ("a", "b"):
        write_chamber(tmp_path / "data" / chamber, [2 + frame // 6 for frame in range(20)])
    return tmp_path / "data"


@pytest.fixture
def whole(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The table of one undisturbed count."""
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    monkeypatch.setattr(parts, "PART", 4)
    fake_model(tmp_path / "run")
    assert run(["count", str(tmp_path / "run"), str(recording), "--out", str(tmp_path / "whole.csv")]) == 0
    return (tmp_path / "whole.csv").read_text()


def start(tmp_path: Path, *args: str, slow: bool = False) -> subprocess.Popen[str]:
    script = tmp_path / f"count_{slow}.py"
    script.write_text(SCRIPT.format(tests=str(TESTS), slow=slow))
    command = [sys.executable, str(script), "count", str(tmp_path / "run"), str(tmp_path / "data"), *args]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_count_killed_in_the_middle_goes_on_where_it_was(
    whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "counts.csv"
    process = start(tmp_path, "--out", str(out), slow=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert told == ["part 0\n", "part 1\n", "part 2\n"]
    kept = sorted((tmp_path / "counts.csv.parts").glob("part-*.csv"))
    assert len(kept) == 3
    assert not out.exists()

    again = ["count", str(tmp_path / "run"), str(tmp_path / "data"), "--out", str(out)]
    assert run(again) == 2
    assert "--resume" in capsys.readouterr().err
    assert run([*again, "--resume", "--single"]) == 2
    assert "another model, input or option" in capsys.readouterr().err

    counted: list[int] = []
    count_part = parts.Parts.count
    monkeypatch.setattr(
        parts.Parts, "count", lambda self, n, *rest: (counted.append(n), count_part(self, n, *rest))
    )
    assert run([*again, "--resume"]) == 0
    assert counted == list(range(3, 10))  # nothing is counted twice
    assert out.read_text() == whole
    assert not (tmp_path / "counts.csv.parts").exists()


@pytest.mark.slow
def test_two_processes_make_the_same_table_as_one(whole: str, tmp_path: Path) -> None:
    process = start(tmp_path, "--out", str(tmp_path / "counts.csv"), "--workers", "2")
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert (tmp_path / "counts.csv").read_text() == whole


def test_the_parts_belong_to_one_job(recording: Path, tmp_path: Path) -> None:
    from twincell.counting.inputs import Choices, gather
    from twincell.models.base.file import load_model

    METHODS.register("fake", "helpers.fake_method")
    frames = gather([recording], Choices())
    model = load_model(fake_model(tmp_path / "one"))
    other = load_model(fake_model(tmp_path / "two", gain=2))
    same = parts.job_fingerprint(frames, model, convert=False)
    assert same == parts.job_fingerprint(gather([recording], Choices()), model, convert=False)
    assert same != parts.job_fingerprint(frames, other, convert=False)
    assert same != parts.job_fingerprint(frames, model, convert=True)
    assert same != parts.job_fingerprint(gather([recording], Choices(minutes=5)), model, convert=False)


def test_numbers_survive_the_parts_to_the_last_digit(recording: Path, tmp_path: Path) -> None:
    """What a part keeps as text must be what was counted."""
    from twincell.counting.inputs import Choices, gather
    from twincell.counting.reader import Reader
    from twincell.models.base.file import load_model

    METHODS.register("fake", "helpers.fake_method")
    frames = gather([recording], Choices())
    model = load_model(fake_model(tmp_path / "third", gain=1 / 3))
    kept = parts.Parts(tmp_path / "kept", frames, "job")
    with Reader(frames, 128) as reader:
        kept.count(0, model, reader)
        counted, _ = parts.count_rows(kept.rows(0), model, reader)
    read = kept.join()
    for name in ("count_frame", "std", "novelty"):
        assert (read[name].astype("float32") == counted[name].astype("float32")).all()
    pd.testing.assert_series_equal(read["row"], counted["row"])


def test_parts_and_their_maps_are_joined_in_the_order_of_the_frames(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twincell.counting.inputs import Choices, gather

    monkeypatch.setattr(parts, "PART", 4)
    kept = parts.Parts(tmp_path / "kept", gather([recording], Choices()), "job")
    for number in reversed(range(len(kept))):  # done in any order
        rows = list(kept.rows(number))
        pd.DataFrame({"row": rows, "fault": ""}).to_csv(kept.path(number), index=False)
        np.save(kept.maps_path(number), np.array(rows, np.float16)[:, None, None])
    assert kept.join()["row"].tolist() == list(range(40))
    maps = kept.maps_of(np.array([2, 3, 4, 9]))
    assert maps is not None
    assert maps[:, 0, 0].tolist() == [2, 3, 4, 9]


def stopped_after_three(out: Path, tmp_path: Path) -> list[str]:
    """A count that has three parts and was killed; the command that began it."""
    words = ["count", str(tmp_path / "run"), str(tmp_path / "data"), "--out", str(out)]

    class Killed(BaseException):
        pass

    counted = parts.Parts.count

    def three(self: parts.Parts, number: int, *rest: object) -> None:
        if number == 3:
            raise Killed
        counted(self, number, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.Parts, "count", three)
        with pytest.raises(Killed):
            run(words)
    return words


@pytest.mark.usefixtures("whole")
def test_replaced_images_are_noticed_by_name(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "counts.csv"
    words = stopped_after_three(out, tmp_path)
    images = sorted((recording / "a").glob("*.png"))
    images[0].write_bytes(images[-1].read_bytes())
    assert run([*words, "--resume"]) == 2
    said = capsys.readouterr().err
    assert f"replaced, changed or removed since the count began: {images[0]};" in said
    assert not out.exists()


def test_parts_of_release_1_without_stamps_go_on(whole: str, tmp_path: Path) -> None:
    out = tmp_path / "counts.csv"
    words = stopped_after_three(out, tmp_path)
    job = out.with_name("counts.csv.parts") / "job.json"
    told = json.loads(job.read_text())
    del told["files"], told["whole"]
    job.write_text(json.dumps(told))
    assert run([*words, "--resume"]) == 0
    assert out.read_text() == whole


@pytest.mark.usefixtures("whole")
def test_chambers_of_one_name_are_told_apart_and_the_note_says_so(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("p/a", "q/a-2", "r/a")]
    for folder in folders:
        write_chamber(folder, [2, 3, 4])
    out = tmp_path / "named.csv"
    assert run(["count", str(tmp_path / "run"), *map(str, folders), "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert table.groupby("chamber").size().to_dict() == {"a": 3, "a-2": 3, "a-3": 3}
    assert "a is called a-3, for there is another a" in capsys.readouterr().out


def test_a_manifest_names_modalities_apart_and_says_so(recording: Path, tmp_path: Path) -> None:
    from twincell.counting.inputs import Choices, gather

    images = (os.path.relpath(path, tmp_path) for path in sorted((recording / "a").glob("*.png")))
    rows = [
        f"{next(images)},,train,{modality},natural,{chamber},{frame}"
        for modality, chamber in (("bf", "A"), ("pc", "A"), ("bf", "A-pc"))
        for frame in (0, 1)
    ]
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(["image,count,split,modality,origin,chamber,frame", *rows]) + "\n")
    frames = gather([path], Choices())
    assert frames.table.groupby("chamber").size().to_dict() == {"A-bf": 2, "A-pc": 2, "A-pc-2": 2}
    assert not frames.table.duplicated(["chamber", "frame"]).any()
    assert any("chamber A in pc is called A-pc-2" in note for note in frames.notes)
