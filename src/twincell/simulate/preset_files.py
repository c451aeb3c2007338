"""The files behind simulation presets: in each a section `scene` (what is there) and `look` (its looks).

A preset is named, or it is a file of the user's, such as `twincell match` writes; there a section `match` may
stand beside and tells where it came from.
"""

import copy
import sys
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from twincell.documents import read_yaml
from twincell.errors import UserError

PACKAGE = "twincell.simulate"
"""Where the shipped presets lie, in the folder presets."""
OLD_KEYS = {"look.wander": "look.focus_drift"}
"""What settings were called in release 1; overrides by these names are read, with a notice."""


def preset_names() -> list[str]:
    """Names of the shipped simulation presets."""
    folder = resources.files(PACKAGE) / "presets"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def is_file(name: str) -> bool:
    """Whether this names a preset file, not a shipped preset."""
    return name.endswith((".yaml", ".yml"))


def read_section(name: str, section: str, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """One section of a preset, with dotted overrides such as {"counts.most": 5}.

    Args:
        name: of a shipped preset, or a file.

    Raises:
        UserError: the preset is unknown, its file is no preset, or an override reaches into a plain value.
    """
    names = preset_names()
    if is_file(name):
        return _override(_of_file(name)[section], overrides, section)
    if name not in names:
        raise UserError(
            f"synthetic preset '{name}' is not known; choose one of: {', '.join(names)}, or name a .yaml file"
        )
    return _override(copy.deepcopy(_parse(name)[section]), overrides, section)


def read_note(path: str | Path) -> dict[str, Any]:
    """What `twincell match` noted in the preset file it wrote; empty in files made by hand."""
    note = _of_file(str(path)).get("match", {})
    return note if isinstance(note, dict) else {}


def _of_file(path: str) -> dict[str, Any]:
    cure = "write the sections scene and look, as the shipped presets have them, or name a shipped preset"
    tree = read_yaml(Path(path), cure)
    sections = ("scene", "look")
    if not isinstance(tree, dict) or not all(isinstance(tree.get(name), dict) for name in sections):
        raise UserError(f"{path}: is no preset of drawn scenes; {cure}")
    if odd := sorted(map(str, set(tree) - {*sections, "match"})):
        raise UserError(f"{path}: has the unknown sections {', '.join(odd)}; correct or remove them")
    return tree


@lru_cache
def _parse(name: str) -> dict[str, Any]:
    text = (resources.files(PACKAGE) / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree


def _override(tree: dict[str, Any], overrides: dict[str, Any] | None, part: str) -> dict[str, Any]:
    """A nested dictionary with dotted keys replaced, such as {"counts.most": 5}; part: its name in errors."""
    for given, value in (overrides or {}).items():
        key = _current(given, part)
        place = tree
        *path, last = key.split(".")
        for step in path:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise UserError(
                    f"setting '{part}.{key}' is not known: '{step}' is one value and has no parts"
                )
            place = inner
        place[last] = value
    return tree


def _current(key: str, part: str) -> str:
    """Today's name of a setting; an old one is said on stderr."""
    current = OLD_KEYS.get(f"{part}.{key}")
    if current is None:
        return key
    print(f"twincell: setting {part}.{key} is called {current} now; read as such", file=sys.stderr)
    return current.removeprefix(f"{part}.")


def faults(name: str, part: str, error: ValidationError) -> list[str]:
    """A validation error in the user's words."""
    problems = []
    for e in error.errors(include_url=False):
        key = ".".join([part, *(str(step) for step in e["loc"] if step not in ("optics", "ellipse"))])
        seen = "" if e["type"] == "missing" else f" = {e['input']!r}"
        problems.append(f"preset '{name}', {key}{seen}: {e['msg']}")
    return problems
