"""Images are counted as they come: half-written ones waited for, damaged ones flagged, restarts survived."""

import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.counting.watch import Watch
from twincell.errors import UserError
from twincell.models import METHODS


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    return fake_model(tmp_path / "run")


def watch(folder: Path, model: Path, idle: float = 0.3) -> list[str]:
    lines: list[str] = []
    Watch(folder, model, folder.parent / "counts.csv").run(lines.append, idle, every=0.02, patience=0.2)
    return lines


def table(tmp_path: Path) -> pd.DataFrame:
    return pd.read_csv(tmp_path / "counts.csv", keep_default_na=False)


def test_each_image_gets_a_row_and_a_line_once(model: Path, tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [3, 5])
    lines = watch(tmp_path / "night", model)
    assert lines == (tmp_path / "counts.csv").read_text().splitlines()
    assert list(table(tmp_path)["count"].astype(float)) == [3, 5]
    write_chamber(tmp_path / "night", [3, 5, 8])
    assert len(watch(tmp_path / "night", model)) == 3  # heading, the last one again, the new one
    assert list(table(tmp_path)["count"].astype(float)) == [3, 5, 8]
    run(["count", str(model), str(tmp_path / "night"), "--single", "--out", str(tmp_path / "one.csv")])
    assert list(pd.read_csv(tmp_path / "one.csv")["count"]) == [3, 5, 8]


def test_a_half_written_image_is_waited_for(model: Path, tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [4])
    whole = next((tmp_path / "night").iterdir())
    data = whole.read_bytes()
    whole.unlink()

    def write_slowly() -> None:
        with whole.open("wb") as file:
            for start in range(0, len(data), 1 + len(data) // 8):
                file.write(data[start : start + 1 + len(data) // 8])
                file.flush()
                time.sleep(0.05)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    lines = watch(tmp_path / "night", model, idle=1.5)
    writer.join()
    assert len(lines) == 2
    assert list(table(tmp_path)["count"].astype(float)) == [4]
    assert list(table(tmp_path)["flag"]) == [""]


def test_an_image_that_stays_damaged_is_flagged_and_the_others_go_on(model: Path, tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [4, 6])
    first = sorted((tmp_path / "night").iterdir())[0]
    first.write_bytes(first.read_bytes()[:60])
    (tmp_path / "night" / "notes.txt").write_text("no image")
    watch(tmp_path / "night", model, idle=1.0)
    found = table(tmp_path).set_index("image")
    assert len(found) == 2
    assert found.loc[str(first), "flag"].startswith("unreadable")
    assert list(found.loc[found.index != str(first), "flag"]) == [""]
    assert [float(count) for count in found["count_frame"] if count != ""] == [6]


def test_rows_cut_in_the_middle_are_counted_again(model: Path, tmp_path: Path) -> None:
    write_chamber(tmp_path / "night", [3, 5, 7])
    watch(tmp_path / "night", model)
    whole = (tmp_path / "counts.csv").read_bytes()
    for cut in (1, 7, 40):
        (tmp_path / "counts.csv").write_bytes(whole[:-cut])
        watch(tmp_path / "night", model)
        assert (tmp_path / "counts.csv").read_bytes() == whole


def test_what_is_no_folder_or_no_table_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        Watch(tmp_path / "nowhere", model, tmp_path / "counts.csv")
    write_chamber(tmp_path / "night", [3])
    (tmp_path / "counts.csv").write_text("labels,by hand\n1,2\n")
    with pytest.raises(UserError, match="is no table of counts"):
        Watch(tmp_path / "night", model, tmp_path / "counts.csv")
    assert (tmp_path / "counts.csv").read_text() == "labels,by hand\n1,2\n"


def test_the_command_ends_when_nothing_comes(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chamber(tmp_path / "night", [3, 5])
    words = ["count", str(model), str(tmp_path / "night"), "--watch", "--idle", "2"]
    assert run([*words, "--out", str(tmp_path / "counts.csv")]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == (tmp_path / "counts.csv").read_text().splitlines()
    assert "2 images counted" in said.err
    write_chamber(tmp_path / "night", [3, 5, 8])
    assert run([*words, "--out", str(tmp_path / "counts.csv")]) == 0  # started again, it goes on
    assert list(table(tmp_path)["count"].astype(float)) == [3, 5, 8]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--watch", "--shard", "1/2"], "leave out --shard"),
        (["--watch", "--json", "a.json", "--film", "a.gif"], "leave out --json, --film"),
        (["--shard", "1/2", "--points", "a.csv"], "--shard writes counts alone; leave out --points"),
        (["--idle", "3"], "--idle ends a watch"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    model: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chamber(tmp_path / "night", [3])
    before = sorted(tmp_path.rglob("*"))
    assert run(["count", str(model), str(tmp_path / "night"), *words]) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
