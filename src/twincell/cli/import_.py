"""`twincell import`: published data or microscope files to a manifest, published weights to a model.

Each source `a-b` is the function `a_b` of `twincell.cli.import_a_b`.
"""

import importlib

import typer

SOURCES = ["cho-k1", "stack", "weights"]

app = typer.Typer(
    help="Turn published data or microscope files into a manifest, published weights into a model.",
    no_args_is_help=True,
)

for source in SOURCES:
    name = source.replace("-", "_")
    app.command(source)(getattr(importlib.import_module(f"twincell.cli.import_{name}"), name))
