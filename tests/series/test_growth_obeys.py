"""Growth obeys flags, keeps every chamber whatever its name, and refuses rows that contradict each other."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twincell.cli import run
from twincell.errors import UserError
from twincell.series.growth.analysis import growth
from twincell.series.growth.request import read_counts

FRAMES = 60


def chamber(name: str, flag: str = "", start: float = 5.0) -> pd.DataFrame:
    """A chamber that doubles every 30 frames."""
    count = start * 2 ** (np.arange(FRAMES) / 30)
    return pd.DataFrame(
        {
            "chamber": name,
            "frame": np.arange(FRAMES),
            "count": count,
            "count_frame": count + 0.01 * np.arange(FRAMES),
            "lower": count - 1,
            "upper": count + 1,
            "flag": flag,
        }
    )


@pytest.mark.parametrize("flag", ["unlike training", "other modality", "empty; unlike training"])
def test_a_chamber_flagged_throughout_gets_no_rate_and_the_reason(flag: str) -> None:
    found = growth(pd.concat([chamber("bad", flag), chamber("good")])).set_index("chamber")
    assert found.loc["bad", "verdict"] == "not read"
    assert np.isnan(found.loc["bad", ["rate", "rate_low", "doubling", "survival"]].astype(float)).all()
    assert f"none of {FRAMES} frames can be used" in found.loc["bad", "reason"]
    assert f"{flag.split('; ')[-1]} ({FRAMES})" in found.loc["bad", "reason"]
    assert found.loc["good", "verdict"] == "growing"


def test_flagged_frames_take_no_part_and_the_share_is_said() -> None:
    table = chamber("A")
    spoiled = table.index[20:40]
    table.loc[spoiled, ["count", "flag"]] = [200.0, "unlike training"]
    clean, found = growth(chamber("A")).iloc[0], growth(table).iloc[0]
    assert found["rate"] == pytest.approx(clean["rate"], rel=0.05)
    assert found["frames"] == FRAMES - 20
    assert f"fitted to {FRAMES - 20} of {FRAMES} frames" in found["reason"]
    assert "fitted to" not in clean["reason"]


def test_chambers_of_any_name_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["NA", "nan", "None", "null", "007", "1e3", "=cmd|' /C calc'!A0", "-A", "'-A"]
    from twincell.counting.table import csv_text

    table = pd.concat([chamber(name) for name in names], ignore_index=True)
    (tmp_path / "counts.csv").write_text(csv_text(table.assign(time_h=np.nan, image="x.png")))
    assert list(read_counts(tmp_path / "counts.csv")["chamber"].unique()) == names
    words = ["growth", str(tmp_path / "counts.csv"), "--out", str(tmp_path / "g"), "--plots", "none"]
    assert run(words) == 0
    assert list(read_counts(tmp_path / "g" / "growth.csv")["chamber"]) == sorted(names)
    raw = (tmp_path / "g" / "growth.csv").read_text()
    assert "\n=cmd" not in raw
    assert "\n-A" not in raw


def test_unknown_numbers_may_be_written_in_words(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("chamber,frame,count,medium\nNA,1,NA,NA\nNA,2,3.5,NA\n")
    table = read_counts(tmp_path / "c.csv")
    assert table["count"].isna().tolist() == [True, False]
    assert table["medium"].tolist() == ["NA", "NA"]


def test_rows_that_contradict_each_other_are_refused_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.concat([chamber("A"), chamber("A").iloc[[3]].assign(count=30.0)])
    table.to_csv(tmp_path / "counts.csv", index=False)
    assert run(["growth", str(tmp_path / "counts.csv"), "--out", str(tmp_path / "g")]) == 2
    said = capsys.readouterr().err
    assert f"lines 5, {FRAMES + 2}: chamber 'A' frame 3 has several values of count" in said
    assert not (tmp_path / "g").exists()
    with pytest.raises(UserError, match="chamber 'A' frame 3"):
        growth(table)


def test_the_same_row_twice_is_no_fault() -> None:
    twice = pd.concat([chamber("A"), chamber("A").iloc[[3]]])
    assert growth(twice).iloc[0]["rate"] == growth(chamber("A")).iloc[0]["rate"]
