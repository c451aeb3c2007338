"""Figures as the cells of tables, and tables as Markdown."""

import math
from collections.abc import Sequence

from twincell.evaluate.metrics import Figures, Scores

HEAD = ("n", "MAE", "MRE %", "accuracy %", "raw MAE", "bias")
EXPLAINED = "MAE, MRE and accuracy from rounded counts; raw MAE and bias from the counts before rounding."


def cells(figures: Figures | Scores) -> list[str]:
    """The six figures in the order of `HEAD`, with a dash where one has no meaning."""
    values = (figures.mae, figures.mre, figures.accuracy, figures.mae_raw, figures.bias)
    shown = [
        f"{value:{form}}" for value, form in zip(values, (".3f", ".2f", ".1f", ".3f", "+.3f"), strict=True)
    ]
    pairs = zip(values, shown, strict=True)
    return [str(figures.n), *("-" if math.isnan(value) else text for value, text in pairs)]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left and the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
