"""What reading whole time-lapses is worth, on the chambers that leave-chamber-out held out."""

from collections.abc import Sequence
from time import process_time

import pandas as pd

from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.protocols import chamber_jobs
from twincell.reproduce.request import Request
from twincell.reproduce.trial import frames_of
from twincell.series.accuracy import (
    measure_growth,
    measure_survival,
    reliability,
    simulated_survival,
    survival_figures,
)
from twincell.series.smoothing.calibrate import score_each, summary, without_each

SIMULATED, KNOWN = 500, 40
"""Simulated chambers whose survival is foretold, and those whose whole life is known."""

NEAR = 0.1
"""Rates that differ by less than this share are the same."""


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes series*.csv and series.md from the frames of the finished trials, each seed by itself.

    `series.csv`: error, interval and gain of frame and series, with 0 and 5 counted frames, `series-chambers`
    the same by chamber, `series-labels` every label with what was said of it; `series-growth` and
    `series-survival` each chamber, `series-foretold` Brier scores, `series-reliability` groups of them.
    """
    started = process_time()
    read = frames(results)
    every = [_measured(read[read["seed"] == seed], int(seed)) for seed in sorted(read["seed"].unique())]
    tables = {name: pd.concat([one[name] for one in every], ignore_index=True) for name in every[0]}
    tables["reliability"] = pd.concat(
        [reliability(own).assign(kind=kind) for kind, own in tables["survival"].groupby("kind", sort=False)]
    )
    seconds = process_time() - started
    for name, table in tables.items():
        file = "series.csv" if name == "counts" else f"series-{name}.csv"
        write_atomic(request.out / file, table.to_csv(index=False, float_format="%.5g", lineterminator="\n"))
    text = _as_markdown(tables, seconds)
    write_atomic(request.out / "series.md", text)
    return text


def frames(results: Sequence[Result]) -> pd.DataFrame:
    """All frames of the trials: modality, chamber, frame, label, seed, alone (what the image alone says) and
    count_frame (standing dirt taken off, where the method can, as `twincell count` does)."""
    table = frames_of([(result.job.folder, result.job.trial) for result in results])
    table["alone"] = table["predicted"]
    table["count_frame"] = table["in_series"].fillna(table["predicted"])
    return table[["modality", "chamber", "frame", "label", "seed", "alone", "count_frame"]]


def _measured(table: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    constants = without_each(table)
    labels = score_each(table, constants).merge(
        table[["modality", "chamber", "frame", "alone"]], on=["chamber", "frame"]
    )
    by_modality = summary(labels).reset_index()
    over_all = summary(labels.drop(columns="modality")).reset_index().assign(modality="all")
    by_chamber = summary(labels.assign(modality=labels["chamber"])).reset_index()
    real = measure_survival(table, constants)
    drawn = simulated_survival(SIMULATED, KNOWN, seed=seed)
    both = [real.assign(kind="recorded"), drawn.assign(kind="simulated")]
    foretold = [survival_figures(own).assign(kind=own["kind"].iloc[0]) for own in both]
    found = {
        "counts": pd.concat([by_modality, over_all], ignore_index=True),
        "chambers": by_chamber.rename(columns={"modality": "chamber"}),
        "labels": labels,
        "growth": measure_growth(table, constants),
        "survival": pd.concat(both, ignore_index=True),
        "foretold": pd.concat(foretold, ignore_index=True),
    }
    return {name: part.assign(seed=seed) for name, part in found.items()}


def _as_markdown(tables: dict[str, pd.DataFrame], seconds: float) -> str:
    growth = tables["growth"]
    parts = [
        "Counts and 90 % intervals, each chamber read with constants from all the others:\n",
        _table(
            tables["counts"],
            {
                "modality": "", "shown": "counted frames", "n": "n", "mae_frame": "MAE frame",
                "mae_series": "MAE series", "better": "better %", "mae_none": "MAE none counted",
                "helped": "helped %", "coverage": "coverage %", "width": "width",
            },
        ),
        "\nGrowth rates of the series beside those fitted to the labels it was not shown:\n",
        *(_near(growth[growth["shown"] == k], int(k)) for k in sorted(growth["shown"].unique())),
        "\n",
        _table(
            growth,
            {
                "chamber": "chamber", "shown": "counted frames", "labels": "labels",
                "verdict_labels": "labels say",
                "verdict": "series says", "rate_labels": "rate of labels", "rate": "rate", "ratio": "ratio",
                "ratio_whole": "ratio, phases aside",
            },
        ),
        "\nSurvival (1.5 times as many cells 200 frames on) foretold from the first frames, 95 % limits by "
        "resampling chambers:\n",
        _table(
            tables["foretold"],
            {
                "kind": "recordings", "first": "frames", "chambers": "chambers", "forecasts": "forecasts",
                "grew": "grew", "brier": "Brier", "brier_low": "low", "brier_high": "high",
                "brier_base": "of base rate", "skill": "skill %", "skill_low": "low", "skill_high": "high",
            },
        ),
        "",
        _table(
            tables["reliability"],
            {
                "kind": "", "group": "foretold", "chambers": "chambers", "forecasts": "forecasts",
                "foretold": "mean", "happened": "happened", "happened_low": "low", "happened_high": "high",
            },
        ),
        f"\nMeasured in {seconds:.0f} s of one CPU core, the trainings not counted.\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _near(growth: pd.DataFrame, shown: int) -> str:
    growing = growth[growth["verdict_labels"] == "growing"]
    near, whole = (int(((growing[name] - 1).abs() <= NEAR).sum()) for name in ("ratio", "ratio_whole"))
    still = growth.loc[growth["verdict"].isin(["not growing", "shrinking"]), "chamber"].unique()
    return (
        f"- {shown} counted frames: within 10 % in {near} of {len(growing)} growing chambers ({whole} over "
        f"the whole time, phases aside); named as not growing: {', '.join(still) or 'none'}"
    )


def _table(table: pd.DataFrame, columns: dict[str, str]) -> str:
    rows = [[_cell(row[name]) for name in columns] for row in table.to_dict("records")]
    return markdown(list(columns.values()), rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.4g}"
    return str(value)


EXPERIMENT = Experiment(
    "series",
    "whole time-lapses: counts, intervals, growth and survival, leave-chamber-out",
    chamber_jobs,
    tell,
)
