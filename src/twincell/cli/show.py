"""What several verbs print or write, said once; what draws tables is loaded when one is drawn."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twincell.printable import in_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from twincell.data.check import Report
    from twincell.evaluate.metrics import Figures, Scores

CHAMBERS_SHOWN = 40


def write_json(path: Path | None, found: Mapping[str, Any] | Sequence[Any], force: bool = False) -> None:
    """Write what a program may read on, where a file is named for it; `force` replaces an older one."""
    from twincell.files import write_new

    if path is not None:
        write_new(path, json.dumps(found, indent=2) + "\n", force)


def console() -> "Console":
    """A console that leaves names and numbers as they are: no colours by guess, no lines broken."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, markup=False)


def say(line: str) -> None:
    """Print one line, whatever the names in it hold."""
    console().print(in_line(line))


def show_overview(summary: Mapping[str, Any]) -> None:
    """Print what a data set holds: its parts, its chambers where they are not too many, and the sums."""
    from twincell.words import number

    _print_table(summary["parts"])
    if len(summary["per_chamber"]) <= CHAMBERS_SHOWN:
        _print_table(summary["per_chamber"])
    images, chambers = number(summary["images"], "image"), number(summary["chambers"], "chamber")
    print(f"{images}, {summary['labelled']:,} labelled, {chambers}")


def show_faults(report: "Report") -> None:
    """Print each kind of fault with its places and cure, errors first, and a closing line."""
    from twincell.faults import gather

    for name, faults in (("error", report.errors), ("warning", report.warnings)):
        for fault in gather(faults):
            print(in_line(f"{name}: {fault.sentence()}"))
    print(f"{_number(report.errors, 'error')}, {_number(report.warnings, 'warning')}")


def figures_table(title: str, rows: "Mapping[str, Figures | Scores]", first: str = "") -> "Table":
    """Draw MAE, MRE, accuracy, raw MAE and bias, one row an entry."""
    from rich.table import Table

    from twincell.evaluate.tables import HEAD, cells

    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for name in HEAD:
        table.add_column(name, justify="right")
    for name, figures in rows.items():
        table.add_row(in_line(name), *cells(figures))
    return table


def _print_table(records: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, value in records[0].items():
        table.add_column(name, justify="right" if isinstance(value, int) else "left")
    for record in records:
        table.add_row(*(_cell(value) for value in record.values()))
    Console(markup=False).print(table)
    print()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"{value[0]}-{value[1]}"
    return f"{value:,}" if isinstance(value, int) else in_line(str(value))


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things) or 'no'} {name}{'' if len(things) == 1 else 's'}"
