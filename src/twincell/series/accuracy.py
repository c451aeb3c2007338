"""What the series room is worth on labelled chambers: counts, intervals, growth and survival.

Tables in and out. Every chamber is read with constants that its own labels had no part in (see
`calibrate.without_each`); `twincell reproduce series` writes the tables.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from twincell.series.growth.rate import Growth, fit_growth
from twincell.series.growth.survival import fit_culture, outcome, survival
from twincell.series.smoothing.calibrate import shown_labels
from twincell.series.smoothing.error_model import SHOWN, ErrorModel
from twincell.series.smoothing.simulate import Culture, Errors, recordings_table
from twincell.series.smoothing.smooth import smooth

SEEN = ["chamber", "frame", "count_frame"]

FIRSTS, HORIZON = (50, 100, 150, 200), 200
"""Frames from which survival is foretold, and how far ahead."""

EVALUATIONS = 60
"""Sets of constants tried in each fit of the culture's life."""

DRAWS = 2000
"""Resamplings of the chambers behind an interval."""

GROUPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Probabilities foretold are compared with what happened in groups between these."""


def read_each(
    table: pd.DataFrame, constants: Mapping[str, ErrorModel], shown: int = 0
) -> dict[str, pd.DataFrame]:
    """Each chamber smoothed with its own constants, frames ascending, its labels still beside it.

    Args:
        table: columns chamber, frame, count_frame and label.
        constants: by chamber.
        shown: labels of each chamber that are given as counted frames.
    """
    found = {}
    for name, rows in table.groupby(table["chamber"].astype(str)):
        own = rows.sort_values("frame").reset_index(drop=True).assign(chamber=str(name))
        at = shown_labels(own, shown)
        labelled = own.loc[at, ["chamber", "frame", "label"]].rename(columns={"label": "count"})
        read = smooth(own[SEEN], labelled if len(labelled) else None, constants[str(name)])
        found[str(name)] = read.assign(label=own["label"])
    return found


def measure_growth(
    table: pd.DataFrame, constants: Mapping[str, ErrorModel], shown: Sequence[int] = (0, SHOWN)
) -> pd.DataFrame:
    """Growth of each chamber from its series beside the growth fitted to those labels it was not shown.

    Both are fitted between the first and the last of these labels: rates of different times need not agree.
    A label that the series was shown takes no part, or the reference would hold part of the answer.

    Returns:
        chamber, shown, labels (those not shown), verdict, verdict_labels, rate, rate_labels, ratio (rate /
        rate_labels) and ratio_whole (the same, fitted over the whole time whatever the phases).
    """
    rows = []
    for k in shown:
        for name, own in read_each(table, constants, k).items():
            labelled = own[own["label"].notna()].drop(index=shown_labels(own, k))
            span = own[own["frame"].between(labelled["frame"].min(), labelled["frame"].max())]
            read, counted = _fit(span, "count"), _fit(labelled, "label")
            rows.append(
                {
                    "chamber": name,
                    "shown": k,
                    "labels": len(labelled),
                    "verdict": read.verdict,
                    "verdict_labels": counted.verdict,
                    "rate": read.rate,
                    "rate_labels": counted.rate,
                    "ratio": read.rate / counted.rate,
                    "ratio_whole": read.rate_whole / counted.rate_whole,
                }
            )
    return pd.DataFrame(rows)


def _fit(rows: pd.DataFrame, column: str) -> Growth:
    return fit_growth(rows["frame"].to_numpy(float), rows[column].to_numpy(float))


def measure_survival(
    table: pd.DataFrame,
    constants: Mapping[str, ErrorModel],
    firsts: Sequence[int] = FIRSTS,
    horizon: int = HORIZON,
) -> pd.DataFrame:
    """Survival of each chamber foretold from its first frames by the lives of the others.

    Returns:
        chamber, first, foretold, happened (0 or 1 by the labels; NaN where the recording ends too early to
        say) and base (share of the other chambers that did).
    """
    whole = read_each(table, constants)
    lives = {name: _life(own) for name, own in whole.items()}
    cultures = {
        name: fit_culture([life for other, life in lives.items() if other != name], evaluations=EVALUATIONS)
        for name in lives
    }
    rows = []
    for first in firsts:
        for name, own in whole.items():
            early = own.loc[own["frame"] < own["frame"].min() + first, SEEN]
            read = _life(smooth(early, errors=constants[name]))
            labelled = own[own["label"].notna()]
            labels = np.interp(own["frame"], labelled["frame"], labelled["label"])
            happened = outcome(own["frame"].to_numpy(), labels, first, horizon)
            foretold = float(survival([read], cultures[name], horizon)[0])
            rows.append({"chamber": name, "first": first, "foretold": foretold, "happened": happened})
    return _with_base(pd.DataFrame(rows))


def simulated_survival(
    chambers: int, known: int, first: int = 150, horizon: int = HORIZON, seed: int = 0
) -> pd.DataFrame:
    """The same for simulated chambers; the culture's life is fitted to `known` further ones.

    A third of them hardly grows, some rest first, rates differ; the frame model errs as on the real ones.

    Args:
        chambers: to foretell.
        known: whose whole life is known.
        first: frames seen.
        horizon: frames ahead.
        seed: of all chance.
    """
    rng = np.random.default_rng(seed)
    made = [_culture(rng) for _ in range(chambers + known)]
    table = recordings_table(made, Errors(fast=0.1, slow=0.25, memory=100.0), first + horizon + 20, seed)
    name = table["chamber"].str[3:].astype(int)
    lives = [_life(own) for _, own in smooth(table.loc[name >= chambers, SEEN]).groupby("chamber")]
    culture = fit_culture(lives, evaluations=EVALUATIONS)
    seen = table[name < chambers]
    early = smooth(seen.loc[seen["frame"] <= first, SEEN])
    foretold = survival([_life(own) for _, own in early.groupby("chamber")], culture, horizon)
    happened = [
        outcome(own["frame"].to_numpy(), own["truth"].to_numpy(float), first, horizon)
        for _, own in seen.groupby("chamber")
    ]
    names = sorted(seen["chamber"].unique())
    return _with_base(
        pd.DataFrame({"chamber": names, "first": first, "foretold": foretold, "happened": happened})
    )


def _culture(rng: np.random.Generator) -> Culture:
    grows = rng.random() < 0.67
    division = rng.uniform(0.007, 0.018) if grows else rng.uniform(0.0, 0.003)
    return Culture(
        division=float(division),
        loss=float(rng.uniform(0.0, 0.003)),
        start=int(rng.integers(2, 7)),
        lag=int(rng.choice([0, 0, 60, 120])),
    )


def _life(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    ordered = rows.sort_values("frame")
    return ordered["frame"].to_numpy(), ordered["count"].to_numpy(float)


def _with_base(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds, for every chamber, the share of the others with the same `first` that grew."""
    group = rows.groupby("first")["happened"]
    others = group.transform("count") - rows["happened"].notna()
    sums = group.transform("sum") - rows["happened"].fillna(0.0)
    return rows.assign(base=sums / others.where(others > 0))


