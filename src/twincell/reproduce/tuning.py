"""The paper's Figure 9: each parameter of a search's space varied alone around the preset, over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from twincell.config import Settings
from twincell.errors import UserError
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.plots import save_figure
from twincell.reproduce.protocols import jobs_of_protocol
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job
from twincell.tuning.panels import Panel, draw
from twincell.tuning.space import Parameter, read_space
from twincell.tuning.tune import need_steps, started

FOLDER, PRESET = "tuning", "preset"
NOTES = """\
**Not comparable with the paper's Figure 9 as they stand:** the paper varied its Twin-VAE's transfer from
phase contrast to bright field over thousands of epochs and looked at accuracy on its test images. Here the
preset in settings.yaml is varied, at its own length, measured as each row says, by the mean absolute error.

Each parameter is varied alone; everything else stays as in the preset. *Difference* is the MAE less the
preset's on the same frames with the same seed, ± its standard error over divisions and seeds: where it is
smaller than two of these, the value cannot be told from the preset's. Values of one parameter share their
seeds.
"""


@dataclass(frozen=True)
class Variation:
    """The preset with one parameter at another value; both None for the preset itself."""

    parameter: Parameter | None
    value: Any
    settings: Settings

    @property
    def folder(self) -> str:
        """Where its trainings lie."""
        if self.parameter is None:
            return f"{FOLDER}/{PRESET}"
        name = f"{self.parameter.name}={self.value}"
        return f"{FOLDER}/{name.replace(' ', '-').replace('/', '-')}"


def variations(request: Request, modality: str) -> list[Variation]:
    """The preset and every listed value of every parameter, or of those asked for.

    Raises:
        UserError: for a method without steps, or a parameter that the preset's space does not have.
    """
    settings = started(request.settings_for(modality), request.start)
    need_steps(settings)
    parameters = {p.name: p for p in read_space(settings).parameters}
    if unknown := [row for row in request.rows or () if row not in parameters]:
        raise UserError(
            [f"--rows {row}: is no parameter of this space; use {', '.join(parameters)}" for row in unknown]
        )
    found = [Variation(None, None, settings)]
    for name in request.rows or parameters:
        parameter = parameters[name]
        others = [value for value in parameter.values if value != parameter.own]
        found += [Variation(parameter, v, settings.changed(parameter.changes(v))) for v in others]
    return found


def jobs(request: Request) -> list[Job]:
    """Each variation on every division and seed of the protocol asked for."""
    trials = jobs_of_protocol(request)
    return [
        replace(job, settings=varied.settings, folder=request.out / varied.folder / job.trial.name)
        for modality in request.modalities
        for varied in variations(request, modality)
        for job in trials
        if job.trial.modality == modality
    ]


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes tuning.csv, tuning.md and a figure for each modality, tuning-MODALITY.png."""
    parts, texts = [], []
    for modality in request.modalities:
        trials = _trials(request, modality, results)
        if trials.empty or PRESET not in set(trials["folder"]):
            continue  # nothing to compare with yet
        varied = variations(request, modality)
        parts.append(_table(modality, varied, trials))
        panels = _panels(varied, trials)
        if panels:
            figure = draw(panels, "MAE on the images counted (cells)", "one seed", "")
            save_figure(request.out / f"tuning-{modality}.png", figure)
        texts.append(f"\n## {modality.upper()}\n\n{_markdown(parts[-1])}")
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    text = NOTES + "".join(texts)
    write_atomic(request.out / "tuning.csv", table.to_csv(index=False))
    write_atomic(request.out / "tuning.md", text)
    return text


def _trials(request: Request, modality: str, results: Sequence[Result]) -> pd.DataFrame:
    """A row per finished training: folder of its variation, seed, fold, n, mae, accuracy, seconds."""
    rows = []
    for result in results:
        own, trial = result.figures["methods"]["model"], result.job.trial
        if trial.modality == modality and own["n"]:  # a division may leave no label to measure on
            rows.append(
                {"folder": result.job.folder.parent.name, "seed": trial.seed, "fold": trial.fold}
                | {name: own[name] for name in ("n", "mae", "accuracy")}
                | {"seconds": result.figures["training_seconds"], "protocol": trial.protocol}
            )
    columns = ["folder", "seed", "fold", "n", "mae", "accuracy", "seconds", "protocol"]
    return pd.DataFrame(rows, columns=columns)


