"""CSV tables for people and programs: text stays text, and no cell becomes a formula in a spreadsheet."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

BLANK_NUMBERS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None", "<NA>")
"""How programs write a number that is not known. In a column of names each of these is a name."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def guarded(text: str) -> str:
    """Text that a spreadsheet shows as it is: an apostrophe before what it would read as a formula.

    `unguarded` gives back any text exactly: one that begins with apostrophes and such a sign gets one more.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Text as it was before `guarded`."""
    return text[1:] if _GUARDED.match(text) else text


def csv_for_people(table: pd.DataFrame, **options: Any) -> str:
    """Write a table as CSV with its words guarded; numbers, also negative ones, stay as they are."""
    shown = table.copy()
    for name in shown.columns:
        if not pd.api.types.is_numeric_dtype(shown[name]):
            shown[name] = [
                guarded(cell) if isinstance(cell, str) and not _is_number(cell) else cell
                for cell in shown[name]
            ]
    return shown.to_csv(index=False, lineterminator="\n", **options)


def read_table(path: Path, numbers: Collection[str], names: Collection[str]) -> pd.DataFrame:
    """Read a CSV table in which only the columns of numbers may say in words that a number is unknown.

    A chamber may be called NA, nan or 007: a blank cell alone is no name.

    Args:
        path: the file.
        numbers: columns of numbers; blank and `BLANK_NUMBERS` are NaN there.
        names: columns of words, blank = NaN; all others are what they look like.

    Raises:
        pandas' own errors, for a file that is no table.
    """
    columns = [str(name) for name in pd.read_csv(path, nrows=0).columns]
    table = pd.read_csv(
        path,
        dtype={name: str for name in names if name in columns},
        keep_default_na=False,
        na_values={name: list(BLANK_NUMBERS) if name in numbers else [""] for name in columns},
    )
    for name in columns:
        if not pd.api.types.is_numeric_dtype(table[name]) and name not in numbers:
            hit = table[name].map(lambda cell: isinstance(cell, str) and unguarded(cell) != cell).astype(bool)
            table.loc[hit, name] = table.loc[hit, name].map(unguarded)
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