def survival_figures(rows: pd.DataFrame) -> pd.DataFrame:
    """Brier scores of what was foretold and of the base rate, over chambers whose end is known.

    One row for each `first`, and where there are several a last one, `all`, over all of them together. A
    chamber is foretold once for each `first`, and these forecasts are no independent ones: limits come from
    resampling chambers, each with all its forecasts.

    Returns:
        first, chambers, forecasts, grew (forecasts of chambers that did), brier, brier_base, skill
        (1 - brier / brier_base, percent) and the 95 % limits brier_low, brier_high, skill_low, skill_high.
    """
    known = rows.dropna(subset=["happened", "base"])
    squares = known.assign(
        brier=(known["foretold"] - known["happened"]) ** 2,
        brier_base=(known["base"] - known["happened"]) ** 2,
    )
    parts = [(first, own) for first, own in squares.groupby("first")]
    parts += [("all", squares)] if len(parts) > 1 else []
    return pd.DataFrame([{"first": first} | _scored(own) for first, own in parts])


def _scored(squares: pd.DataFrame) -> dict[str, float]:
    """Scores of one group of forecasts, with limits by chamber."""
    sums = squares.groupby("chamber")[["brier", "brier_base"]].sum() if "chamber" in squares else squares
    sizes = squares.groupby("chamber").size() if "chamber" in squares else pd.Series(1, squares.index)
    score, base, size = sums["brier"].to_numpy(), sums["brier_base"].to_numpy(), sizes.to_numpy()
    at = _resampled(len(score))
    with np.errstate(divide="ignore", invalid="ignore"):
        brier = score[at].sum(1) / size[at].sum(1)
        skill = 100 * (1 - score[at].sum(1) / base[at].sum(1))
    found = {
        "chambers": len(score),
        "forecasts": len(squares),
        "grew": int(squares["happened"].sum()),
        "brier": squares["brier"].mean(),
        "brier_base": squares["brier_base"].mean(),
        "skill": 100.0 * (1 - squares["brier"].mean() / squares["brier_base"].mean()),
    }
    for name, values in (("brier", brier), ("skill", skill)):
        low, high = np.quantile(values[np.isfinite(values)], (0.025, 0.975)) if len(score) else (np.nan,) * 2
        found |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return found


def reliability(rows: pd.DataFrame) -> pd.DataFrame:
    """What happened to chambers of like probability, with 95 % limits from resampling chambers.

    Returns:
        group, chambers, forecasts, foretold (mean), happened (share), happened_low and happened_high.
    """
    known = rows.dropna(subset=["happened"])
    names = [f"{low:g} to {high:g}" for low, high in pairwise(GROUPS)]
    group = pd.cut(known["foretold"], list(GROUPS), labels=names, include_lowest=True)
    found = []
    for name, own in known.groupby(group, observed=True):
        chamber = own["chamber"] if "chamber" in own else pd.Series(range(len(own)), own.index)
        each = own.groupby(chamber)["happened"].agg(["sum", "size"]).to_numpy(float)
        sums = each[_resampled(len(each))].sum(1)
        low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975))
        found.append(
            {
                "group": name,
                "chambers": len(each),
                "forecasts": len(own),
                "foretold": own["foretold"].mean(),
                "happened": own["happened"].mean(),
                "happened_low": low,
                "happened_high": high,
            }
        )
    return pd.DataFrame(found)


def _resampled(chambers: int) -> np.ndarray:
    """(DRAWS, chambers) places of chambers drawn with replacement."""
    return np.random.default_rng(0).integers(0, max(chambers, 1), (DRAWS, chambers))
