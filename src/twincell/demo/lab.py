"""The laboratory of the demo: chambers as no shipped model has seen them, some frames counted, or clicked."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel

from twincell.data.manifest import Manifest
from twincell.demo.result import FOLDERS, Plan
from twincell.files import write_atomic
from twincell.simulate.presets import load_preset
from twincell.simulate.recordings import write_chambers
from twincell.simulate.scene.growth import GrowthSettings

Look = TypeVar("Look", bound=BaseModel)

LIFE = GrowthSettings(frame_interval_h=1.0, start_cells=(2, 4))
"""A frame an hour; chambers start with a few cells."""

HEALTHY = {"scene.cells.swollen_images": 0.0, "scene.cells.blebbing_images": 0.0}
"""No chamber of swollen or dying cells: people do not agree on how many these are."""

LOOKS: dict[str, tuple[str, dict[str, object]]] = {
    "pc": (
        "optics-pc",
        {
            **HEALTHY,
            "look.defocus": [2.0, 3.0],  # its drawn chambers have up to 1
            "look.rim_phase": [-0.12, -0.06],  # faint rings: its chambers have -0.42 to -0.27
            "look.phase": [0.15, 0.35],  # cells a shade darker than the field, not lighter
            "look.camera.gain": [0.5, 0.55],
            "look.camera.noise": [0.012, 0.016],
        },
    ),
    "bf": (
        "optics-bf",
        {
            **HEALTHY,
            "scene.cells.fused_images": 0.0,
            "scene.cells.rosette_images": 0.0,
            "look.blurred": 0.0,
            "look.defocus": [-1.0, -0.6],
            "look.phase": [0.5, 0.8],  # faint: a third as thick for the light
            "look.oblique": [0.3, 0.5],  # lit a little from one side
            "look.camera.gain": [0.5, 0.6],
            "look.camera.noise": [0.016, 0.020],  # five times as grainy
        },
    ),
}
"""Presets, and how this laboratory's microscopes differ from what the shipped models were trained for."""

NIGHT = 0.25
"""Share of the presets' ranges that is left: they span many recordings, this is one microscope and night."""
MISSED = 1.0
"""px, standard deviation of a click about the middle of its cell."""


@dataclass(frozen=True)
class Recordings:
    """One microscope's chambers: the same frames with their counts, and with a click on every cell."""

    counted: Manifest
    clicked: Manifest

    @property
    def learned_from(self) -> int:
        """Labelled frames of split train."""
        return int((self.counted.table["split"] == "train").to_numpy()[self.counted.labelled].sum())


def draw_lab(out: Path, modality: str, plan: Plan, seed: int, progress: bool) -> Recordings:
    """Draws the chambers of one microscope; new chambers are of split test."""
    preset, changes = LOOKS[modality]
    root, shown = out / FOLDERS[modality], load_preset(preset, changes)
    known = write_chambers(
        root, replace(shown, look=one_night(shown.look)), plan.chambers + plan.new_chambers, plan.frames,
        seed, 1, plan.new_chambers, LIFE, progress=progress,
    )  # fmt: skip
    counted = _counted(known, plan)
    return Recordings(counted, _clicked(counted, root, seed))


def _counted(known: Manifest, plan: Plan) -> Manifest:
    """The manifest with the counts that a person made: two or so in a chamber, other moments in each.

    Of many chambers, and early as well as late: empty and crowded ones are both learned from.
    """
    table = known.table.copy()
    chamber = pd.factorize(table["chamber"])[0]
    moment = chamber * plan.counted_every // plan.chambers
    made = (table["frame"] - moment) % plan.counted_every == 0
    table.loc[(table["split"] == "train") & ~made, "count"] = np.nan
    return Manifest.read(Manifest(table, known.root).write(known.root / "counted.csv"))


def one_night(look: Look) -> Look:
    """A look with every pair of limits drawn towards its middle, in its parts as well."""
    changes: dict[str, object] = {}
    for name, value in look:
        if isinstance(value, tuple):
            middle, half = (value[0] + value[1]) / 2, NIGHT * (value[1] - value[0]) / 2
            changes[name] = (middle - half, middle + half)
        elif isinstance(value, BaseModel):
            changes[name] = one_night(value)
    return look.model_copy(update=changes)


def _clicked(counted: Manifest, root: Path, seed: int) -> Manifest:
    """The same manifest with clicks in place of the counts of split train."""
    learned = counted.labelled & (counted.table["split"] == "train").to_numpy()
    places = pd.read_csv(root / "truth-places.csv")
    own = places[places["image"].isin(counted.table["image"][learned])].copy()
    off = np.random.default_rng(seed).normal(0, MISSED, (len(own), 2))
    own[["x", "y"]] = (own[["x", "y"]] + off).clip(0.5, 127.5)
    write_atomic(root / "clicks.csv", own.to_csv(index=False, float_format="%.1f"))
    table = counted.table.assign(points="")
    table.loc[learned, "points"] = "clicks.csv"
    table.loc[learned, "count"] = np.nan
    return Manifest.read(Manifest(table, counted.root).write(root / "clicked.csv"))
