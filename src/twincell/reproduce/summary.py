"""Many trials as one table: pooled frames, spread over folds and seeds."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from twincell.evaluate.tables import markdown

Figures = Mapping[str, Any]


def summarise(trials: Iterable[Figures], by: tuple[str, ...]) -> pd.DataFrame:
    """One row per group and method.

    Frames of all trials of a group count alike: a figure is the mean of the trials' figures weighted by their
    labelled frames. `mae_error` is the standard error of the trials' MAE over folds and seeds (NaN for one
    trial); `seconds` the mean length of one training.

    Args:
        trials: what `run_trial` returned.
        by: keys that make a group, such as modality and k.
    """
    rows = []
    for trial in trials:
        for method, scores in trial["methods"].items():
            rows.append(
                {key: trial[key] for key in by}
                | {name: scores[name] for name in ("n", "mae", "mre", "accuracy", "mae_raw", "bias")}
                | {"method": method, "seed": trial["seed"], "seconds": trial["training_seconds"]}
            )
    table = pd.DataFrame(rows)
    keys = [*by, "method"]
    groups = table.groupby(keys, sort=False, dropna=False)
    return pd.DataFrame([dict(zip(keys, key, strict=True)) | _pooled(part) for key, part in groups])


def _pooled(part: pd.DataFrame) -> dict[str, float]:
    weights = part["n"] / part["n"].sum()
    spread = part["mae"].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan
    # A group's labels are counted once, however many seeds measured them.
    values = {"n": part["n"].sum() / part["seed"].nunique(), "trials": len(part)}
    for name in ("mae", "mre", "accuracy", "mae_raw", "bias"):
        values[name] = (part[name] * weights).sum()
    return values | {"mae_error": float(spread), "seconds": float(part["seconds"].mean())}


def as_markdown(table: pd.DataFrame, by: tuple[str, ...]) -> str:
    """The table of `summarise` for documents."""
    head = [*by, "method", "n", "trials", "MAE", "± s.e.", "MRE %", "accuracy %", "raw MAE", "bias", "s"]
    rows = []
    for _, row in table.iterrows():
        names = ["all" if key == "k" and pd.isna(row[key]) else _whole(row[key]) for key in by]
        timed = f"{row['seconds']:.0f}" if row["method"] == "model" else "-"
        rows.append(
            [*names, str(row["method"]), f"{row['n']:.0f}", f"{row['trials']:.0f}", f"{row['mae']:.3f}",
             "-" if pd.isna(row["mae_error"]) else f"{row['mae_error']:.3f}", f"{row['mre']:.2f}",
             f"{row['accuracy']:.1f}", f"{row['mae_raw']:.3f}", f"{row['bias']:+.3f}", timed]
        )  # fmt: skip
    return markdown(head, rows)


def _whole(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
