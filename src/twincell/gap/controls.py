"""Gaps whose parts are known, since the images that stand in for real ones are drawn as well.

The generator that is asked about differs from them in its renderer alone, in its counts alone, in what counts
alone, or in renderer and counts at once.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from twincell.data.manifest import Manifest
from twincell.files import write_atomic
from twincell.gap.gap import Gap, GapOptions, measure_gap
from twincell.gap.generator import in_the_light_of, preset_text
from twincell.gap.shapley import DISTRIBUTION, LABEL, PHOTOREALISM
from twincell.gap.trainings import write_labelled
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.scene.settings import CountSettings
from twincell.simulate.synthesise import synthesise
from twincell.training.adaptation.labelled import Labelled

TRUTH = "optics-bf"
"""What draws the images that stand in for real ones."""
OTHER_LOOK = "ellipse-bf"
FEW = CountSettings(least=1, most=6, offset=7)
"""Cells of the generator that draws other counts; the truth has up to 30."""
UNCOUNTED = 5
"""Of so many cells people leave out one, where what counts differs."""
REAL_SEED = 900
"""Seed of the images that stand in for real ones, far from those of trainings."""


@dataclasses.dataclass(frozen=True)
class Control:
    """A gap that is known.

    Attributes:
        parts: what differs.
        given: the generator asked about, made from the truth.
        counts: which of an image's cells (K, 2) people count.
    """

    parts: tuple[str, ...]
    given: Callable[[Preset], Preset]
    counts: Callable[[Tensor], Tensor] = lambda places: places


def _other_look(truth: Preset) -> Preset:
    """Another renderer, in the same light: brightness belongs to the distribution."""
    look = in_the_light_of(load_preset(OTHER_LOOK).look, truth.look)
    return dataclasses.replace(truth, name=f"{truth.name}, drawn as ellipses", look=look)


def _few(truth: Preset) -> Preset:
    scene = truth.scene.model_copy(update={"counts": FEW})
    return dataclasses.replace(truth, name=f"{truth.name}, few cells", scene=scene)


CONTROLS: Mapping[str, Control] = {
    "two renderers": Control((PHOTOREALISM,), _other_look),
    "other counts": Control((DISTRIBUTION,), _few),
    "shifted labels": Control((LABEL,), lambda truth: truth, lambda at: at[: len(at) - len(at) // UNCOUNTED]),
    "renderer and counts": Control((DISTRIBUTION, PHOTOREALISM), lambda truth: _other_look(_few(truth))),
}
"""By name."""


def measure_control(name: str, out: Path, images: int, options: GapOptions) -> Gap:
    """Measures a gap whose parts are known, with the truth in the place of what is fitted.

    Args:
        name: one of `CONTROLS`.
        out: folder of the analysis.
        images: how many stand in for real ones; half of them are measured at a time.
        options: how; `match` is not looked at.
    """
    control, truth = CONTROLS[name], load_preset(TRUTH)
    folder, fitted = out / "images", out / "truth.yaml"
    if not (folder / "manifest.csv").exists():
        write_labelled(stand_ins(control, truth, images), folder)
    write_atomic(fitted, preset_text(truth, "what drew the images that stand in for real ones"))
    asked = dataclasses.replace(options, match=fitted)
    return measure_gap(Manifest.read(folder), control.given(truth), out / "analysis", asked)


def stand_ins(control: Control, truth: Preset, n: int) -> Labelled:
    """Images of the truth, labelled as people would, each of a chamber of its own."""
    made = synthesise(truth, n, REAL_SEED)
    places = [control.counts(at[~torch.isnan(at[:, 0])]) for at in made.centres]
    return Labelled.of(list(made.images), [float(len(at)) for at in places], places)
