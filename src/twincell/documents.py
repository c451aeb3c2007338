"""Small JSON and YAML files that anybody may have written: bounded before they are parsed.

A file of a few bytes can ask a parser for hours or for all of the memory: by its depth, by names that stand
for names that stand for names. None that is meant is large, deep or repeats itself a thousand times.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from twincell.faults import FaultError, error

LARGEST = 2**20
"""Bytes of a file; the largest that twincell writes has a few thousand."""
LARGEST_YAML = 2**18
"""The same for YAML, whose parser takes a second for so many."""
DEEPEST = 64
"""Brackets within brackets; the deepest that twincell writes has six."""
MOST_NODES = 100_000
"""Values of a YAML file, those that stand for others (`*name`) counted as often as they are used."""

_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_json(path: Path, cure: str, kind: str = "JSON") -> Any:
    """The value in a JSON file.

    Args:
        path: the file.
        cure: the way out, for the message.
        kind: what the file should be, for the message.

    Raises:
        FaultError: it cannot be read, is too large, too deep, or no JSON. It is a UserError.
    """
    text = _text(path, LARGEST, cure, kind)
    if (depth := _depth(text)) > DEEPEST:
        raise _unreadable(path, f"it is nested {depth} deep", cure, kind)
    try:
        return json.loads(text)
    except ValueError as problem:
        raise _unreadable(path, problem, cure, kind) from problem


def read_yaml(path: Path, cure: str) -> Any:
    """The value in a YAML file; errors as `read_json`."""
    text = _text(path, LARGEST_YAML, cure, "valid YAML")
    try:
        return yaml.load(text, _Bounded)
    except Exception as problem:  # impossible dates, numbers and tags raise many kinds
        raise _unreadable(path, problem, cure, "valid YAML") from problem


def parse_yaml(text: str) -> Any:
    """The value that a short text stands for, such as one on the command line.

    Raises:
        ValueError: it stands for none.
    """
    try:
        return yaml.load(text, _Bounded)
    except Exception as problem:
        raise ValueError(_line(problem)) from problem


class _Bounded(yaml.SafeLoader):
    """Plain values only, of bounded depth and number."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0
        self._sizes: dict[int, int] = {}  # values in each finished node

    def compose_node(self, parent: Any, index: Any) -> Any:
        before = self._nodes
        alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"nested more than {DEEPEST} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if alias and id(node) not in self._sizes:
            raise yaml.YAMLError("a value that holds itself")
        self._nodes += self._sizes[id(node)] if alias else 1
        if self._nodes > MOST_NODES:
            raise yaml.YAMLError(f"more than {MOST_NODES:,} values")
        self._sizes.setdefault(id(node), self._nodes - before)
        return node


def _text(path: Path, largest: int, cure: str, kind: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise _unreadable(path, f"it is larger than {largest // 1024} KB", cure, kind)
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        raise _unreadable(path, problem, cure, kind) from problem


def _depth(text: str) -> int:
    """How deep brackets stand within brackets, strings left out."""
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        sign = mark[0]
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _unreadable(path: Path, reason: object, cure: str, kind: str) -> FaultError:
    return FaultError(error(path, f"is not {kind} ({_line(reason)})", cure))


def _line(reason: object) -> str:
    """What a parser says, in one line of bounded length."""
    said = " ".join(str(reason).split()) or type(reason).__name__
    return said if len(said) <= 200 else f"{said[:200]} ..."
