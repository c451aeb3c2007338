"""Which settings of a preset are fitted, and between which limits they may lie before any image is seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from twincell.simulate.presets import Preset
from twincell.simulate.render.settings import OpticsLook
from twincell.simulate.scene.settings import SceneSettings

Limits = tuple[float, float]

STARTS = (
    "open-bf", "ruled-bf", "drops-bf", "traps-bf", "large-bf", "crowd-bf", "rods", "optics-bf", "open-pc",
    "large-pc", "optics-pc",
)  # fmt: skip
"""Presets that are tried first; the paper's ellipses resemble no microscope."""

OWN: dict[str, str] = {
    "scene.cells.radius": "cells.radius",
    "scene.place.inset": "place.inset",
    **{f"look.{name}": f"pupil.{name.replace('_', '-')}" for name in (
        "defocus", "aperture", "source", "oblique", "ring_width", "ring_amplitude", "veil")},
    **{f"look.{name}": f"cells.{name.replace('_', '-')}" for name in (
        "thickest", "steepness", "coarse", "beads", "rim_position", "rim_width", "rim_reach", "contact",
        "phase", "rim_phase", "rim_absorption", "absorption", "stain")},
    "look.grain": "cells.grain",
    "look.stained": "cells.stained-share",
    "look.refractile": "cells.refractile-share",
    **{f"look.walls.{name}": f"walls.{name}" for name in (
        "level", "mottle", "line", "width", "side", "comb", "halo", "reach", "rules", "lens", "outside")},
    "look.camera.gain": "camera.gain",
    "look.camera.noise": "camera.noise",
    **{f"scene.chamber.{name}": f"chamber.{name}" for name in ("left", "top", "width", "height")},
}  # fmt: skip
"""Settings of which every image draws its own value between two limits, and what the draw is called."""
OF_KIND: dict[str, dict[str, str]] = {
    "ruled": {"walls.line": "rules.dark", "walls.width": "rules.width", "walls.rules": "rules.number",
              "walls.side": ""},
    "round": {f"walls.{name}": f"drop.{name}" for name in ("line", "width", "side", "lens", "outside")},
}  # fmt: skip
"""What draws are called for other kinds of walls; "" = every line has its own."""

SHARED = (
    "scene.cells.spread", "scene.cells.swollen_images", "scene.cells.long", "scene.cells.lobes",
    "scene.cells.blebbing_images", "scene.cells.fused_images", "scene.cells.ghosts", "scene.place.touching",
    "scene.place.crowding", "scene.dirt.specks", "scene.dirt.rings", "scene.dirt.discs",
    "scene.dirt.bubbles", "scene.dirt.debris", "look.dirt", "look.camera.shading",
)  # fmt: skip
"""Settings that all images share: these are tried, one set of values a trial."""
TIMES = (0.15, 2.0)
"""Between so many times the shipped value they lie; its logarithm is uniform."""
MOST = {
    "scene.cells.ghosts": 6.0, "scene.dirt.specks": 8.0, "scene.dirt.rings": 8.0, "scene.dirt.bubbles": 8.0,
    "scene.dirt.debris": 8.0, "look.dirt": 2.0,
}  # fmt: skip
"""The largest values that are allowed; shares end at 1."""
MORE = 0.25
"""Limits are moved apart by this share of their distance on either side."""


@dataclass(frozen=True)
class Prior:
    """What is supposed before drawing.

    Attributes:
        preset: with `own` and the mean of `shared` in place.
        own: limits by setting, of those with a width.
        shared: limits by setting.
    """

    preset: Preset
    own: dict[str, Limits]
    shared: dict[str, Limits]


def get(preset: Preset, key: str) -> Any:
    """A setting by its dotted name; None where the preset's kind has none such."""
    place: Any = preset
    for name in key.split("."):
        place = getattr(place, name, None)
    return place


def drawn_as(preset: Preset, key: str) -> str:
    """What the draws of a setting are called where images are drawn from this preset."""
    look = preset.look
    names = OF_KIND.get(look.walls.kind, {}) if isinstance(look, OpticsLook) else {}
    return names.get(OWN[key], OWN[key])


def changed(preset: Preset, changes: dict[str, Any], name: str | None = None) -> Preset:
    """The preset with other values, by dotted names, checked again."""
    trees = {"scene": preset.scene.model_dump(mode="json"), "look": preset.look.model_dump(mode="json")}
    for key, value in changes.items():
        part, *path, last = key.split(".")
        place = trees[part]
        for step in path:
            place = place[step]
        place[last] = value
    return Preset(
        name or preset.name,
        SceneSettings.model_validate(trees["scene"]),
        OpticsLook.model_validate(trees["look"]),
    )


def broad(preset: Preset, radius: Limits, most: int, levels: Limits, noise: Limits) -> Prior:
    """The limits of a starting preset, moved apart, with what was measured in the images put in.

    Args:
        preset: of the optics renderer.
        radius: px, between which a typical cell's radius lies.
        most: cells in a drawn image at most.
        levels: grey levels between which the empty field lies.
        noise: grey levels, between which the standard deviation of the pixels' noise lies.
    """
    look = preset.look
    assert isinstance(look, OpticsLook)
    put: dict[str, Any] = {
        "scene.counts": {"least": 0, "most": most, "offset": 1e6, "weights": None},
        "scene.block": 16,
        "scene.cells.radius": radius,
        "look.walls.level": levels,
        "look.blurred": 0.0,
        "look.defocus": _joined(look.defocus, look.blurred_defocus) if look.blurred else look.defocus,
        "look.camera.gain": (0.5 * look.camera.gain[0], 1.5 * look.camera.gain[1]),
        "look.camera.noise": noise,
    }
    start = changed(preset, put)
    own = {}
    for key in OWN:
        limits = get(start, key)
        if limits is None or limits[0] == limits[1] or not drawn_as(start, key):
            continue
        own[key] = limits if key in put or key.startswith("scene.chamber.") else _wider(limits)
    shared = {
        key: (TIMES[0] * get(start, key), TIMES[1] * get(start, key)) for key in SHARED if get(start, key)
    }
    shared = {key: (low, min(high, MOST.get(key, 1.0))) for key, (low, high) in shared.items()}
    if look.modality == "pc" or not look.stained[1] > 0:
        own.pop("look.stain", None)
    return Prior(changed(start, {key: list(value) for key, value in own.items()}), own, shared)


def around(preset: Preset, prior: Prior) -> Prior:
    """What is drawn from next: the limits of a fitted preset, moved apart within those of the prior."""
    own = {}
    for key, (lowest, highest) in prior.own.items():
        low, high = _wider(get(preset, key))
        own[key] = max(low, lowest), min(high, highest)
    counts = {"scene.counts": prior.preset.scene.counts.model_dump()}
    return Prior(
        changed(preset, {**{key: list(value) for key, value in own.items()}, **counts}), own, prior.shared
    )


def _joined(one: Limits, other: Limits) -> Limits:
    return min(one[0], other[0]), max(one[1], other[1])


def _wider(limits: Limits) -> Limits:
    """Moved apart; what is never below 0 stays so."""
    low, high = limits
    apart = MORE * (high - low)
    return (max(low - apart, 0.0) if low >= 0 else low - apart), high + apart


def trial(prior: Prior, chance: np.random.Generator) -> tuple[Preset, dict[str, float]]:
    """A preset with shared settings at random, and these."""
    values = {key: float(np.exp(chance.uniform(*np.log(limits)))) for key, limits in prior.shared.items()}
    return changed(prior.preset, values), values
