"""`twincell evaluate`: how good a model's counts are."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    manifest: Annotated[Path, typer.Argument(help="manifest.csv, or a folder that has one")],
    split: Annotated[str, typer.Option(help="which rows to count: train, val, test or all")] = "test",
    json: Annotated[Path | None, typer.Option(help="write the figures here")] = None,
    baselines: Annotated[bool, typer.Option(help="also measure counting without looking at images")] = False,
    report: Annotated[Path | None, typer.Option(help="write a page (one HTML file) here")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
) -> None:
    """Measure a model against the counts of a manifest.

    Prints MAE, MRE and accuracy as the paper defines them (counts rounded first), raw MAE and bias, for all
    frames, per chamber and per count. Each frame is counted from its image alone.

    Example: twincell evaluate runs/pc data/manifest.csv --split test --json figures.json --baselines
    """
    from twincell.evaluate.command import evaluate_and_show

    evaluate_and_show(model, manifest, split, json, baselines, report, device)
