"""Every figure in a table of README and of the results stands in a CSV, and is computed from it again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.shown import ROOT

RESULTS = ROOT / "docs" / "results"
DECIMAL = re.compile(r"(?<![\d.])[+-−]?\d[\d,]*\.\d+(?![\d.]*\w)")
RANGE = re.compile(r"[\d.]+ to [\d.]+")
"""The name of a group, no figure."""
WITHOUT = {
    # Rows with figures that no CSV holds, by page: their number may not grow.
    "README.md": (1, "a mean over draws; the CSV has each"),
    "docs/results/withheld.md": (2, "measured by reviewers; only what they wrote down is there"),
    "docs/results/adaptation.md": (4, "several draws in one cell; the CSV has each"),
    "docs/results/labs.md": (13, "means over draws and medians; the CSV has each draw"),
    "docs/results/match.md": (6, "means over draws and seeds; the CSVs have each"),
    "docs/results/queue.md": (12, "several numbers of frames in a row; the CSV has each"),
    "docs/results/corruptions.md": (17, "three figures of five strengths in a row; the CSV has each"),
    "docs/results/series.md": (1, "a goal, with what is said of it in words"),
    "docs/results/figure14.md": (5, "means over a CSV's rows; computed anew below"),
    "docs/results/paper.md": (7, "findings in words, taken from several CSVs each"),
}


@dataclass(frozen=True)
class Row:
    """One row of a page's table: its page, its text and its decimals as printed."""

    page: str
    text: str
    figures: tuple[str, ...]


def rows(page: Path) -> Iterator[Row]:
    """Rows with a decimal, but for the paper's own figures, which have a data file of their own."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("|") and "the paper's test labels" not in line:
            figures = tuple(DECIMAL.findall(RANGE.sub("", line.replace("**", ""))))
            if figures:
                yield Row(page.relative_to(ROOT).as_posix(), line, figures)


@cache
def tables() -> dict[str, np.ndarray]:
    """The numbers of every CSV beside the results, (rows, columns), NaN where there is none."""
    found = {}
    for path in sorted(RESULTS.rglob("*.csv")):
        table = pd.read_csv(path).apply(pd.to_numeric, errors="coerce")
        found[path.relative_to(RESULTS).as_posix()] = table.to_numpy(float)
    return found


def printed_as(values: np.ndarray, figure: str) -> np.ndarray:
    """Which values are printed as this figure, at its own number of decimals."""
    digits = len(figure.partition(".")[2])
    number = float(figure.replace(",", "").replace("−", "-"))
    # Half a unit of the last place, and a hair for halves that either way of rounding may take.
    near = [np.abs(values * unit - number) <= 0.5000001 * 10.0**-digits for unit in (1.0, 1e-6)]
    return near[0] | (near[1] & (values > 1e4))  # parameters are shown in millions


def stands_in(figures: tuple[str, ...], table: np.ndarray) -> bool:
    """Whether one or two rows of the table, or one of its columns, hold all the figures.

    Two rows, as pages set bright field and phase contrast side by side.
    """
    held = np.stack([printed_as(table, figure) for figure in figures])  # figures, rows, columns
    if len(figures) > 1 and held.any(1).all(0).any():
        return True
    by_row = held.any(2)  # figures, rows
    if by_row.all(0).any():
        return True
    return any((by_row | by_row[:, [row]]).all(0).any() for row in np.flatnonzero(by_row.any(0)))


def missing(page: Path) -> list[str]:
    return [row.text for row in rows(page) if not any(stands_in(row.figures, t) for t in tables().values())]


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(RESULTS.rglob("*.md"))], ids=lambda p: p.name)
def test_every_figure_of_a_table_stands_in_a_csv(page: Path) -> None:
    name = page.relative_to(ROOT).as_posix()
    lost = missing(page)
    assert len(lost) <= WITHOUT.get(name, (0, ""))[0], "\n".join(lost)


def test_a_figure_that_is_off_by_one_unit_is_noticed() -> None:
    table = np.array([[0.5623, 5.512, 59.07], [0.2871, 2.89, 74.64]])
    assert stands_in(("0.562", "5.51", "59.1"), table)
    assert not stands_in(("0.563", "5.51", "59.1"), table)
    assert stands_in(("0.562", "0.287"), table)  # one column
    three = np.array([[0.1, 7.0], [0.2, 8.0], [0.3, 9.0]])
    assert not stands_in(("0.1", "8.0", "9.0"), three)  # three rows


def test_means_of_figure14_are_those_of_its_csv() -> None:
    table = pd.read_csv(RESULTS / "figure14.csv")
    means = table.groupby(["modality", "series"])["mre"].mean()
    for line in (RESULTS / "figure14.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] in ("BF", "PC"):
            assert means[cells[0].lower(), cells[1]] == pytest.approx(float(cells[4]), abs=0.00501), cells[1]


def test_every_csv_is_linked_from_a_page() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in [*RESULTS.rglob("*.md"), ROOT / "README.md"])
    told += "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "explanation").glob("*.md"))
    lonely = [name for name in tables() if Path(name).name not in told]
    assert lonely == []
