"""Stages as rows of a table and as curves, pooled over divisions and seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.reproduce.curve import CHECKPOINTS, NAME
from twincell.reproduce.experiment import Result
from twincell.reproduce.summary import summarise

BY = ("modality", "stage")
WITHOUT_IMAGES = ("constant median", "time interpolation")
SYNTHETIC = ("mae", "mre", "accuracy")
"""Figures on drawn test images that tables show."""
Key = tuple[str, str]  # modality, stage


def stage_rows(results: Sequence[Result]) -> pd.DataFrame:
    """One row per modality, stage and method, as `summarise` makes them, and `steps` of one training.

    `method` is model (the weights that the settings keep), max-acc or min-dev (chosen on validation
    chambers), or a baseline without images, which has no stage and stands once per modality. `best_accuracy`
    and `best_mae` are the best of the curve on the test images: what choosing on these, as the paper does,
    shows. `synthetic_mae`, `synthetic_mre` and `synthetic_accuracy` are those on drawn test images,
    `reconstruction` the mean squared error of unlabelled test images drawn again, in grey levels of 1.
    """
    table = summarise([r.figures | {"stage": r.job.stage} for r in results], BY)
    known = table["method"].isin(["model", *CHECKPOINTS])
    base = table[table["method"].isin(WITHOUT_IMAGES)].drop_duplicates(["modality", "method"])
    whole = pd.concat([table[known], base.assign(stage="", seconds=np.nan)], ignore_index=True)
    chosen = {key: best_on_test(curve) for key, curve in curves(results).items()}
    lengths = {(r.job.trial.modality, r.job.stage): last_step(r) for r in results}
    keys = list(zip(whole["modality"], whole["stage"], strict=True))
    whole["steps"] = [lengths.get(key, 0) for key in keys]
    trained = whole["method"] == "model"
    for name in SYNTHETIC:
        drawn = [on_drawn([r.figures for r in results if _key(r) == key], kind, name)
                 for key, kind in zip(keys, whole["method"], strict=True)]  # fmt: skip
        whole[f"synthetic_{name}"] = drawn
    drawn = [redrawn([r.figures for r in results if _key(r) == key]) for key in keys]
    whole["reconstruction"] = np.where(trained, drawn, np.nan)
    for column, place in (("best_accuracy", 0), ("best_mae", 1)):
        values = [chosen[key][place] if key in chosen else np.nan for key in keys]
        whole[column] = np.where(trained, values, np.nan)
    return whole


def stage_markdown(table: pd.DataFrame, names: Mapping[str, str]) -> str:
    """The table of `stage_rows`; `names` gives a stage its words."""
    head = ["", "training", "checkpoint", "steps", "n", "trials", "MAE", "± s.e.", "MRE %", "accuracy %",
            "best acc. on test %", "MAE on synthetic", "MRE on synthetic %", "s"]  # fmt: skip
    rows = []
    for _, row in table.iterrows():
        stage = names.get(row["stage"], row["stage"]) or row["method"]
        checkpoint = row["method"] if row["stage"] else "-"
        rows.append(
            [row["modality"].upper(), stage, checkpoint, f"{row['steps']}" if row["steps"] else "-",
             f"{row['n']:.0f}", f"{row['trials']:.0f}",
             f"{row['mae']:.3f}", _or_dash(row["mae_error"], ".3f"), f"{row['mre']:.2f}",
             f"{row['accuracy']:.1f}", _or_dash(row["best_accuracy"], ".1f"),
             _or_dash(row["synthetic_mae"], ".3f"), _or_dash(row["synthetic_mre"], ".2f"),
             _or_dash(row["seconds"], ".0f")]
        )  # fmt: skip
    return markdown(head, rows)


def write_stages(
    out: Path, title: str, table: pd.DataFrame, names: Mapping[str, str], below: str = ""
) -> str:
    """Writes `title`.csv and `title`.md, the latter with the words `below` under the table; returns it."""
    text = stage_markdown(table, names) + below
    write_atomic(out / f"{title}.csv", table.to_csv(index=False))
    write_atomic(out / f"{title}.md", text)
    return text


def curves(results: Sequence[Result]) -> dict[Key, pd.DataFrame]:
    """Test figures along training by modality and stage: columns step, accuracy, mae, frames of all trials.

    Trials are weighted by their labelled frames; steps that not every trial of a stage has are left out, as
    after an early stop.
    """
    parts: dict[Key, list[pd.DataFrame]] = {}
    for result in results:
        path = result.job.run / NAME
        if path.exists():
            table = pd.read_csv(path)
            own = table[table["images"] == "test"]
            parts.setdefault((result.job.trial.modality, result.job.stage), []).append(own)
    return {key: _pooled(own) for key, own in parts.items() if any(len(part) for part in own)}


def best_on_test(curve: pd.DataFrame) -> tuple[float, float]:
    """Highest accuracy in percent and smallest MAE along a curve."""
    return float(curve["accuracy"].max()), float(curve["mae"].min())


def reached(curve: pd.DataFrame, mae: float) -> int | None:
    """The first step of a curve whose MAE is no larger than `mae`; None if there is none."""
    there = curve["step"][curve["mae"] <= mae]
    return int(there.iloc[0]) if len(there) else None


def last_step(result: Result) -> int:
    """Steps a training took."""
    from twincell.models.base.file import load_card

    return load_card(result.job.run).steps


def on_drawn(trials: Sequence[Mapping[str, Any]], method: str, name: str) -> float:
    """The mean of a figure on drawn test images over trials, of the model or a checkpoint; NaN without any.

    Results of release 1 know the model's alone.
    """
    known = [trial["synthetic"] for trial in trials if trial.get("synthetic")]
    own = [figures.get(method) if "model" in figures else figures for figures in known
           if "model" in figures or method == "model"]  # fmt: skip
    values = [figures[name] for figures in own if figures]
    return float(np.mean(values)) if values else float("nan")


def redrawn(trials: Sequence[Mapping[str, Any]]) -> float:
    """Mean squared error of unlabelled test images drawn again, over all trials' images; NaN without any."""
    known = [trial["reconstruction"] for trial in trials if trial.get("reconstruction")]
    images = sum(found["n"] for found in known)
    return sum(found["n"] * found["mse"] for found in known) / images if images else float("nan")


def _key(result: Result) -> Key:
    return result.job.trial.modality, result.job.stage


def _pooled(parts: list[pd.DataFrame]) -> pd.DataFrame:
    whole = pd.concat(parts)
    weighted = whole.assign(accuracy=whole["accuracy"] * whole["n"], mae=whole["mae"] * whole["n"])
    sums = weighted.groupby("step").agg(
        n=("n", "sum"), accuracy=("accuracy", "sum"), mae=("mae", "sum"), trials=("n", "size")
    )
    sums = sums[sums["trials"] == len(parts)]
    return pd.DataFrame(
        {"step": sums.index, "accuracy": sums["accuracy"] / sums["n"], "mae": sums["mae"] / sums["n"]}
    ).reset_index(drop=True)


def _or_dash(value: float, form: str) -> str:
    return "-" if pd.isna(value) else f"{value:{form}}"
