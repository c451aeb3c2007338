"""From a manifest of real images and a generator to the parts of the gap: the work behind `twincell gap`."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.protocols import of_modality
from twincell.evaluate.translation import require_translator
from twincell.files import fresh_dir, holds, write_atomic
from twincell.gap.advice import Advice, advise
from twincell.gap.card import card
from twincell.gap.generator import Redrawn, given_preset, preset_text
from twincell.gap.measured import Measured, halves_of, measure
from twincell.gap.split import Split, split
from twincell.gap.trainings import PRESET, Trainings
from twincell.gap.translated import Translated
from twincell.locks import locked
from twincell.matching import MatchOptions, match_images, write_match
from twincell.models.base.file import load_card, load_model
from twincell.presets import load_preset
from twincell.simulate.presets import Preset
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.material import read_material, unlabelled
from twincell.training.adaptation.scenes import Scenes
from twincell.training.adaptation.size import enlarged

EYES = "any"
"""The shipped model that images are prepared for; it learns and counts nothing here."""
FEWEST = 3
"""Chambers with labels: some to learn from and others to measure on."""
TRIALS = 60
"""Of the fit, 16 images each: about a minute of one core."""
REQUEST = "request.json"
"""What was asked for, in the folder of an analysis: another question needs another folder."""


@dataclass(frozen=True)
class GapOptions:
    """How a gap is measured.

    Attributes:
        match: a preset file of `twincell match` that tells how the real images are; None = fitted here.
        starts: presets that the fit may start from; empty = all.
        trials: of the fit, 16 images each.
        diameter: px of the real images, the cells with their rims; None = found.
        modality: of the real images that are looked at; None = their only one.
        labels: real labels that the convention is fitted on.
        images: drawn images of each training; None = as many as there are real labels to learn from.
        seeds: of trainings; an even one and the next odd one measure on each other's halves of the chambers.
        settings: of all trainings; None = preset gap.
        progress: whether lines are shown (on stderr).
        twin: a Twin-VAE that closes photorealism by translating drawn images; None = the renderer does.
        kept: folder of trainings that several analyses share; None = that of the analysis.
    """

    match: str | Path | None = None
    starts: tuple[str, ...] = ()
    trials: int = TRIALS
    diameter: float | None = None
    modality: str | None = None
    labels: int = 20
    images: int | None = None
    seeds: tuple[int, ...] = (0, 1)
    settings: Settings | None = None
    progress: bool = True
    twin: str | Path | None = None
    kept: Path | None = None


@dataclass(frozen=True)
class Gap:
    """What was found.

    Attributes:
        split: the gap in parts.
        measured: what it was computed from.
        advice: what to change in the generator, first thing first.
        generator: what drew the images.
        modality: of the real images.
        n: images that each training learned from.
        seconds: of processor time that this call took; trainings that were done before take none.
    """

    split: Split
    measured: Measured
    advice: Advice
    generator: Redrawn | Translated
    modality: str
    n: int
    seconds: float

    def steps(self) -> list[str]:
        """What to change, first thing first, a sentence each."""
        return [str(step) for step in self.advice.steps]

    def card(self) -> str:
        """Everything as Markdown."""
        head = f"{self.generator.name} and real images ({self.modality})"
        return card(self.split, self.measured, self.steps(), head)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        found = self.split

        def plain(values: dict[Any, Any]) -> dict[str, Any]:
            return {k if isinstance(k, str) else " and ".join(k): v.as_json() for k, v in values.items()}

        return {
            "generator": self.generator.name,
            "modality": self.modality,
            "images": found.images,
            "chambers": found.chambers,
            "seeds": found.seeds,
            "learned_from": self.n,
            "gap": found.gap.as_json(),
            "worth": plain(found.worth),
            "share": plain(found.share),
            "first": plain(found.first),
            "last": plain(found.last),
            "interactions": plain(found.together),
            "left": found.left.as_json(),
            "order": found.order,
            "errors": plain(found.errors),
            "bias": {name: round(value, 4) for name, value in self.measured.bias.items()},
            "conventions": {str(seed): str(own) for seed, own in self.measured.conventions.items()},
            "advice": self.advice.as_json(),
            "cpu_seconds": round(self.seconds, 1),
        }


def measure_gap(
    real: str | Path | Manifest, synthetic: str | Preset, out: str | Path, options: GapOptions | None = None
) -> Gap:
    """Splits the error of a counter that learned from drawn images and counts real ones.

    Trainings and the fit are kept in `out`; the same call goes on where it stopped.

    Args:
        real: a manifest; its natural images of split train are used, those with labels to measure on.
        synthetic: what draws images: a preset, a file of one, or a folder that `twincell synth` wrote.
        out: folder of the analysis.
        options: how.

    Raises:
        UserError: unknown presets, images that cannot be read, labels of too few chambers, or an `out` of
            another analysis.
    """
    asked, out = options or GapOptions(), Path(out)
    began = time.process_time()

    def tell(line: str) -> None:
        if asked.progress:
            print(f"twincell: {line}", file=sys.stderr, flush=True)

    given = given_preset(synthetic) if isinstance(synthetic, str) else synthetic
    manifest = real if isinstance(real, Manifest) else Manifest.read(real)
    if asked.modality is not None:
        manifest = of_modality(manifest, asked.modality)
    settings = asked.settings or load_preset(PRESET)
    if asked.twin is not None:
        require_translator(load_model(asked.twin))
    told = None if asked.match is None else Scenes.read(asked.match)
    eyes = load_model(EYES)
    images, modality = unlabelled(manifest, eyes)
    material = read_material(manifest, eyes, asked.progress)
    _refuse(manifest, material.labelled, asked)
    with locked(out):
        _claim(out, manifest, given, settings, asked)
        scenes = told or _fitted(out, images, modality, asked)
        labelled = enlarged(material.labelled, scenes.scale)
        halves = halves_of(labelled.chambers, asked.seeds)
        n = asked.images or min(int((~half).sum()) for half in halves.values())
        drawn = Redrawn(given, scenes.preset)
        generator = drawn if asked.twin is None else Translated.by(asked.twin, drawn)
        trainings = Trainings(asked.kept or out, settings, n)
        measured = measure(generator, labelled, halves, trainings, asked.labels, tell)
        found = split(measured)
        twin = "" if asked.twin is None else str(asked.twin)
        advice = advise(found, measured, given, scenes.preset, twin)
        write_atomic(out / "better.yaml", preset_text(generator.preset(advice.worth_closing), advice.head))
    return Gap(found, measured, advice, generator, modality, n, time.process_time() - began)


def _refuse(manifest: Manifest, labelled: Labelled, asked: GapOptions) -> None:
    problems = []
    if (chambers := len(set(labelled.chambers))) < FEWEST:
        problems.append(
            f"{manifest.root}: natural images of split train have labels of {chambers} chambers; count "
            f"images of {FEWEST} or more, since half of the chambers are kept aside to measure on"
        )
    if asked.labels < 2:
        problems.append(f"--labels {asked.labels}: at least 2 are needed to see what people count")
    if not asked.seeds or len(set(asked.seeds)) < len(asked.seeds):
        problems.append("--seeds: give one or more, each once")
    if problems:
        raise UserError(problems)


def _claim(out: Path, manifest: Manifest, given: Preset, settings: Settings, asked: GapOptions) -> None:
    """Notes what was asked for, or goes on where the same was asked for before."""
    request = {
        "manifest": manifest.fingerprint(),
        "generator": preset_text(given, given.name),
        "settings": settings.to_yaml(),
        "match": "" if asked.match is None else Path(asked.match).read_text(encoding="utf-8"),
        "starts": asked.starts,
        "trials": asked.trials,
        "diameter": asked.diameter,
        "images": asked.images,
    }
    if asked.twin is not None:
        request["twin"] = load_card(asked.twin).sha256
    text = json.dumps(request, indent=1) + "\n"
    if (out / REQUEST).exists() and not holds(out / REQUEST, text):
        raise UserError(
            f"{out}: holds the analysis of other images, generators or settings; name another --out"
        )
    fresh_dir(out, resume=(out / REQUEST).exists())
    write_atomic(out / REQUEST, text)


def _fitted(out: Path, images: list[Tensor], modality: str, asked: GapOptions) -> Scenes:
    """What the real images are like, fitted once and kept."""
    place = out / "matched.yaml"
    if not place.exists():
        options = MatchOptions(
            diameter=asked.diameter, starts=asked.starts, trials=asked.trials, progress=asked.progress
        )
        for half in (place.with_suffix(".json"), place.with_suffix(".png")):
            half.unlink(missing_ok=True)
        write_match(match_images(images, modality, options), place)
    return Scenes.read(place)
