"""`twincell evaluate`: how good a model's counts are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twincell.evaluate.evaluate import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    split: Annotated[
        str | None,
        typer.Option(help="train, val, test or all; by default test, else val, else all"),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="write the figures here")] = None,
    baselines: Annotated[bool, typer.Option(help="also measure counting without looking at images")] = False,
    report: Annotated[Path | None, typer.Option(help="write a page (one HTML file) here")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
) -> None:
    """Measure a model against the counts of a manifest.

    Prints MAE, MRE and accuracy as the paper defines them (counts rounded first), raw MAE and bias, for all
    frames, per chamber and per count. Each frame is counted from its image alone. Without --split, counted
    rows of split test are measured, else those of val, else all; which they were is said.

    Example: twincell evaluate runs/pc data/manifest.csv --split test --json figures.json --baselines
    """
    from twincell.cli.show import write_json
    from twincell.data.manifest import Manifest, manifest_path
    from twincell.evaluate.evaluate import evaluate as measure
    from twincell.files import check_outputs
    from twincell.models.base.file import load_model

    check_outputs({"--report": report, "--json": json}, [manifest_path(manifest)])
    rows, loaded = Manifest.read(manifest), load_model(model, device)
    result = measure(loaded, rows, split, baselines)
    _show(result, manifest)
    write_json(json, result.as_json())
    if report is not None:
        from twincell.report.pages import evaluation_page

        print(f"report: {evaluation_page(result, loaded, str(manifest), Path(model)).write(report)}")


def _show(result: "Evaluation", manifest: Path) -> None:
    """Print the figures as tables, the notes below them."""
    from rich.console import Console

    from twincell.cli.show import figures_table
    from twincell.evaluate.tables import EXPLAINED

    console, name = Console(markup=False), result.card.name
    total = {name: result.scores, **result.baselines}
    console.print(figures_table(f"{name} on {manifest}, split {result.split}", total, "all frames"))
    console.print(figures_table("", result.scores.per_chamber, "chamber"))
    by_count = {str(count): figures for count, figures in result.scores.per_count.items()}
    console.print(figures_table("", by_count, "cells"))
    console.print(EXPLAINED)
    for note in result.notes:
        console.print(note, style="yellow")
