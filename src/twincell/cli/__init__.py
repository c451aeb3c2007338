"""The `twincell` command: one thin file per verb, no logic here."""

import importlib
import sys

import typer

from twincell.errors import UserError

# In the order of a user's work. Each verb `a-b` is the function `a_b` of `twincell.cli.a_b`, or that module's
# `app` where the verb has sub-verbs. Verb modules import nothing heavy at their top.
VERBS = [
    "import",
    "check",
    "synth",
    "train",
    "transfer",
    "evaluate",
    "count",
    "translate",
]


def build() -> typer.Typer:
    """The whole command, every verb registered."""
    app = typer.Typer(
        name="twincell",
        help="How many cells, in every chamber, at every time, and how sure that is.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for verb in VERBS:
        name = verb.replace("-", "_")
        module = importlib.import_module(f"twincell.cli.{name}_" if verb == "import" else f"twincell.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(getattr(module, name))
    return app


def main() -> None:
    """Runs the command line; bad input ends in one clear sentence per fault and exit code 2."""
    try:
        build()()
    except UserError as error:
        for problem in error.problems:
            print(f"twincell: {problem}", file=sys.stderr)
        sys.exit(2)
