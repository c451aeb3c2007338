"""What `twincell count` does: count, write the table, say in a few lines what came out."""

import json
from pathlib import Path

import pandas as pd
from rich.console import Console

from twincell.counting.counter import count
from twincell.files import write_atomic


def count_and_tell(
    model: str, inputs: list[Path], out: Path, figures: Path | None, **options: object
) -> None:
    """Counts `inputs` with `model` into `out`; the notes and a summary go to stdout, and into JSON if asked.

    Raises:
        UserError: as `twincell.count`.
    """
    table = count([*inputs], model, out, **options)  # type: ignore[arg-type]
    found = summary(table)
    console = Console(highlight=False, soft_wrap=True)
    for note in found["notes"]:
        console.print(note, markup=False)
    flagged = f", {found['flagged']} flagged" if found["flagged"] else ""
    console.print(
        f"{found['frames']} frames in {found['chambers']} chambers counted{flagged}: {out}", markup=False
    )
    if figures is not None:
        write_atomic(figures, json.dumps({"out": str(out), "model": model, **found}, indent=2) + "\n")


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
