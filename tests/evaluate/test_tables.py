"""Figures as cells of tables."""

import math

from twincell.evaluate.metrics import Figures
from twincell.evaluate.tables import HEAD, cells, markdown


def test_each_figure_has_its_digits_and_a_dash_where_it_has_no_meaning() -> None:
    figures = Figures(n=12, mae=0.1234, mre=math.nan, accuracy=61.26, mae_raw=0.98765, bias=-0.0456)
    assert cells(figures) == ["12", "0.123", "-", "61.3", "0.988", "-0.046"]
    assert len(HEAD) == 6


def test_markdown_keeps_columns_apart() -> None:
    assert markdown(["", "n"], [["a", "1"]]) == "|  | n |\n| --- | ---: |\n| a | 1 |\n"
