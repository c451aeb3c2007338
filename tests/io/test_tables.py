"""Tables for people: no cell becomes a formula, and every word is read back as it was."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twincell.io.tables import csv_for_people, guarded, read_table, unguarded

FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "'=1", "''@x"]


@pytest.mark.parametrize("word", FORMULAS)
def test_a_formula_is_text_in_a_spreadsheet_and_itself_again_when_read(word: str) -> None:
    assert guarded(word)[0] == "'"
    assert unguarded(guarded(word)) == word


@given(st.text())
def test_any_word_is_read_back_exactly(word: str) -> None:
    assert unguarded(guarded(word)) == word


def test_numbers_are_no_formulas(tmp_path: Path) -> None:
    table = pd.DataFrame({"chamber": ["=A1", "b", "-5"], "rate": ["-0.25", "1", ""], "n": [-1, 2, 3]})
    text = csv_for_people(table)
    assert text.splitlines() == ["chamber,rate,n", "'=A1,-0.25,-1", "b,1,2", "-5,,3"]
    (tmp_path / "t.csv").write_text(text)
    read = read_table(tmp_path / "t.csv", numbers={"rate", "n"}, names={"chamber"})
    assert read["chamber"].tolist() == ["=A1", "b", "-5"]
    assert read["rate"].tolist()[:2] == [-0.25, 1.0]
