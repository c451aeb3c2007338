"""Every command that README and docs show is run as it is written; what cannot be run says why.

The pages whose commands train are slow and left to `make test-all`; that each command exists with each of its
options is looked at in every run.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from helpers.desk import SHELL, Store, make_short, run_page
from helpers.shown import PAGES, ROOT, Block, blocks, inline_commands
from twincell import cli

EACH_FOR_ITSELF = "docs/reference/commands.md"
"""Its blocks are examples of single commands; those of the other pages follow one another."""
QUICK = {"docs/explanation/synthetic.md"}
BY_A_TEST_OF_ITS_OWN = {
    f"docs/howto/{name}.md" for name in ("count", "import", "add-a-reader", "add-a-network", "add-an-export")
}
"""Pages that `test_howto.py` runs, since it knows what has to come out."""
NOT_RUN = {
    "docs/howto/add-a-reader.md": 1,
    "docs/howto/cluster.md": 1,
    "docs/howto/add-a-network.md": 1,
    "docs/results/table2.md": 1,
    "docs/tutorial/first-hour.md": 1,
    "docs/tutorial/label.md": 1,
    "src/twincell/models/bit/README.md": 1,
}
"""Blocks with a reason not to be run, by page: their number may not grow unseen."""


def pages_to_run() -> Iterator[Any]:
    """Pages with blocks that run, and the single blocks of the page of commands."""
    for page in PAGES:
        shown = [block for block in blocks(page, "python", *SHELL) if not block.reason]
        name = page.relative_to(ROOT).as_posix()
        if name in BY_A_TEST_OF_ITS_OWN:
            continue
        if name == EACH_FOR_ITSELF:
            for block in shown:
                verb = " ".join(word for word in block.text.split()[:3] if word.isidentifier() or "-" in word)
                yield pytest.param([block], id=f"{name}: {verb}", marks=pytest.mark.slow)
        elif shown:
            yield pytest.param(shown, id=name, marks=[] if name in QUICK else pytest.mark.slow)


@pytest.mark.parametrize("shown", list(pages_to_run()))
def test_the_page_runs(
    shown: list[Block], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_short(monkeypatch)
    run_page(shown, tmp_path, store)


def test_blocks_that_are_not_run_say_why() -> None:
    left_out = [block for page in PAGES for block in blocks(page) if block.reason]
    for block in left_out:
        print(f"{block.name}: {block.reason}")
    assert {
        name: sum(block.name == name for block in left_out) for name in {b.name for b in left_out}
    } == NOT_RUN


def test_shell_commands_stand_in_shell_blocks() -> None:
    """A command in a block without a language would be run by nobody."""
    hidden = [
        f"{block.name}: {line}"
        for page in PAGES
        for block in blocks(page, "")
        for line in block.text.splitlines()
        if line.startswith(("twincell ", "pip ", "make ", "python ")) and "[OPTIONS]" not in line
    ]
    assert hidden == []


def shown_commands() -> Iterator[Any]:
    """Each command of a block or a sentence, with its page."""
    for page in PAGES:
        lines = [line for block in blocks(page, *SHELL) for line in block.lines()]
        for line in [*(line for line in lines if line.startswith("twincell ")), *inline_commands(page)]:
            yield pytest.param(line, id=f"{page.relative_to(ROOT)}: {line[:60]}")


@pytest.mark.parametrize("line", list(shown_commands()))
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    command: Any = typer.main.get_command(cli.build())
    words = shlex.split(line, comments=True)[1:]
    if words[0].startswith("-"):
        return
    while hasattr(command, "commands") and words:
        assert words[0] in command.commands, f"twincell has no {words[0]}"
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    shown = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert shown - known <= {"--help"}
