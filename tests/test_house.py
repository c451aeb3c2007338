"""The rooms of the package: arrows point down only, and no arrows make a circle.

Read from the syntax trees of src: an import inside a function or under TYPE_CHECKING counts as any other.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
LEVELS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "faults",
        "files",
        "documents",
        "hardware",
        "progress",
        "seeding",
        "locks",
        "config",
        "words",
        "printable",
    ),
    ("io",),
    ("data",),
    ("preprocess", "simulate"),
    ("series", "models", "batches"),
    ("presets",),
    ("counting", "matching", "training", "evaluate", "tuning"),
    ("reproduce", "report", "label", "export", "demo", "phase", "gan", "gap", "api", "doctor", "pipeline"),
    ("cli",),
    ("__main__",),
)
"""Rooms and single files from the bottom up; one may import those below it and, one way, those beside it."""
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def modules(src: Path) -> dict[str, Path]:
    """Every module below `src` by its dotted name, packages without `__init__`."""
    names = {
        file: ".".join(file.relative_to(src).with_suffix("").parts).removesuffix(".__init__")
        for file in src.rglob("*.py")
    }
    return {name: file for file, name in names.items()}


def imports(name: str, file: Path, known: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    """Each module of ours that a file imports, and the line; the packages it lies in are not counted."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([base] if base else [])])
            found = [f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names]
        for other in found:
            own_package = known.get(other, file).name == "__init__.py" and name.startswith(f"{other}.")
            if other in known and other != name and not own_package:
                yield other, node.lineno  # type: ignore[attr-defined]


def room(name: str) -> str:
    """The first name below the package; empty for the package itself."""
    return name.partition(".")[2].partition(".")[0]


@lru_cache
def arrows(src: Path) -> dict[str, set[str]]:
    known = modules(src)
    return {name: {other for other, _ in imports(name, file, known)} for name, file in known.items()}


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules each of which leads to every other."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(edges[start])
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(edges[name])
        return seen

    reach = {name: reached(name) for name in edges}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in edges
        if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def both_ways(edges: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Pairs of rooms that import each other."""
    pairs = {
        (room(a), room(b)) for a in edges for b in edges[a] if room(a) and room(b) and room(a) != room(b)
    }
    return sorted((a, b) for a, b in pairs if a < b and (b, a) in pairs)


def upward(src: Path) -> list[str]:
    """Imports of a room by one that lies below it."""
    known = modules(src)
    return [
        f"{file.relative_to(src)}:{line}: {room(name)} imports {other}"
        for name, file in known.items()
        for other, line in imports(name, file, known)
        if room(name) and room(other) and LEVEL[room(name)] < LEVEL[room(other)]
    ]


def test_every_room_has_its_level() -> None:
    assert {room(name) for name in modules(SRC)} - {""} - set(LEVEL) == set()


def test_no_module_leads_back_to_itself() -> None:
    assert circles(arrows(SRC)) == []


def test_no_two_rooms_import_each_other() -> None:
    assert both_ways(arrows(SRC)) == []


def test_no_arrow_points_up() -> None:
    assert upward(SRC) == []


@pytest.mark.parametrize(
    "line",
    [
        "from twincell.counting.count import count",
        "import twincell.counting.count",
        "from ..counting import count",
        "def late():\n    from twincell.counting import count",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from twincell.counting.count import count",
    ],
)
def test_a_house_that_is_wrong_is_seen(tmp_path: Path, line: str) -> None:
    files = {
        "__init__.py": "",
        "data/__init__.py": "",
        "data/rows.py": line,
        "counting/__init__.py": "",
        "counting/count.py": "from twincell.data import rows",
    }
    for name, text in files.items():
        path = tmp_path / "twincell" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    edges = arrows(tmp_path)
    assert circles(edges) == [["twincell.counting.count", "twincell.data.rows"]]
    assert both_ways(edges) == [("counting", "data")]
    assert len(upward(tmp_path)) == 1


def test_no_verb_is_written_twice() -> None:
    """What a command does lies in the room that does it, and what it prints in cli."""
    assert [str(file.relative_to(SRC)) for file in SRC.rglob("command.py")] == []
