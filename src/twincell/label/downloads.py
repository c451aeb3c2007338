"""Everything there is to take away: counts, growth, report, labels, in one new folder and one archive."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.counting.table import csv_text
from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.io.tables import csv_for_people
from twincell.label.agreement import agreement_section
from twincell.label.curves import Predictions, counts_table
from twincell.label.dataset import Dataset, read_dataset
from twincell.label.exchange import known_counts, labels_csv, write_labels
from twincell.label.store import NAME as STORE
from twincell.label.store import Store
from twincell.models.base.file import load_model
from twincell.report.pages import recording_page
from twincell.series.growth.analysis import compared, growth

ARCHIVE = "twincell-labels.zip"
CONDITION = "condition"
DONE = "told.json"
"""What a report came to; written last."""
WHAT = {
    "report.html": "the report: curves, growth, flags, people",
    "counts.csv": "every frame's count with its 90 % interval",
    "growth.csv": "growth rate and doubling time of every chamber",
    "conditions.csv": "conditions compared",
    "pairs.csv": "each two conditions",
    "manifest.csv": "the data set with the counts of people",
    "points.csv": "the place of every cell that was clicked",
    "labels.csv": "every answer of every person; can be taken in again",
    STORE: "every single click with time and what was shown",
    "model.safetensors": "the model that learned here",
    "model.json": "its card; both files together are the model",
    ARCHIVE: "all of it",
}
"""The files a page offers, and nothing else."""


def write_downloads(order: dict[str, Any]) -> dict[str, Any]:
    """The work of a report: {manifest, store, predictions, model, number, out} to {growth, conditions,
    pairs}."""
    out, dataset, store = (
        fresh_dir(order["out"]),
        read_dataset(order["manifest"]),
        Store(Path(order["store"])),
    )
    answers = store.answers
    store.copy(out / STORE)
    write_labels(dataset, answers, out)
    write_atomic(out / "labels.csv", labels_csv(dataset, answers))
    told: dict[str, Any] = {"growth": [], "conditions": [], "pairs": [], "notes": []}
    if order["predictions"]:
        told |= _with_counts(order, out, dataset, store)
    if (model := Path(str(order["model"]))).is_dir():
        for name in ("model.safetensors", "model.json"):
            write_atomic(out / name, (model / name).read_bytes())
    with zipfile.ZipFile(out / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(out.iterdir()):
            if file.name in WHAT and file.name != ARCHIVE:
                archive.write(file, file.name)
    told["files"] = sorted(file.name for file in out.iterdir() if file.name in WHAT)
    write_atomic(out / DONE, json.dumps(told))
    return told


def _with_counts(order: dict[str, Any], out: Path, dataset: Dataset, store: Store) -> dict[str, Any]:
    """What needs a model's counts."""
    known = known_counts(dataset, store.answers)
    predictions = Predictions.read(Path(order["predictions"]), order["model"], order["number"])
    print("twincell: reading the series", file=sys.stderr, flush=True)
    table = counts_table(dataset, predictions, known)
    write_atomic(out / "counts.csv", csv_text(table))
    by = _with_conditions(table, dataset, store.answers.conditions)
    found, notes, told = None, [], {}
    if (table["chamber"] != "").any():
        try:
            found = growth(table[table["chamber"] != ""], by)
        except UserError as problem:
            notes = [f"no growth: {reason}" for reason in problem.problems]
    if found is not None:
        write_atomic(out / "growth.csv", csv_for_people(found, float_format="%.6g"))
        told["growth"] = json.loads(found.to_json(orient="records"))
        if by is not None:
            told |= _compared(found, by, out)
    people = [(row, count) for row, count in known.items() if dataset.series[dataset.of_row[row]].in_time]
    counted = pd.DataFrame(
        [(dataset.series[dataset.of_row[row]].name, dataset.frames[row], count) for row, count in people],
        columns=["chamber", "frame", "count"],
    )
    page = recording_page(
        table, load_model(order["model"]), found, by, known=counted, notes=notes,
        title=f"Cells in {dataset.manifest.root.resolve().name}",
    )  # fmt: skip
    if (section := agreement_section(store.answers.all())) is not None:
        page.sections.append(section)
    page.write(out / "report.html")
    return {**told, "notes": notes}


def _with_conditions(table: pd.DataFrame, dataset: Dataset, conditions: dict[str, str]) -> str | None:
    """Fills in each chamber's condition; the column's name where every time-lapse has one, of two or more."""
    named = {series.name: conditions.get(series.name, "") for series in dataset.series if series.in_time}
    if not all(named.values()) or len(set(named.values())) < 2:
        return None
    table[CONDITION] = table["chamber"].map(named)
    return CONDITION


def _compared(found: pd.DataFrame, by: str, out: Path) -> dict[str, Any]:
    comparison = compared(found, by)
    told = {}
    for name, entries in (("conditions", comparison.conditions), ("pairs", comparison.pairs)):
        table = pd.DataFrame([entry.__dict__ for entry in entries])
        if len(table):
            write_atomic(out / f"{name}.csv", csv_for_people(table, float_format="%.6g"))
            told[name] = json.loads(table.to_json(orient="records"))
    return told
