"""What a search has found: every trial as a table, the best as a preset, and a summary for programs."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from twincell.config import Settings
from twincell.tuning.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

STATES = {"COMPLETE": "finished", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "running"}
FIGURES = ("mae", "mre", "accuracy", "n", "seconds", "steps")


@dataclass(frozen=True)
class Found:
    """A search's trials and what became of them.

    Attributes:
        space: what was varied.
        settings: the preset.
        rows: one per trial: number, state, mae (cells), mre and accuracy (percent), n, seconds, steps,
            last_mae (cells, at the last rung seen), rungs, and a value for each parameter.
    """

    space: Space
    settings: Settings
    rows: list[dict[str, Any]]

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a table."""
        columns = ["number", "state", *FIGURES, "last_mae", "rungs"]
        return pd.DataFrame(self.rows, columns=[*columns, *(p.name for p in self.space.parameters)])

    @property
    def finished(self) -> list[dict[str, Any]]:
        """The trials trained to their end."""
        return [row for row in self.rows if row["state"] == "finished"]

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial with the least MAE; the first of equal ones."""
        return min(self.finished, key=lambda row: row["mae"], default=None)

    @property
    def preset(self) -> dict[str, Any] | None:
        """The trial of the preset as it is."""
        own = self.space.own.items()
        return next((row for row in self.finished if all(row[k] == v for k, v in own)), None)

    def tuned(self) -> Settings | None:
        """The preset with the best trial's values."""
        if self.best is None:
            return None
        changes = self.space.changes(self.best)
        start = changes.get("start", self.settings.start)
        if start is not None and Path(start).exists():
            changes["start"] = str(Path(start).resolve())  # the preset may be used from another folder
        return self.settings.changed({**changes, "name": f"{self.settings.name}-tuned"})

    def as_preset(self) -> str | None:
        """The tuned preset as a YAML file, with what it is and how it was found."""
        settings, best = self.tuned(), self.best
        if settings is None or best is None:
            return None
        changed = [p.shown(best[p.name]) for p in self.space.parameters if best[p.name] != p.own]
        own = "" if self.preset is None else f" (the preset itself {self.preset['mae']:.3f})"
        head = [
            f"{self.settings.name} tuned: trial {best['number']}, the best of {len(self.finished)} finished",
            f"MAE {best['mae']:.3f}{own} on {best['n']} frames of training chambers held out",
            "the least of many errors flatters: measure it again with other seeds",
            *(changed or ["nothing changed"]),
        ]
        return "".join(f"# {line}\n" for line in head) + settings.to_yaml()

    def as_json(self) -> dict[str, Any]:
        """The summary for programs."""
        counts = {name: sum(row["state"] == name for row in self.rows) for name in STATES.values()}
        best, preset, tuned = self.best, self.preset, self.tuned()
        summary: dict[str, Any] = {"preset": self.settings.name, "trials": counts, "best": None}
        summary["preset_mae"] = None if preset is None else preset["mae"]
        if best is not None and tuned is not None:
            summary["best"] = {
                **{name: best[name] for name in ("number", *FIGURES)},
                "values": {p.name: best[p.name] for p in self.space.parameters},
                "settings": self.space.changes(best),
            }
        return summary


def found(trials: "list[FrozenTrial]", space: Space, settings: Settings) -> Found:
    """Reads a study's trials."""
    return Found(space, settings, [_row(t, space) for t in trials if t.state.name in STATES])


def _row(trial: "FrozenTrial", space: Space) -> dict[str, Any]:
    score = trial.user_attrs.get("score", {})
    rungs = trial.intermediate_values
    return {
        "number": trial.number,
        "state": STATES[trial.state.name],
        **{name: score.get(name, math.nan) for name in FIGURES},
        "last_mae": rungs[max(rungs)] if rungs else math.nan,
        "rungs": len(rungs),
        **{p.name: trial.params.get(p.name) for p in space.parameters},
    }
