"""What `twincell count` does: count, write the table, say in a few lines what came out."""

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console

from twincell.counting.count import count
from twincell.counting.inputs import Choices, gather
from twincell.files import fresh_file, write_atomic
from twincell.models.base.file import LoadedModel, load_model

if TYPE_CHECKING:
    from twincell.report.page import Page

NOTES = 20  # printed; a recording of a thousand folders has a note for each


def count_and_tell(
    model: str,
    inputs: list[Path],
    out: Path,
    figures: Path | None = None,
    page: Path | None = None,
    **options: Any,
) -> None:
    """Counts `inputs` with `model` into `out`; the notes and a summary go to stdout, and into JSON if asked.

    Args:
        model: run folder, model file or shipped name.
        inputs: as in `twincell.count`.
        out: counts.csv.
        figures: JSON to write.
        page: report to write: curves, growth, flags, frames to look at.
        options: of `twincell.count`.

    Raises:
        UserError: as `twincell.count`, or the report exists already.
    """
    if page is not None:
        fresh_file(page)
    loaded = load_model(model)
    table = count([*inputs], loaded, out, **options)
    found = summary(table)
    console = Console(highlight=False, soft_wrap=True)
    for note in found["notes"][:NOTES]:
        console.print(note, markup=False)
    if len(found["notes"]) > NOTES:
        console.print(f"and {len(found['notes']) - NOTES} more notes, in full with --json or --report")
    flagged = f", {found['flagged']} flagged" if found["flagged"] else ""
    console.print(
        f"{found['frames']} frames in {found['chambers']} chambers counted{flagged}: {out}", markup=False
    )
    if page is not None:
        _report(table, loaded, inputs, options).write(page)
        console.print(f"report: {page}", markup=False)
    if figures is not None:
        write_atomic(figures, json.dumps({"out": str(out), "model": model, **found}, indent=2) + "\n")


def _report(table: pd.DataFrame, model: LoadedModel, inputs: list[Path], options: dict[str, Any]) -> "Page":
    """The page of a counted recording; growth where there are time-lapses."""
    from twincell.report.films import films
    from twincell.report.pages import recording_page
    from twincell.series.growth.analysis import growth

    told = {name: options[name] for name in options.keys() & {f.name for f in fields(Choices)}}
    frames = gather(inputs, Choices(**told))
    in_time = frames.table["series"].to_numpy()
    return recording_page(
        table,
        model,
        growth(table[in_time]) if in_time.any() else None,
        films=films(frames, model, bool(options.get("convert"))),
        known=frames.table[["chamber", "frame"]].assign(count=frames.table["counted"]).dropna(),
        notes=table.attrs["notes"],
        title=f"Cells in {', '.join(path.name for path in inputs[:3])}{' ...' if len(inputs) > 3 else ''}",
    )


def summary(table: pd.DataFrame) -> dict:
    """`{frames, chambers, counted, flagged, flags: {reason: n}, notes: [..]}` of a table of counts."""
    reasons = table["flag"].str.split("; ").explode().str.split(":").str[0]
    return {
        "frames": len(table),
        "chambers": int(table.loc[table["chamber"] != "", "chamber"].nunique()),
        "counted": int(table["count_frame"].notna().sum()),
        "flagged": int((table["flag"] != "").sum()),
        "flags": {str(reason): int(n) for reason, n in reasons[reasons != ""].value_counts().items()},
        "notes": list(table.attrs.get("notes", [])),
    }
