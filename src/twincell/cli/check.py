"""`twincell check`: everything wrong with a data set, each fault with its cure."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    manifest: Annotated[Path, typer.Argument(help="A manifest.csv, or the folder that holds one.")],
    json: Annotated[Path | None, typer.Option(help="Also write faults and summary to this file.")] = None,
) -> None:
    """Find everything wrong with a data set before any training.

    Ends with exit code 0 when there is no error (warnings may remain), with 2 otherwise.

    Example: twincell check cho/manifest.csv --json check.json
    """
    from twincell.cli.show import show_faults, show_overview
    from twincell.data.check import inspect
    from twincell.data.manifest import manifest_path
    from twincell.files import check_outputs

    check_outputs({"--json": json}, [manifest_path(manifest)])
    report = inspect(manifest, json, progress=True)
    if report.summary:
        show_overview(report.summary)
    show_faults(report)
    if report.errors:
        raise typer.Exit(2)
