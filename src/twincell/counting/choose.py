"""Which model fits some images: how many of them look like what each has learned from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twincell.counting.inputs import Choices, gather
from twincell.counting.reader import Reader
from twincell.data.modality import others
from twincell.errors import UserError
from twincell.faults import Fault, refuse
from twincell.models.base.file import load_model
from twincell.models.base.sizes import predict_each
from twincell.words import number

ENOUGH = 0.5  # of the frames have to look like training for a model to be advised


@dataclass(frozen=True)
class Fit:
    """How one model takes some images.

    Attributes:
        model: its name or place.
        frames: looked at.
        alike: share of them that look like its training; None where the model cannot tell.
        median_count: cells per frame, the median of its counts.
        other_modalities: of the images, that the model was not trained on.
        labelled: counted images it learned from; of two that fit alike, one that saw real cells is better.
    """

    model: str
    frames: int
    alike: float | None
    median_count: float
    other_modalities: list[str]
    labelled: int

    def sentence(self) -> str:
        """The fit in words."""
        if self.alike is None:
            told = "this model cannot tell what is unlike its training"
            like = f"{number(self.frames, 'frame')} counted, and {told}"
        else:
            like = f"{self.alike:.0%} of {number(self.frames, 'frame')} look like its training"
        other = f"; not made for {', '.join(self.other_modalities)}" if self.other_modalities else ""
        return f"{self.model}: {like}, {self.median_count:.1f} cells in the median frame{other}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def fits(
    inputs: Sequence[str | Path],
    models: Sequence[str],
    choices: Choices,
    convert: bool = False,
    most: int = 48,
) -> list[Fit]:
    """Look at some images with each model.

    Args:
        inputs: as for `count`.
        models: names, run folders or files.
        choices: what the inputs do not say.
        convert: make images 8-bit grey where they are not.
        most: frames looked at, evenly spread over all.

    Raises:
        UserError: inputs that cannot be understood, or no frame that can be read.
    """
    frames = gather(inputs, choices)
    rows = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)).tolist()
    words = [word for word in frames.table["modality"].unique() if word]
    found = []
    for name in models:
        model = load_model(name)
        with Reader(frames, model.fixed_size, convert) as reader:
            read = reader.read_all(rows)
        images = [image for image in read if not isinstance(image, Fault)]
        if not images:
            refuse(image for image in read if isinstance(image, Fault))
            raise UserError("no frame to look at; name images, folders or recordings")
        seen = predict_each(model, images, [model.diameter(images)] * len(images))
        alike = None if seen.novelty is None else float((seen.novelty <= 1).float().mean())
        strange = others(words, model.card.modalities)
        middle = float(seen.count.median())
        found.append(Fit(str(name), len(images), alike, middle, strange, model.card.data.labelled))
    return found


def best(found: Sequence[Fit]) -> Fit | None:
    """The model that fits best; of those that fit alike, one that learned from counted images."""
    able = [fit for fit in found if not fit.other_modalities]
    return max(able, key=lambda fit: (round(fit.alike or 0.0, 1), fit.labelled > 0), default=None)


def advice(found: Sequence[Fit]) -> str:
    """One sentence: which model to use, or that none fits and what helps then."""
    one = best(found)
    if one is None or (one.alike or 0.0) < ENOUGH:
        start = one.model if one else found[0].model
        return (
            "none of them fits well: count a few frames, and move one to your images with twincell transfer "
            f"{start} MANIFEST --out RUN (twincell manifest makes the MANIFEST)"
        )
    return f"use {one.model}: {one.alike:.0%} of the frames look like its training; look at some counts first"
