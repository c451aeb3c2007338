"""What `twincell evaluate` does: measure, print, and keep the figures."""

import json
from pathlib import Path

from rich.console import Console

from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.evaluate import Evaluation, evaluate, labelled_rows
from twincell.evaluate.metrics import Figures, Scores
from twincell.evaluate.tables import EXPLAINED, rich_table
from twincell.files import write_atomic
from twincell.models.base.file import load_model


def evaluate_and_show(
    model: str,
    manifest: Path,
    split: str,
    figures: Path | None = None,
    baselines: bool = False,
    page: Path | None = None,
    device: str = "cpu",
) -> Evaluation:
    """Measures a model on a split, prints tables, writes the JSON and the page where asked for.

    Raises:
        UserError: all that is wrong with model, manifest and split, before any image is counted.
    """
    rows, loaded = Manifest.read(manifest), load_model(model, device)
    labelled_rows(rows, split)
    if page is not None and page.exists():
        raise UserError(f"{page}: exists already and nothing is overwritten; name another file with --report")
    result = evaluate(loaded, rows, split, baselines)
    show(result, str(manifest))
    if figures is not None:
        write_atomic(figures, json.dumps(result.as_json(), indent=2) + "\n")
    if page is not None:
        from twincell.report.pages import evaluation_page

        print(f"report: {evaluation_page(result, loaded, str(manifest), Path(model)).write(page)}")
    return result


def show(result: Evaluation, manifest: str) -> None:
    """The figures as tables on stdout, the notes below them."""
    console = Console()
    total: dict[str, Figures | Scores] = {result.card.name: result.scores, **result.baselines}
    console.print(rich_table(f"{result.card.name} on {manifest}, split {result.split}", total, "all frames"))
    console.print(rich_table("", result.scores.per_chamber, "chamber"))
    by_count = {str(count): figures for count, figures in result.scores.per_count.items()}
    console.print(rich_table("", by_count, "cells"))
    console.print(EXPLAINED)
    for note in result.notes:
        console.print(note, style="yellow")
