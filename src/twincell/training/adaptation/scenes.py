"""Learning from drawn scenes that were fitted to a lab's images: labels for free."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from twincell.matching import Match
from twincell.simulate.preset_files import read_note
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.synthesise import synthesise
from twincell.training.adaptation.adapt import Effort, Vary, trajectory
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.view import PLAIN, count
from twincell.training.weight_interpolation import interpolate_weights

DRAWN, KEPT = 320, 64
"""Scenes to learn from, and scenes that show what was learned."""
EFFORT = Effort(steps=(30,), batch=10)
"""Few steps: they teach what the lab's images look like; more teach where drawn scenes differ from them."""
START_SHARE = 0.6
"""Weights lie between the start (1) and where learning led (0): what drawn scenes get wrong weighs less."""


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes for one lab.

    Attributes:
        preset: what to draw.
        scale: drawn px to one px of the lab's images.
        source: where they come from, for people.
        before, after: distance between drawn and real images, as shipped and as fitted; None where the file
            does not say.
    """

    preset: Preset
    scale: float
    source: str
    before: float | None = None
    after: float | None = None

    @classmethod
    def fitted(cls, found: Match) -> "Scenes":
        """Those just fitted."""
        fitted = found.fitted
        return cls(
            fitted.preset,
            found.real.scale,
            f"scenes matched from {fitted.start}",
            fitted.before.total,
            fitted.after.total,
        )

    @classmethod
    def read(cls, path: str | Path) -> "Scenes":
        """Those of a file that `twincell match` wrote, or of one made by hand, which is taken at scale 1.

        Raises:
            UserError: the file is no preset of drawn scenes.
        """
        preset, note = load_preset(str(path)), read_note(path)
        told = note.get("distance", {})
        before, after = (told.get(name, {}).get("total") for name in ("before", "after"))
        return cls(preset, float(note.get("scale", 1.0)), f"scenes of {path}", before, after)


@dataclass(frozen=True)
class Learned:
    """What drawn scenes taught.

    Attributes:
        network: in eval mode.
        before, after: mean absolute error on scenes that were kept aside, cells, of the start and of it.
    """

    network: nn.Module
    before: float
    after: float


def learn_scenes(network: nn.Module, scenes: Scenes, seed: int, effort: Effort | None = None) -> Learned:
    """Fine-tunes a copy of a density network on drawn scenes.

    Args:
        network: the start; not changed.
        scenes: what is drawn.
        seed: of scenes, batches and variation.
        effort: how much work; `EFFORT` where None.
    """
    drawn, kept = _drawn(scenes.preset, DRAWN, seed), _drawn(scenes.preset, KEPT, seed + 1)
    *_, (_, average) = trajectory(network, drawn, PLAIN, effort or EFFORT, seed, Vary(contrast=1.6))
    interpolate_weights(average, network.state_dict(), START_SHARE)
    return Learned(average, _error(network, kept), _error(average, kept))


def _drawn(preset: Preset, n: int, seed: int) -> Labelled:
    made = synthesise(preset, n, seed)
    places: list[Tensor] = [at[~at[:, 0].isnan()] for at in made.centres]
    return Labelled.of(list(made.images), made.counts.float(), places)


def _error(network: nn.Module, drawn: Labelled) -> float:
    """Mean |count - truth|, cells."""
    return float((count(network, drawn.images) - drawn.counts).abs().mean())


def agreement(one: Tensor, other: Tensor) -> float:
    """Correlation of two models' counts (N,) of the same images; 1 where neither varies."""
    if float(one.std()) < 1e-6 or float(other.std()) < 1e-6:
        return 1.0
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])
