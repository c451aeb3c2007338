"""Tables and figure of docs/results/labs.md, from the CSV that tools/adaptation_table.py measured.

python tools/labs_page.py docs/results/labs.csv docs/results/labs.png
"""

import argparse
import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

GOALS = {
    ("none", 0): 0.70,
    ("dotted", 5): 0.60,
    ("counted", 20): 0.60,
    ("dotted", 20): 0.42,
    ("dotted", 100): 0.36,
}
HEAD = (
    "labels",
    "draws",
    "MAE",
    "goal",
    "accuracy %",
    "bias",
    "90 % intervals hold",
    "wide",
    "foretold",
    "CPU s",
)


def spread(values: pd.Series) -> str:
    """Mean and standard error over draws."""
    values = values.dropna()
    if values.empty:
        return "-"
    if len(values) == 1:
        return f"{values.iloc[0]:.3f}"
    return f"{values.mean():.3f} ± {values.std() / math.sqrt(len(values)):.3f}"


def plain(values: pd.Series, form: str) -> str:
    """The mean, a dash where nothing was measured."""
    return "-" if values.dropna().empty else f"{values.mean():{form}}"


def adapted(rows: pd.DataFrame) -> list[list[str]]:
    """One row a case of the adaptation."""
    made = []
    for (number, kind), part in rows.groupby(["number", "labels"]):
        goal = GOALS.get((str(kind), int(str(number))))
        made.append(
            [
                "none" if number == 0 else f"{number} {kind}",
                str(len(part)),
                spread(part["mae"]),
                "-" if goal is None else f"{goal:.2f}",
                plain(part["accuracy"], ".1f"),
                plain(part["bias"], "+.2f"),
                plain(part["coverage"], ".1f"),
                plain(part["width"], ".1f"),
                plain(part["expected_mae"], ".2f"),
                plain(part["cpu_seconds"], ".0f"),
            ]
        )
    return made


def against(rows: pd.DataFrame) -> list[list[str]]:
    """The other methods beside it, one row a case."""
    methods = ("start", "adapt", "plain", "scratch", "constant")
    made = []
    for (number, kind), part in rows[rows["number"] > 0].groupby(["number", "labels"]):
        shown = [spread(part.loc[part["method"] == method, "mae"]) for method in methods]
        made.append([f"{number} {kind}", *shown])
    return made


def markdown(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def figure(rows: pd.DataFrame, out: Path) -> None:
    """Error over the number of labels, each draw a dot."""
    fig, axes = plt.subplots(figsize=(7, 4.2), dpi=130)
    kinds = {"dotted": ("tab:blue", "cells clicked"), "counted": ("tab:orange", "images counted")}
    own = rows[rows["method"] == "adapt"]
    for kind, (colour, said) in kinds.items():
        part = own[own["labels"] == kind]
        mean = part.groupby("number")["mae"].mean()
        axes.plot(mean.index, mean.to_numpy(), "o-", color=colour, label=said)
        axes.plot(part["number"] * 1.04, part["mae"], ".", color=colour, alpha=0.45)
    start = rows[rows["method"] == "start"]["mae"].mean()
    axes.axhline(start, color="grey", ls="--", label="any, without labels")
    goals = {number: goal for (kind, number), goal in GOALS.items() if kind == "dotted"}
    axes.plot(list(goals), list(goals.values()), "k_", ms=16, label="goal, cells clicked")
    axes.set_xscale("log")
    axes.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.set(xlabel="labelled images", ylabel="mean absolute error (cells)", ylim=(0, None))
    axes.set_title("LDC, 200 images that gave no label: `any` adapted, a dot a draw", fontsize=10)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(out)


def main() -> None:
    """Prints the tables and writes the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("png", type=Path)
    asked = parser.parse_args()
    rows = pd.read_csv(asked.csv)
    for lab, part in rows.groupby("lab", sort=False):
        own = part[(part["method"] == "adapt") | (part["number"] == 0)]
        print(f"## {lab}\n\n{markdown(HEAD, adapted(own))}")
        print(markdown(("labels", "start", "adapted", "plain", "scratch", "constant"), against(part)))
    figure(rows[rows["lab"] == "ldc"], asked.png)


if __name__ == "__main__":
    main()
