"""What `twincell transfer` does with few labels: a model adapted to a lab, and what to expect of it."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import twincell
from twincell.data.manifest import Manifest
from twincell.data.resize import magnify
from twincell.errors import UserError
from twincell.files import fresh_dir
from twincell.hardware import device_name
from twincell.locks import locked
from twincell.models.base.file import LoadedModel, ModelCard, TrainingData, load_model, save_model
from twincell.models.base.views import GRAIN
from twincell.models.density_network.network import DensityNetwork
from twincell.training.adaptation.begin import Beginning, begin
from twincell.training.adaptation.curve import FLAT
from twincell.training.adaptation.familiar import learn_familiar
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.material import Material, labelled_rows, read_material
from twincell.training.adaptation.scenes import Scenes
from twincell.training.adaptation.selection import LEAST, START, Chosen, choose, shown_places
from twincell.training.adaptation.size import enlarged, enlargement
from twincell.training.adaptation.sure import numbered, resembling

MOST = 100
"""Labelled images up to which a model is adapted; more are worth a whole training."""
WIDEST = 512
"""Longest side in px that is counted as a whole; larger images are counted in parts."""


def adapts(card: ModelCard, manifest: Manifest) -> bool:
    """Whether few labels call for an adaptation: of a density network, by 0 to `MOST` labelled images."""
    return card.method == "density_network" and int(labelled_rows(manifest).sum()) <= MOST


def adapt(
    model: str | Path,
    manifest: Manifest,
    out: str | Path,
    seed: int = 0,
    progress: bool = True,
    scenes: Scenes | None = None,
) -> Path:
    """Adapts a model to the labelled images of a manifest and writes it into a run folder.

    Args:
        model: the start, a density network.
        manifest: its natural rows of split train are used, with places where they are known.
        out: the run folder; has to be empty or absent.
        seed: of folds, batches and variation.
        progress: whether lines are shown (on stderr).
        scenes: drawn scenes matched to the images, which teach first; no label is needed then.

    Returns:
        The run folder, with model.safetensors and model.json.

    Raises:
        UserError: a model of another method, faulty labels or images, or an `out` that holds files.
    """
    start, out = load_model(model), Path(out)
    if not isinstance(start.network, DensityNetwork):
        raise UserError(
            f"{model}: its method is {start.card.method}, only a density_network is adapted; name a --preset "
            "to train it in full"
        )
    material = read_material(manifest, start, progress)
    with locked(out):
        fresh_dir(out)
        began = time.monotonic()
        tell = _teller(progress)
        beginning = _begun(start, material, manifest, scenes, seed, tell)
        labelled = enlarged(material.labelled, beginning.scale)
        chosen = choose(beginning.network, labelled, seed=seed, tell=tell)
        if chosen.expected is not None and beginning.start_missed is not None:
            expected = replace(chosen.expected, start=beginning.start_missed)
            chosen = replace(chosen, expected=expected)
        network = chosen.network
        assert isinstance(network, DensityNetwork)
        if chosen.changed or beginning.learned:
            _know_the_lab(network, labelled, material, chosen, beginning.scale)
        card = _card(start, manifest, material, chosen, beginning, str(model))
        told_of_run = {"seed": seed, "seconds": round(time.monotonic() - began, 1)}
        save_model(out, network, card.model_copy(update=told_of_run))
        tell(told(chosen, material, beginning))
    return out


def _begun(
    start: LoadedModel,
    material: Material,
    manifest: Manifest,
    scenes: Scenes | None,
    seed: int,
    tell: Callable[[str], None],
) -> Beginning:
    """The start at the size at which `twincell count` looks, or what drawn scenes made of it."""
    base = enlargement(start, [*material.labelled.images, *material.others], manifest.spec)
    if scenes is None:
        return Beginning(start.network, base)
    tell(f"learning from {scenes.source}")
    enough = shown_places(material.labelled) >= LEAST

    def at(scale: float) -> tuple[Labelled, list[torch.Tensor]]:
        return enlarged(material.labelled, scale), [magnify(image, scale) for image in material.others]

    beginning = begin(start.network, base, at, scenes, enough, seed)
    tell(beginning.told)
    return beginning


def _know_the_lab(
    network: DensityNetwork, labelled: Labelled, material: Material, chosen: Chosen, scale: float
) -> None:
    """Learns what is familiar in these images, which from now on are scaled by the card alone."""
    images = [*labelled.images, *(magnify(image, scale) for image in material.others)]
    places = resembling(images, [*labelled.chambers, *material.other_chambers])
    if len(places) >= LEAST:
        learn_familiar(network, images, chosen.view, numbered(places))
    network.forget_sizes()


def told(chosen: Chosen, material: Material, beginning: Beginning) -> str:
    """What came out, for people."""
    labelled, scenes = material.labelled, f"{beginning.told}; " if beginning.told else ""
    if chosen.expected is None and beginning.learned:
        return (
            f"{scenes}how well the model counts these images now is not known: count or mark cells in images "
            f"of {LEAST} or more places to learn it"
        )
    if not len(labelled):
        return (
            f"{scenes}no natural image of split train has a count or marked cells, so the model stays as it "
            "is; count, or mark the cells of, some 20 images and run this again"
        )
    if chosen.expected is None:
        return (
            f"{scenes}{len(labelled)} labelled images show fewer than {LEAST} places, which cannot say "
            "whether a change is one for the better: the model stays as it is; count or mark cells in images "
            "of more places"
        )
    how = (
        "no change was surely better, so the model stays as it is"
        if chosen.steps == START
        else f"sides x {chosen.view.scale:g}, contrast x {chosen.view.contrast:g}, {chosen.steps} steps"
    )
    return f"{scenes}{how}; expect {chosen.expected.sentence()}"


def _card(
    start: LoadedModel,
    manifest: Manifest,
    material: Material,
    chosen: Chosen,
    beginning: Beginning,
    origin: str,
) -> ModelCard:
    """The start's card with what the adaptation changed."""
    expected, labelled, old = chosen.expected, material.labelled, start.card
    said = told(chosen, material, beginning)
    changes: dict[str, object] = {
        "spread": None if expected is None else round(expected.spread, 4),
        "data": TrainingData(
            fingerprint=manifest.fingerprint(),
            images=material.images,
            labelled=len(labelled),
            chambers=len(set(labelled.chambers)),
            description=f"{said}; {labelled.dotted} with places; started from {origin}",
        ),
        "metrics": _figures(chosen, beginning),
        "steps": max(0, chosen.steps),
        "machine": device_name(torch.device("cpu")),
        "twincell_version": twincell.__version__,
    }
    if chosen.changed or beginning.learned:
        scale = beginning.scale * chosen.view.scale
        rule = old.preprocessing.model_copy(update={"scale": scale})
        seen = labelled.images or material.others
        height, width = (_whole([image.shape[k] * scale for image in seen]) for k in (1, 2))
        sizes = {name: getattr(manifest.spec, name) for name in ("pixel_size_um", "cell_diameter_px")}
        image = old.image.model_copy(update={"height": height, "width": width, **sizes})
        changes |= {"preprocessing": rule, "image": image, "modalities": list(material.modalities)}
        changes["settings"] = _without_sizes(old.settings)
        changes["name"] = old.name if old.name.endswith(ADAPTED) else old.name + ADAPTED
    return old.model_copy(update=changes)


