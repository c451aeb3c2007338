"""Presets: YAML files of settings, those that ship with the package and a user's own."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from twincell.config import Settings, parse
from twincell.documents import read_yaml
from twincell.errors import UserError
from twincell.models import METHODS


def preset_names() -> list[str]:
    """The presets that ship with the package."""
    folder = files("twincell") / "presets"
    return sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".yaml"))


def load_preset(name: str | Path) -> Settings:
    """Settings of a shipped preset by name, or of any YAML file by its path.

    Raises:
        UserError: when there is no such preset or file, or with one sentence per faulty value.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UserError(f"settings file {path} does not exist")
    elif str(name) in preset_names():
        path = Path(str(files("twincell") / "presets" / f"{name}.yaml"))
    else:
        raise UserError(
            f"preset {str(name)!r} is unknown: use one of {', '.join(preset_names())} or a .yaml file"
        )
    data = read_yaml(path, "name a settings file")
    if not isinstance(data, dict):
        raise UserError(f"settings {name}: expected sections with values, found {type(data).__name__}")
    data.setdefault("name", path.stem)
    return build_settings(data, str(name))


def build_settings(data: dict[str, Any], where: str) -> Settings:
    """Settings from plain values, their `model` read by the method they name.

    Raises:
        UserError: an unknown method, or one sentence per faulty value, each naming `where`.
    """
    method = data.get("method")
    if not isinstance(method, str):
        raise UserError(f"settings {where}: method: is missing; use one of {', '.join(METHODS)}")
    current = METHODS.current(method)
    try:
        model_class = METHODS[current].settings_class
    except UserError as error:
        raise UserError([f"settings {where}: {problem}" for problem in error.problems]) from error
    return parse({**data, "method": current}, model_class, where)
