"""Match drawn scenes to unlabelled images: the work behind `twincell match`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from twincell.counting.inputs import Choices
from twincell.errors import UserError
from twincell.files import check_outputs, write_new
from twincell.matching.fit import TRIALS, Fitted, fit
from twincell.matching.images import Real, read_images, windows_of
from twincell.matching.priors import STARTS
from twincell.matching.sheet import sheet
from twincell.models.base.file import load_model
from twincell.models.density_network.network import DensityNetwork
from twincell.simulate.preset_files import is_file
from twincell.simulate.synthesise import synthesise

EYES = "any"
"""The shipped model whose features are compared and which says how large cells are; it learns nothing."""
SHOWN = 20
"""Drawn images of the sheet."""


@dataclass(frozen=True)
class MatchOptions:
    """How scenes are matched.

    Attributes:
        choices: what the images do not say themselves.
        convert: make colour, 16-bit and float images grey bytes.
        diameter: px, the cells with their rims; None = found.
        starts: presets to start from; empty = all that resemble a microscope.
        trials: sets of settings that are drawn, 16 images each.
        minutes: of processor time after which drawing ends; None = all trials.
        seed: of drawing.
        progress: whether lines are shown (on stderr).
    """

    choices: Choices = field(default_factory=Choices)
    convert: bool = False
    diameter: float | None = None
    starts: tuple[str, ...] = ()
    trials: int = TRIALS
    minutes: float | None = None
    seed: int = 0
    progress: bool = True


@dataclass(frozen=True)
class Match:
    """Scenes fitted to images, and the images.

    Attributes:
        fitted: preset, scenes and distances.
        real: the windows that were compared.
        seed: of drawing.
    """

    fitted: Fitted
    real: Real
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Everything that was found, as plain values."""
        fitted, real = self.fitted, self.real
        return {
            "start": fitted.start,
            "images": real.images,
            "windows": len(real.windows),
            "modality": real.modality,
            "scale": round(real.scale, 4),
            "diameter_px": None if real.diameter is None else round(real.diameter, 2),
            "seed": self.seed,
            "trials": fitted.trials,
            "distance": {
                name: {"total": round(found.total, 4)} | {k: round(v, 4) for k, v in found.groups.items()}
                for name, found in (
                    ("before", fitted.before),
                    ("after", fitted.after),
                    ("floor", fitted.floor),
                )
            },
            "as_shipped": {name: round(total, 4) for name, total in fitted.others.items()},
            "scenes": asdict(fitted.scenes),
        }

    def to_yaml(self) -> str:
        """The preset as a file that `twincell synth` and `twincell transfer --match` take."""
        fitted, preset = self.fitted, self.fitted.preset
        note = self.as_json()
        del note["as_shipped"], note["scenes"]["settings"]
        head = (
            f"# Scenes fitted to {self.real.images} images by twincell match, from {fitted.start}.\n"
            f"# Lengths are px of the drawn images, {self.real.scale:.3f} to one px of the real ones.\n"
        )
        tree = {"scene": _plain(preset.scene), "look": _plain(preset.look), "match": note}
        return head + yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110)

    def sentence(self) -> str:
        """What was found, for people."""
        fitted, scenes = self.fitted, self.fitted.scenes
        return (
            f"from {fitted.start}: distance {fitted.before.total:.2f} before, {fitted.after.total:.2f} after "
            f"(two halves of the images: {fitted.floor.total:.2f}); about {scenes.mean_count:.1f} cells an "
            f"image, {2 * scenes.radius[1]:.1f} px across without their rims"
        )

    def sheet(self) -> bytes:
        """A PNG of real beside drawn images."""
        drawn = synthesise(self.fitted.preset, SHOWN, self.seed + 2).images
        corner = (drawn.shape[-1] - self.real.side) // 2
        window = drawn[..., corner : corner + self.real.side, corner : corner + self.real.side]
        return sheet(self.real.windows, window, self.sentence())


def match(inputs: str | Path | Sequence[str | Path], options: MatchOptions | None = None) -> Match:
    """Fits the settings of drawn scenes to unlabelled images.

    Args:
        inputs: files, folders, stacks or a manifest, one or several; 10 to 500 images are meant.
        options: how.

    Raises:
        UserError: images that cannot be read or say nothing, unknown starting presets, or too few trials.
    """
    asked = options or MatchOptions()
    starts = _starts(asked)
    paths = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    real = read_images(paths, load_model(EYES), asked.choices, asked.convert, asked.diameter)
    return _fitted(real, starts, asked)


def match_images(images: Sequence[Tensor], modality: str = "", options: MatchOptions | None = None) -> Match:
    """As `match`, from images (1, H, W) in [0, 1] that are in memory."""
    asked = options or MatchOptions()
    starts = _starts(asked)
    return _fitted(windows_of(images, load_model(EYES), modality, asked.diameter), starts, asked)


def _starts(asked: MatchOptions) -> tuple[str, ...]:
    """The presets to start from, all options looked at."""
    starts = asked.starts or STARTS
    problems = []
    if asked.trials < 2:
        problems.append(f"--trials {asked.trials}: at least 2 are needed, and {TRIALS} are usual")
    if unknown := [name for name in starts if name not in STARTS]:
        problems.append(f"--start {', '.join(unknown)}: unknown; choose of {', '.join(STARTS)}")
    if problems:
        raise UserError(problems)
    return starts


def _fitted(real: Real, starts: tuple[str, ...], asked: MatchOptions) -> Match:
    def tell(line: str) -> None:
        if asked.progress:
            print(f"twincell: {line}", file=sys.stderr, flush=True)

    for note in real.notes:
        tell(note)
    network = load_model(EYES).network
    assert isinstance(network, DensityNetwork)
    return Match(fit(real, network, starts, asked.trials, asked.minutes, asked.seed, tell), real, asked.seed)


def outputs(out: Path) -> dict[str, Path]:
    """Where preset, distances and sheet are written, by what names them; `out` ends in .yaml.

    Raises:
        UserError: `out` is no name of a YAML file.
    """
    if not is_file(out.name):
        raise UserError(f"--out {out}: name a file that ends in .yaml; the preset is written there")
    return {"--out": out, "the distances": out.with_suffix(".json"), "the sheet": out.with_suffix(".png")}


def write_match(found: Match, out: str | Path) -> dict[str, Path]:
    """Writes the preset, the distances beside it (.json) and the sheet of real and drawn images (.png).

    Raises:
        UserError: a file of that name is there already.
    """
    places = outputs(Path(out))
    check_outputs(places)
    contents: tuple[str | bytes, ...] = (
        found.to_yaml(),
        json.dumps(found.as_json(), indent=1) + "\n",
        found.sheet(),
    )
    written = [write_new(path, content) for path, content in zip(places.values(), contents, strict=True)]
    return dict(zip(places, written, strict=True))


def _plain(settings: Any) -> dict[str, Any]:
    """Settings as YAML values, numbers with four digits behind the point."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.5g}")
        if isinstance(value, dict):
            return {key: short(inner) for key, inner in value.items() if inner is not None}
        return [short(inner) for inner in value] if isinstance(value, list | tuple) else value

    plain: dict[str, Any] = short(settings.model_dump(mode="json"))
    return plain
