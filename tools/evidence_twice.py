"""Whether an estimate at a counted frame may speak twice: once for the chamber's bias, once for the count.

    python tools/evidence_twice.py --out docs/results/evidence-twice.csv

Simulated chambers, five labels of each shown, the others scored: as it is, with the estimate at a counted
frame left out of the chain, and with those beside it (whose median the bias is read from) left out as well.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from twincell.files import write_atomic
from twincell.series.smoothing import posterior
from twincell.series.smoothing.calibrate import shown_labels
from twincell.series.smoothing.chamber import ChamberSeries
from twincell.series.smoothing.error_model import SHOWN
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table
from twincell.series.smoothing.smooth import smooth

WAYS = {"twice": None, "once": 0, "once, neighbours too": 1}
SLOW = (0.15, 0.3)


def chambers(n: int, slow: float, seed: int) -> pd.DataFrame:
    """Recordings of n simulated chambers whose frame model errs by `slow`."""
    rng = np.random.default_rng(seed)
    cultures = [
        Culture(
            division=float(rng.uniform(0.002, 0.016)),
            loss=float(rng.uniform(0, 0.003)),
            start=int(rng.integers(2, 7)),
        )
        for _ in range(n)
    ]
    return recordings_table(cultures, Errors(fast=0.1, slow=slow, memory=100.0), 260, seed)


@contextmanager
def speaking(around: int | None) -> Iterator[None]:
    """Estimates up to `around` frames from a counted one are left out of the chain; None = none are."""
    usual: Callable = posterior._likelihood

    def quieter(batch: list[ChamberSeries], *rest: object) -> np.ndarray:
        made = []
        for recording in batch:
            estimate = recording.estimate.copy()
            for at in np.flatnonzero(recording.counted >= 0):
                estimate[max(0, at - (around or 0)) : at + (around or 0) + 1] = np.nan
            made.append(replace(recording, estimate=estimate))
        return usual(made, *rest)

    posterior._likelihood = usual if around is None else quieter
    try:
        yield
    finally:
        posterior._likelihood = usual


def measured(table: pd.DataFrame, around: int | None) -> dict[str, float]:
    """Errors and intervals at the labels that were not shown."""
    shown = [at for _, own in table.groupby("chamber") for at in shown_labels(own, SHOWN)]
    counted = table.loc[shown, ["chamber", "frame", "label"]].rename(columns={"label": "count"})
    started = process_time()
    with speaking(around):
        read = smooth(table[["chamber", "frame", "count_frame"]], counted)
    rest = table.drop(index=shown).merge(read, on=["chamber", "frame"], suffixes=("", "_read"))
    labelled = rest[rest["label"].notna()]
    held = labelled["label"].between(labelled["lower"], labelled["upper"])
    return {
        "labels": len(labelled),
        "mae_label": float((labelled["count"].round() - labelled["label"]).abs().mean()),
        "mae_truth": float((rest["count"] - rest["truth"]).abs().mean()),
        "coverage": 100 * float(held.mean()),
        "width": float((labelled["upper"] - labelled["lower"]).mean()),
        "cpu_seconds": process_time() - started,
    }


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--chambers", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    rows = []
    for slow in SLOW:
        table = chambers(asked.chambers, slow, asked.seed)
        for name, around in WAYS.items():
            rows.append({"slow": slow, "chambers": asked.chambers, "way": name} | measured(table, around))
    write_atomic(asked.out, pd.DataFrame(rows).to_csv(index=False, float_format="%.5g"))


if __name__ == "__main__":
    main()
