"""Runs every benchmark and prints what it measured beside its peer: `make bench QUICK=1 JSON=FILE`.

A benchmark is a function in a module of this folder, listed in that module's `BENCHES: dict[name, function]`.
It takes `quick` (fewer repeats, the same work) and gives a `Figure`. Ours and the peer are timed in turns in
one run on one machine, so that their ratio holds where seconds do not.
"""

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from figure import CLOCKS, Figure
from twincell.files import write_atomic

FOLDER = Path(__file__).parent


def registry() -> dict[str, Callable[[bool], Figure]]:
    """Every benchmark of this folder by name, in the order of modules."""
    benches: dict[str, Callable[[bool], Figure]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(path.stem) if path.stem not in ("run", "figure") else None
        benches |= getattr(module, "BENCHES", {})
    return benches


def main(argv: list[str] | None = None) -> None:
    benches = registry()
    parser = argparse.ArgumentParser(description="Time twincell against its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(benches)}")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument(
        "--json", type=Path, help="write a list of {name, ours, peer, ratio, unit} to this file"
    )
    parser.add_argument("--csv", type=Path, help="write the figures, with quartiles of their ratios, here")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count processor seconds, for a machine that is kept busy",
    )
    chosen = parser.parse_args(argv)
    if chosen.processor_time:
        CLOCKS.append(time.process_time)
    if unknown := [name for name in chosen.names if name not in benches]:
        parser.error(f"unknown benchmark {', '.join(unknown)}; choose among {', '.join(benches)}")
    print(f"{os.cpu_count()} cores, {'quick' if chosen.quick else 'full'} run")
    print(f"{'name':<16}{'ours':>12}{'peer':>12}{'ratio':>8}  unit")
    figures = []
    lines = ["name,ours,peer,unit,ratio,ratio_low,ratio_high,turns"]
    for name in chosen.names or benches:
        figure = benches[name](chosen.quick)
        figures.append(
            {
                "name": name,
                "ours": figure.ours,
                "peer": figure.peer,
                "unit": figure.unit,
                "ratio": figure.ratio,
            }
        )
        low, high = figure.quartiles() or (float("nan"), float("nan"))
        lines.append(
            f"{name},{figure.ours:.4g},{figure.peer or float('nan'):.4g},{figure.unit},"
            f"{figure.ratio or float('nan'):.2f},{low:.2f},{high:.2f},{len(figure.ratios)}"
        )
        peer = "-" if figure.peer is None else f"{figure.peer:,.4g}"
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
        print(f"{name:<16}{figure.ours:>12,.4g}{peer:>12}{ratio:>8}  {figure.unit}", flush=True)
    if chosen.json:
        write_atomic(chosen.json, json.dumps(figures, indent=2) + "\n")
    if chosen.csv:
        write_atomic(chosen.csv, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
