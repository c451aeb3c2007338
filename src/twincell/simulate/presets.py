"""A preset: what is in the chamber and how it looks, under one name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twincell.errors import UserError
from twincell.simulate.preset_files import is_file
from twincell.simulate.render.settings import EllipseLook, OpticsLook, load_look
from twincell.simulate.scene.settings import SceneSettings, load_scene_settings


@dataclass(frozen=True)
class Preset:
    """Settings of the scene and of its look."""

    name: str
    scene: SceneSettings
    look: EllipseLook | OpticsLook


def load_preset(name: str, overrides: dict[str, Any] | None = None) -> Preset:
    """A preset, with overrides such as {"scene.counts.most": 5, "look.camera.gain": [1, 1]}.

    Args:
        name: of a shipped preset, or a .yaml file such as `twincell match` writes.
        overrides: values by their dotted names.

    Raises:
        UserError: unknown preset, unknown key or impossible value; all faults at once.
    """
    parts: dict[str, dict[str, Any]] = {"scene": {}, "look": {}}
    problems = []
    for key, value in (overrides or {}).items():
        part, _, rest = key.partition(".")
        if part not in parts or not rest:
            problems.append(f"setting '{key}' is not known; it must begin with 'scene.' or 'look.'")
        else:
            parts[part][rest] = value
    scene = look = None
    try:
        scene = load_scene_settings(name, parts["scene"])
    except UserError as error:
        problems += error.problems
    try:
        look = load_look(name, parts["look"])
    except UserError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    if scene is None or look is None or problems:
        raise UserError(problems)
    return Preset(Path(name).stem if is_file(name) else name, scene, look)
