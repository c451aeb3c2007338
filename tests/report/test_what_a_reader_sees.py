"""Labels with units, a lone chart as wide as the page, what an interval means, what was skipped."""

import re

import numpy as np
import pandas as pd
import pytest

from twincell.report.page import Page
from twincell.report.sections.curves import curves, interval_meaning
from twincell.report.sections.notes import caution
from twincell.series.growth.plots import columns_for


def counts(chambers: int = 1, frames: int = 10, timed: bool = True) -> pd.DataFrame:
    rows = [
        (f"c{c}", t, t / 2 if timed else np.nan, "i.png", t + 1.0, t + 1.0, t, t + 2, "")
        for c in range(chambers)
        for t in range(frames)
    ]
    names = ["chamber", "frame", "time_h", "image", "count", "count_frame", "lower", "upper", "flag"]
    return pd.DataFrame(rows, columns=names)


def body(table: pd.DataFrame) -> str:
    section = curves(table)
    assert section is not None
    return section.body


def test_axes_say_what_they_show_and_in_which_unit() -> None:
    for chambers in (1, 3):
        assert body(counts(chambers)).count(">time (h)</text>") == chambers
        assert body(counts(chambers)).count(">cells</text>") == chambers
    assert ">frame</text>" in body(counts(timed=False))


def test_the_only_chart_is_as_wide_as_the_page() -> None:
    widths = re.findall(r'<svg class="chart"[^>]* width="(\d+)"', body(counts(1)))
    assert widths == ["960"]
    assert "multiples single" in body(counts(1))
    assert "multiples single" not in body(counts(2))


def test_a_chart_can_be_enlarged_without_another_host() -> None:
    section = curves(counts(2))
    page = Page("t", "s", [section]).html()
    assert 'classList.toggle("large")' in page
    assert "figure.large" in page
    assert "Click a chart to enlarge it" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_what_an_interval_means_and_how_often_it_held() -> None:
    known = pd.DataFrame({"chamber": "c0", "frame": [1, 2, 3, 4], "count": [2.0, 3.0, 4.0, 99.0]})
    assert "held in 3 of 4 counted frames (75%)" in interval_meaning(counts(), known)
    assert "held in 1 of 1 counted frame (100%)" in interval_meaning(counts(), known[:1])
    assert "is not known" in interval_meaning(counts(), None)


def test_skipped_frames_are_listed_with_their_reason() -> None:
    table = counts()
    table.loc[3, ["count_frame", "flag"]] = [np.nan, "unreadable: cut short"]
    told = caution(table, [], ["position p1, frame 7, fault blurred"]).body
    assert "2 frames skipped, and why" in told
    assert "c0 frame 3: unreadable: cut short" in told
    assert "frame 7, fault blurred" in told


@pytest.mark.parametrize("chambers", range(1, 25))
def test_no_third_of_a_page_of_curves_is_blank(chambers: int) -> None:
    columns = columns_for(chambers)
    assert -chambers % columns / (chambers + -chambers % columns) < 0.2
