"""The table of faults: every test that it names is there."""

import re
from pathlib import Path

import pytest

from helpers.shown import ROOT

PAGE = ROOT / "docs" / "reference" / "robustness.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "| fault |" not in line]


def test_there_are_at_least_eighty_rows_and_none_twice() -> None:
    rows = [row for row in ROWS if row.count("|") == 4]
    assert len(rows) >= 80
    assert len({row.split("|")[1] for row in rows}) == len(rows)
    assert f"{len(rows)} rows" in PAGE.read_text()


@pytest.mark.parametrize("row", [row for row in ROWS if row.count("|") == 4], ids=lambda row: row[2:60])
def test_every_test_named_is_there(row: str) -> None:
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", row.split("|")[3])
    assert named, row
    for file, function in named:
        text = (ROOT / "tests" / Path(file)).read_text()
        assert f"def {function}(" in text if function else "def test_" in text, f"{file}::{function}"
