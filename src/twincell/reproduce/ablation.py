"""The recipe with one ingredient changed at a time, leave-chamber-out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.protocols import chamber_jobs, tell_chambers
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job

ROWS = Path(__file__).with_name("ablation.yaml")


def _rows(request: Request) -> dict[str, Request]:
    """The request of each row: its changed settings and its folder."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load(ROWS.read_text())
    return {
        name: replace(
            request,
            settings=request.settings.changed(row.get("set", {})),
            own={m: settings.changed(row.get("set", {})) for m, settings in request.own.items()},
            out=request.out / row["folder"],
        )
        for name, row in rows.items()
    }


def jobs(request: Request) -> list[Job]:
    """Leave-chamber-out for every row."""
    return [job for row in _rows(request).values() for job in chamber_jobs(row)]


def tell(request: Request, results: Sequence[Result]) -> str:
    """The table of every row that has a finished training, one below the other."""
    parts = []
    for name, row in _rows(request).items():
        own = [r for r in results if r.job.folder.parent == row.out]
        if own:
            parts.append(f"**{name}**\n\n{tell_chambers(row, own)}\n")
    report = "\n".join(parts)
    write_atomic(request.out / "ablation.md", report)
    return report


EXPERIMENT = Experiment("ablation", "the recipe with one ingredient changed at a time", jobs, tell)
