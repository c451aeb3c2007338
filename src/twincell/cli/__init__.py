"""The `twincell` command: one thin file per verb, no logic here."""

import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from twincell import __version__
from twincell.cli.streams import plain_streams
from twincell.errors import Stopped, UserError

# In the order of a user's work. Each verb `a-b` is the function `a_b` of `twincell.cli.a_b`, or that
# module's `app` where the verb has sub-verbs. Verb modules import nothing heavy at their top. A new verb is
# named here once its module is there.
VERBS = [
    "demo",
    "import",
    "manifest",
    "check",
    "label",
    "synth",
    "match",
    "gap",
    "train",
    "transfer",
    "tune",
    "reproduce",
    "evaluate",
    "models",
    "count",
    "merge",
    "growth",
    "run",
    "translate",
    "phase",
    "topgan",
    "export",
    "doctor",
]
MACHINE_SAYS_NO = (
    errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP,
    errno.EFBIG, errno.EMFILE, errno.ENFILE,
    # a drive that is gone:
    errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.ENODEV,
)  # fmt: skip
STOPPED = 130  # what shells expect of a program ended by Ctrl-C


class _Command(TyperGroup):
    """Turns bad input into one line per fault and exit code 2, and a stop into a calm line."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of `VERBS`; Typer would put those with sub-verbs last."""
        return sorted(super().list_commands(ctx), key=_place)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            for problem in error.problems:
                print(f"twincell: {problem}", file=sys.stderr)
            raise typer.Exit(2) from error
        except OSError as failure:
            # A full disk or a closed folder is no mistake of ours; all else keeps its traceback.
            if failure.errno not in MACHINE_SAYS_NO:
                raise
            where = f"{failure.filename}: " if failure.filename else ""
            print(f"twincell: {where}{failure.strerror}", file=sys.stderr)
            raise typer.Exit(2) from failure
        except MemoryError as failure:
            print(
                "twincell: the memory is full; close other programs, count in smaller portions, or see "
                "`twincell doctor`",
                file=sys.stderr,
            )
            raise typer.Exit(2) from failure
        except Stopped as stop:
            print(f"twincell: {signal.Signals(stop.signal).name}: {stop}", file=sys.stderr)
            raise typer.Exit(128 + stop.signal) from stop
        except KeyboardInterrupt as stop:
            print("twincell: stopped", file=sys.stderr)
            raise typer.Exit(STOPPED) from stop


def _place(verb: str) -> int:
    return VERBS.index(verb) if verb in VERBS else len(VERBS)


def root() -> typer.Typer:
    """The command without verbs: how it is called, fails and stops."""
    app = typer.Typer(
        cls=_Command,
        name="twincell",
        help="How many cells, in every chamber, at every time, and how sure that is.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # drawing boxes would take longer than all else that --help does
    )
    app.callback()(_options)
    return app


def build(verbs: Sequence[str] = VERBS) -> typer.Typer:
    """The command with these verbs; all of them by default."""
    app = root()
    for verb in verbs:
        name = verb.replace("-", "_")
        # `import` is a word of Python, and `run` a function of this module.
        place = f"twincell.cli.{name}_" if verb in ("import", "run") else f"twincell.cli.{name}"
        module = importlib.import_module(place)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(getattr(module, name))
    return app


def run(argv: Sequence[str]) -> int:
    """Runs `twincell` with these arguments and gives its exit code: 0 done, 2 bad input, 130 stopped."""
    try:
        with plain_streams():
            # A verb that is named needs no other one, whose options would take longer than its own help.
            named = [verb for verb in argv[:1] if verb in VERBS]
            build(named or VERBS)(args=list(argv), prog_name="twincell")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def main() -> None:
    """The installed command."""
    # Torch's threads wait for each other in loops that take a core from whoever would use it. On Linux they
    # are to sleep soon: a step of fine-tuning takes 42 ms for 51 on two free cores, and beside two busy
    # programs 124 to 184 for 243. It has to be said before torch is loaded.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"twincell {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """How many cells, in every chamber, at every time, and how sure that is."""
