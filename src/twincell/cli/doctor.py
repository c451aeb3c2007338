"""`twincell doctor`: what works on this machine."""

from pathlib import Path
from typing import Annotated

import typer

MARKS = {"ok": "ok", "missing": "--", "trouble": "!!"}


def doctor(
    folder: Annotated[Path, typer.Argument(help="where results will be written", exists=True)] = Path("."),
    json: Annotated[Path | None, typer.Option(help="write the findings here, for programs")] = None,
) -> None:
    """Say what works on this machine, how fast it counts, and what would help.

    Exit code 1 where something is in trouble.

    Example: twincell doctor
    """
    from dataclasses import asdict

    from twincell.cli.show import write_json
    from twincell.doctor import examine
    from twincell.files import check_outputs

    check_outputs({"--json": json})
    findings = examine(folder)
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        cure = f"; {finding.cure}" if finding.cure else ""
        print(f"{MARKS[finding.state]}  {finding.what:{width}}  {finding.value}{cure}")
    write_json(json, [asdict(finding) for finding in findings])
    raise typer.Exit(int(any(finding.state == "trouble" for finding in findings)))
