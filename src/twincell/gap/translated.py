"""Drawn images made to look real by a Twin-VAE, in the place of another renderer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twincell.evaluate.translation import require_translator, translate
from twincell.files import write_atomic
from twincell.gap.generator import Redrawn
from twincell.gap.shapley import PHOTOREALISM, Closed
from twincell.io.encode import png
from twincell.io.images import read_grey
from twincell.models.base.file import load_model
from twincell.models.base.loaded import LoadedModel
from twincell.simulate.presets import Preset


@dataclass(frozen=True)
class Translated:
    """Scenes of the simulator whose images a twin draws as real ones; a `Generator`.

    Attributes:
        drawn: draws scenes in the look that was given.
        model: of a Twin-VAE that learned from such images and from real ones.
    """

    drawn: Redrawn
    model: LoadedModel

    @classmethod
    def by(cls, model: str | Path, drawn: Redrawn) -> "Translated":
        """By a model that is named.

        Raises:
            UserError: there is no such model, or its method has no decoders.
        """
        loaded = load_model(model)
        require_translator(loaded)
        return cls(drawn, loaded)

    @property
    def name(self) -> str:
        """That of the preset."""
        return self.drawn.name

    def preset(self, closed: Closed) -> Preset:
        """What draws the images before they are translated."""
        return self.drawn.preset(closed - {PHOTOREALISM})

    def key(self, closed: Closed) -> str:
        """As `Generator.key`."""
        plain = self.drawn.key(closed - {PHOTOREALISM})
        return f"{plain}translated by {self.model.card.sha256}" if PHOTOREALISM in closed else plain

    def write(self, out: Path, closed: Closed, n: int, seed: int) -> None:
        """As `Generator.write`."""
        self.drawn.write(out, closed - {PHOTOREALISM}, n, seed)
        if PHOTOREALISM not in closed:
            return
        files = sorted((out / "images").iterdir())
        made = translate(self.model, np.stack([read_grey(file) for file in files]), "natural")
        for file, image in zip(files, made.translated, strict=True):
            write_atomic(file, png(image))