ADAPTED = ", adapted"


def _without_sizes(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of the network that knows the lab's magnification and looks for no other."""
    return {**settings, "network": {**settings.get("network", {}), "sizes": False}}


def _whole(lengths: list[float]) -> int:
    """The side of a view that shows images of these sides as a whole, where that is not too large."""
    return min(WIDEST, max(math.ceil(round(length) / GRAIN) * GRAIN for length in lengths))


def _figures(chosen: Chosen, beginning: Beginning) -> dict[str, object]:
    """What to expect and what was tried, from labels left out; what drawn scenes did."""
    expected = chosen.expected
    scenes: dict[str, object] = {"matched scenes": beginning.figures} if beginning.figures else {}
    if expected is None:
        return scenes
    named = {START: "start", 0: "view alone"}
    tried = {named.get(steps, f"{steps} steps"): round(error, 3) for steps, error in chosen.tried.items()}
    found = {
        "labels": expected.labels,
        "mae": round(expected.mae, 3),
        "standard error": None if math.isnan(expected.error) else round(expected.error, 3),
        "mae of the start": round(expected.start, 3),
    }
    if expected.curve != FLAT:
        found[f"mae with {expected.more} more labels, about"] = round(expected.with_more, 3)
    return {"expected on images like these": found, "error of unrounded counts left out": tried} | scenes


def _teller(progress: bool) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if progress:
            print(f"twincell: {line}", file=sys.stderr)

    return tell
