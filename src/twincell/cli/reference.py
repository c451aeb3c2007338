"""The reference page of all commands, written from the commands themselves.

`python -m twincell.cli.reference docs/reference/commands.md` writes it anew; a test fails where it is old.
"""

import inspect
import sys
from pathlib import Path
from typing import Any

import typer

from twincell.cli import VERBS, build
from twincell.files import write_atomic

HEAD = """# Commands

Every command has `--help` with an example. Bad input ends with exit code 2 and one sentence for each fault,
before any work starts; Ctrl-C with 130; results are never overwritten. Progress goes to stderr, results to
stdout and files, and `--json FILE` writes them for programs. MODEL is a run folder, a model file
(`.safetensors` or `.json`), or the name of a model that ships with twincell. The formats are described in
[formats](formats.md).

This page is written by `python -m twincell.cli.reference docs/reference/commands.md`.
"""


def page() -> str:
    """The page as Markdown."""
    command: Any = typer.main.get_command(build())
    verbs = sorted(command.commands.items(), key=lambda entry: VERBS.index(entry[0]))
    return HEAD + "".join(part for name, verb in verbs for part in _sections(verb, f"twincell {name}"))


def _sections(command: Any, path: str) -> list[str]:
    if hasattr(command, "commands"):
        return [part for name, own in command.commands.items() for part in _sections(own, f"{path} {name}")]
    return [_section(command, path)]


def _section(command: Any, path: str) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join([path, *(_usage(argument) for argument in arguments), "[OPTIONS]" if options else ""])
    text, _, example = inspect.cleandoc(command.help or "").partition("Example:")
    parts = [f"\n## {path}\n\n{text.strip()}\n\n```\n{usage.strip()}\n```\n"]
    rows = [f"| `{_usage(argument)}` | {_words(argument.help)} | |" for argument in arguments]
    rows += [f"| {_names(option)} | {_words(option.help)} | {_default(option)} |" for option in options]
    if rows:
        parts.append("\n| | | default |\n| --- | --- | --- |\n" + "".join(f"{row}\n" for row in rows))
    if example:
        parts.append(f"\n```sh\n{' '.join(example.split())}\n```\n")
    return "".join(parts)


def _usage(argument: Any) -> str:
    name = argument.name.upper()
    name = f"{name}..." if argument.nargs == -1 else name
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.is_flag:
        return "" if not option.default else f"`{option.opts[0]}`"
    return "" if option.default in (None, ()) else f"`{option.default}`"


def _words(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    write_atomic(Path(sys.argv[1]), page())
