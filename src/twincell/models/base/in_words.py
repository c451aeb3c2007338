"""A model's card in sentences: what it is for, how good it is, where it ends."""

from collections.abc import Iterator
from typing import Any

from twincell.models.base.card import ModelCard

CALLED = {"bf": "bright field", "pc": "phase contrast"}


def purpose(card: ModelCard) -> str:
    """For which images, and from what it learned."""
    kinds = " and ".join(CALLED.get(word, word) for word in card.modalities) or "images of no stated kind"
    if not card.data.images:
        return f"{kinds}, of any chip: trained on drawn scenes alone, no real image"
    return (
        f"{kinds} like its training: {card.data.images:,} images of {card.data.chambers:,} chambers, "
        f"{card.data.labelled:,} of them counted"
    )


def figures(card: ModelCard) -> Iterator[str]:
    """One line for each group of figures on the card that has an error in it."""
    for name, told in card.metrics.items():
        groups = told.items() if isinstance(told, dict) and "mae" not in told else [("", told)]
        for part, numbers in groups:
            if isinstance(numbers, dict) and "mae" in numbers:
                yield f"{name}{f', {part}' if part else ''}: {_figures(numbers)}"


def limits(card: ModelCard) -> str:
    """What the model was not made for."""
    height, width = card.view
    cells = card.image.cell_diameter_px
    scale = f"cells about {cells:g} px across" if cells else f"the scale of its {width} x {height} px views"
    others = "other modalities" if len(card.modalities) == 1 else "any other modality"
    real = "" if card.data.images else "; no real image was learned from, so count a few frames to check it"
    return f"{scale}; flags frames unlike its training and {others}{real}"


def _figures(numbers: dict[str, Any]) -> str:
    frames = f" over {numbers['n']:g} frames" if "n" in numbers else ""
    exact = f", {numbers['accuracy']:.0f} % exactly right" if "accuracy" in numbers else ""
    return f"off by {numbers['mae']:.2f} cells on average{exact}{frames}"
