"""`twincell models`: what ships, for what, and which fits given images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twincell.cli.options import Axes, Convert, Modality

if TYPE_CHECKING:
    from twincell.counting.choose import Fit
    from twincell.models.base.card import ModelCard


def models(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(help="images, folders, recordings or a manifest to find a model for"),
    ] = None,
    modality: Modality = None,
    also: Annotated[list[str] | None, typer.Option(help="a run folder or model file to compare")] = None,
    axes: Axes = None,
    convert: Convert = False,
    most: Annotated[int, typer.Option(min=1, help="frames looked at, evenly spread")] = 48,
    json: Annotated[Path | None, typer.Option(help="write everything here, for programs")] = None,
) -> None:
    """List the models that ship: for what, how good, with which limits.

    Given images, say how well each model fits them: the share of frames that look like its training, and
    which one to use.

    Example: twincell models my/recording --modality bf
    """
    from twincell.cli.show import write_json
    from twincell.counting.choose import advice, fits
    from twincell.counting.inputs import Choices
    from twincell.data.modality import asked_modality
    from twincell.files import check_outputs
    from twincell.models.base.file import load_card, shipped_models

    check_outputs({"--json": json}, inputs or [])
    names = [*shipped_models(), *(also or [])]
    cards = {name: load_card(name) for name in names}
    found: list[Fit] = []
    said = ""
    if inputs:
        choices = Choices(axes=axes, modality=asked_modality(modality))
        found = fits([*inputs], names, choices, convert=convert, most=most)
        said = advice(found)
    for name, card in cards.items():
        _show(name, card)
    for fit in found:
        print(fit.sentence())
    if said:
        print(said)
    told = [{"name": name, "modalities": card.modalities, **_facts(card)} for name, card in cards.items()]
    write_json(json, {"models": told, "fits": [fit.as_dict() for fit in found], "advice": said})


def _facts(card: "ModelCard") -> dict[str, object]:
    """What a program reads of a card."""
    return {
        "method": card.method,
        "view": list(card.view),
        "trained_on": card.data.description,
        "metrics": card.metrics,
        "licence": card.licence,
    }


def _show(name: str, card: "ModelCard") -> None:
    from twincell.models.base.in_words import figures, limits, purpose

    print(f"{name}: {purpose(card)}")
    for line in figures(card):
        print(f"  {line}")
    print(f"  limits: {limits(card)}")
