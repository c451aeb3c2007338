"""The paper's own figures, from the data file beside this code."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

FILE = Path(__file__).with_name("paper_figures.yaml")
NONE = (np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class PaperRow:
    """One row of Table 2.

    Attributes:
        method: its name there.
        natural, synthetic: MAE in cells, MRE and accuracy in percent on natural and on synthetic test images;
            NaN where the paper gives none.
        seconds: of training; NaN where not given.
    """

    method: str
    natural: tuple[float, float, float]
    synthetic: tuple[float, float, float]
    seconds: float


def table2(modality: str) -> list[PaperRow]:
    """The rows of Table 2 for bf or pc, in its order; none for other modalities."""
    rows = _data()["table2"].get(modality, {})
    return [
        PaperRow(name, _three(row["natural"]), _three(row.get("synthetic")), _number(row["seconds"]))
        for name, row in rows.items()
    ]


def figure14(modality: str) -> dict[str, dict[int, float]]:
    """MRE in percent by count (1, 2, ... cells) of the series behind Figure 14; none for other modalities."""
    series = _data()["figure14"].get(modality, {})
    return {
        name: {count: 100 * value for count, value in enumerate(values, 1)} for name, values in series.items()
    }


def machine() -> str:
    """What the paper's seconds were measured on."""
    return str(_data()["machine"])


@cache
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _three(values: list[float | None] | None) -> tuple[float, float, float]:
    if values is None:
        return NONE
    first, second, third = map(_number, values)
    return first, second, third


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
