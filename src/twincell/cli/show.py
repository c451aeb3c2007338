"""Data sets and their faults as a person reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from twincell.data.check import Report

CHAMBERS_SHOWN = 40


def show_overview(summary: dict[str, Any]) -> None:
    """Prints what a data set holds: its parts, its chambers where they are not too many, and the sums."""
    _print_table(summary["parts"])
    if len(summary["per_chamber"]) <= CHAMBERS_SHOWN:
        _print_table(summary["per_chamber"])
    print("{images:,} images, {labelled:,} labelled, {chambers:,} chambers".format(**summary))


def show_faults(report: "Report") -> None:
    """Prints each kind of fault with its places and cure, errors first, and a closing line."""
    from twincell.faults import gather

    for name, faults in (("error", report.errors), ("warning", report.warnings)):
        for fault in gather(faults):
            print(f"{name}: {fault.sentence()}")
    print(f"{_number(report.errors, 'error')}, {_number(report.warnings, 'warning')}")


def _print_table(records: Sequence[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name, value in records[0].items():
        table.add_column(name, justify="right" if isinstance(value, int) else "left")
    for record in records:
        table.add_row(*(_cell(value) for value in record.values()))
    Console().print(table)
    print()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"{value[0]}-{value[1]}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things) or 'no'} {name}{'' if len(things) == 1 else 's'}"