def _own(trials: pd.DataFrame, varied: Variation) -> pd.DataFrame:
    return trials[trials["folder"] == varied.folder.rpartition("/")[2]]


def _table(modality: str, varied: Sequence[Variation], trials: pd.DataFrame) -> pd.DataFrame:
    """One row per variation that has a finished training, compared with the preset trial by trial."""
    preset = _own(trials, varied[0]).set_index(["seed", "fold"])["mae"]
    rows = []
    for each in varied:
        own = _own(trials, each)
        if own.empty:
            continue
        both = own.join(preset.rename("preset"), on=["seed", "fold"]).dropna(subset="preset")
        gain = both["mae"] - both["preset"]
        rows.append(
            {
                "modality": modality,
                "protocol": own["protocol"].iloc[0],
                "parameter": PRESET if each.parameter is None else each.parameter.name,
                "value": "" if each.parameter is None else each.value,
                "n": own["n"].sum() / own["seed"].nunique(),
                "trials": len(own),
                "mae": np.average(own["mae"], weights=own["n"]),
                "accuracy": np.average(own["accuracy"], weights=own["n"]),
                "difference": np.average(gain, weights=both["n"]) if len(both) else np.nan,
                "difference_error": gain.std(ddof=1) / np.sqrt(len(both)) if len(both) > 1 else np.nan,
                "seconds": own["seconds"].mean(),
            }
        )
    return pd.DataFrame(rows)


def _markdown(table: pd.DataFrame) -> str:
    rows = []
    for _, row in table.iterrows():
        value = f"{row['value']:g}" if isinstance(row["value"], float | int) else str(row["value"])
        error = "" if pd.isna(row["difference_error"]) else f" ± {row['difference_error']:.3f}"
        difference = "-" if row["parameter"] == PRESET else f"{row['difference']:+.3f}{error}"
        rows.append(
            [row["parameter"], value, f"{row['n']:.0f}", f"{row['trials']}", f"{row['mae']:.3f}", difference,
             f"{row['accuracy']:.1f}", f"{row['seconds']:.0f}"]
        )  # fmt: skip
    return markdown(["parameter", "value", "n", "trials", "MAE", "difference", "accuracy %", "s"], rows)


def _panels(varied: Sequence[Variation], trials: pd.DataFrame) -> list[Panel]:
    """One panel for each parameter with a value that has been tried."""
    preset = _by_seed(_own(trials, varied[0]))
    panels = []
    for parameter in {v.parameter.name: v.parameter for v in varied if v.parameter is not None}.values():
        tried = {v.value: _by_seed(_own(trials, v)) for v in varied if v.parameter is parameter}
        seeds = {parameter.own: preset} | {value: maes for value, maes in tried.items() if len(maes)}
        if len(seeds) < 2:
            continue
        panels.append(
            Panel(
                title=parameter.name,
                unit=parameter.unit,
                scale=parameter.scale,
                values=[value for value, maes in seeds.items() for _ in maes],
                errors=[mae for maes in seeds.values() for mae in maes],
                own=parameter.own,
                chosen=None,
                line=[(value, float(np.mean(maes)), _error(maes)) for value, maes in seeds.items()],
                stopped=(),
                ticks=parameter.values,
            )
        )
    return panels


def _by_seed(trials: pd.DataFrame) -> list[float]:
    """The MAE of each seed over the frames of its folds."""
    return [float(np.average(part["mae"], weights=part["n"])) for _, part in trials.groupby("seed")]


def _error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


EXPERIMENT = Experiment(
    "tuning",
    "each hyperparameter of the paper's list varied alone, over seeds (Figure 9)",
    jobs,
    tell,
    options=("--rows",),
)
