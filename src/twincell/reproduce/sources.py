"""Finished trainings of other folders of results, taken as they are: `--from ROW=FOLDER`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twincell.errors import UserError
from twincell.reproduce.trial import FIGURES


def read_sources(words: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    """`["best=DIR", "best=OTHER"]` as folders by row.

    Raises:
        UserError: one sentence for each word that is none, or whose folder holds no finished training.
    """
    found: dict[str, tuple[Path, ...]] = {}
    problems = []
    for word in words:
        row, _, folder = word.partition("=")
        if not row or not folder:
            problems.append(f"--from {word!r}: write it as ROW=FOLDER")
        elif not finished(Path(folder)):
            problems.append(f"--from {word}: no finished training is there (no {FIGURES} in a folder of it)")
        else:
            found[row] = (*found.get(row, ()), Path(folder))
    if problems:
        raise UserError(problems)
    return found


def finished(folder: Path) -> list[Path]:
    """The folders of finished trials in a folder of results, by name."""
    return sorted(path.parent for path in folder.glob(f"*/{FIGURES}"))


def figures_of(trial: Path) -> dict[str, Any]:
    """What `run_trial` wrote of a finished trial."""
    return dict(json.loads((trial / FIGURES).read_text(encoding="utf-8")))
