"""What a count gives back: typed, and for the scripts of release 1 still the table it was."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.counting import CountOptions, CountResult, count
from twincell.errors import UserError
from twincell.models import METHODS
from twincell.models.base.file import load_model

COUNTS = [1, 1, 2, 2, 3, 4, 4, 5]


@pytest.fixture(autouse=True)
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A time-lapse of eight frames, the fourth of which is damaged."""
    write_chamber(tmp_path / "night", COUNTS)[3].write_text("damaged")
    return tmp_path / "night"


@pytest.fixture
def result(night: Path, tmp_path: Path) -> CountResult:
    return count(night, load_model(fake_model(tmp_path / "run")), progress=False, minutes=30)


def test_it_holds_table_notes_card_and_where_frames_come_from(result: CountResult, night: Path) -> None:
    assert type(result.table) is pd.DataFrame
    assert result.card.method == "fake"
    assert any("read as one time-lapse" in note for note in result.notes)
    assert result.in_series.tolist() == [True] * 8
    assert result.counted.empty
    found = result.summary()
    assert (found["frames"], found["chambers"], found["counted"], found["flagged"]) == (8, 1, 7, 1)
    assert found["flags"] == {"unreadable": 1}
    assert found["notes"] == result.notes


def test_images_are_read_when_wanted_and_damaged_ones_left_out(result: CountResult) -> None:
    seen = dict(result.images())
    assert list(seen) == [0, 1, 2, 4, 5, 6, 7]
    assert [row for row, _ in result.images([7, 3, 2])] == [7, 2]
    assert np.array_equal(seen[7], next(iter(result.images([7])))[1])
    assert seen[0].shape == chamber_image(1).shape


def test_to_csv_writes_what_the_command_writes_and_overwrites_nothing(
    result: CountResult, night: Path, tmp_path: Path
) -> None:
    words = ["count", str(tmp_path / "run"), str(night), "--minutes", "30", "--out", str(tmp_path / "a.csv")]
    assert run(words) == 0
    assert result.to_csv(tmp_path / "b.csv") == tmp_path / "b.csv"
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
    with pytest.raises(UserError, match="nothing is overwritten"):
        result.to_csv(tmp_path / "b.csv")


def test_scripts_of_release_1_that_take_it_for_the_table_go_on_working(
    result: CountResult, tmp_path: Path
) -> None:
    shown = result[["chamber", "frame", "count", "lower", "upper", "flag"]]  # as the README shows it
    assert list(shown["count"]) == list(result.table["count"])
    assert result.attrs["notes"] == result.notes
    assert len(result) == 8
    assert "count_frame" in result
    assert list(result) == list(result.columns)
    assert result.groupby("chamber")["count"].max().tolist() == [result["count"].max()]
    assert len(pd.concat([result, result], ignore_index=True)) == 16  # type: ignore[list-item]
    assert result.merge(result.table[["frame"]], on="frame").shape == (8, 9)
    result["well"] = "A1"
    assert set(result.table.pop("well")) == {"A1"}
    result.to_csv(tmp_path / "pandas.csv", index=False)
    assert len(pd.read_csv(tmp_path / "pandas.csv")) == 8
    assert str(result) == str(result.table)
    assert len(copy.copy(result)) == 8
    with pytest.raises(AttributeError):
        result.no_such_thing  # noqa: B018


def test_options_are_one_object_and_single_ones_may_be_named(night: Path, tmp_path: Path) -> None:
    model = load_model(fake_model(tmp_path / "run"))
    named = count(night, model, progress=False, single=True, minutes=5)
    given = count(night, model, None, CountOptions(single=True, minutes=5), progress=False)
    over = count(night, model, None, CountOptions(minutes=5), progress=False, single=True)
    pd.testing.assert_frame_equal(named.table, given.table)
    pd.testing.assert_frame_equal(named.table, over.table)
    with pytest.raises(TypeError, match="minute"):
        count(night, model, progress=False, minute=5)
    with pytest.raises(UserError) as refused:
        CountOptions(workers=0, minutes=-1)
    assert len(refused.value.problems) == 2


def test_a_count_with_a_report_gathers_its_inputs_once(
    night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twincell.counting import inputs

    calls = []
    real = inputs.gather

    def gather(*args: object) -> object:
        calls.append(args)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(inputs, "gather", gather)
    monkeypatch.setitem(count.__globals__, "gather", gather)
    model = str(fake_model(tmp_path / "run"))
    out, page = tmp_path / "counts.csv", tmp_path / "report.html"
    assert run(["count", model, str(night), "--out", str(out), "--report", str(page)]) == 0
    assert "night" in page.read_text()
    assert len(calls) == 1
