"""The files behind simulation presets: in each a section `scene` (what is there) and `look` (its looks)."""

import copy
import sys
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

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


def read_section(name: str, section: str, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """One section of a preset, with dotted overrides such as {"counts.most": 5}.

    Raises:
        UserError: the preset is unknown, or an override reaches into a plain value.
    """
    names = preset_names()
    if name not in names:
        raise UserError(f"synthetic preset '{name}' is not known; choose one of: {', '.join(names)}")
    return _override(copy.deepcopy(_parse(name)[section]), overrides, section)


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
