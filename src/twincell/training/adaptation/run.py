"""What `twincell transfer` does with few labels: a model adapted to a lab, and what to expect of it."""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

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
from twincell.training.adaptation.familiar import learn_familiar
from twincell.training.adaptation.labelled import Labelled
from twincell.training.adaptation.material import Material, labelled_rows, read_material
from twincell.training.adaptation.selection import LEAST, START, Chosen, choose

MOST = 100
"""Labelled images up to which a model is adapted; more are worth a whole training."""
WIDEST = 512
"""Longest side in px that is counted as a whole; larger images are counted in parts."""


def adapts(card: ModelCard, manifest: Manifest) -> bool:
    """Whether few labels call for an adaptation: of a density network, by 0 to `MOST` labelled images."""
    return card.method == "density_network" and int(labelled_rows(manifest).sum()) <= MOST


def adapt(
    model: str | Path, manifest: Manifest, out: str | Path, seed: int = 0, progress: bool = True
) -> Path:
    """Adapts a model to the labelled images of a manifest and writes it into a run folder.

    Args:
        model: the start, a density network.
        manifest: its natural rows of split train are used, with places where they are known.
        out: the run folder; has to be empty or absent.
        seed: of folds, batches and variation.
        progress: whether lines are shown (on stderr).

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
        return _adapted(start, material, manifest, out, seed, str(model), progress)


def _adapted(
    start: LoadedModel,
    material: Material,
    manifest: Manifest,
    out: Path,
    seed: int,
    model: str,
    progress: bool,
) -> Path:
    began = time.monotonic()
    base = start.card.preprocessing.scale * manifest.spec.magnification_to(start.card.image)
    tell = _teller(progress)
    labelled = _magnified(material.labelled, base)
    chosen = choose(start.network, labelled, seed=seed, tell=tell)
    network = chosen.network
    assert isinstance(network, DensityNetwork)
    if chosen.changed:
        others = [magnify(image, base) for image in material.others]
        learn_familiar(network, [*labelled.images, *others], chosen.view)
    card = _card(start, manifest, material, chosen, base, model)
    told_of_run = {"seed": seed, "seconds": round(time.monotonic() - began, 1)}
    save_model(out, network, card.model_copy(update=told_of_run))
    tell(told(chosen, material))
    return out


def told(chosen: Chosen, material: Material) -> str:
    """What came out, for people."""
    labelled = material.labelled
    if chosen.expected is None:
        return (
            f"{len(labelled)} labelled images show fewer than {LEAST} places, which cannot say whether a "
            "change is one for the better: the model stays as it is; count or mark cells in images of more "
            "places"
        )
    how = (
        "no change was surely better, so the model stays as it is"
        if chosen.steps == START
        else f"sides x {chosen.view.scale:g}, contrast x {chosen.view.contrast:g}, {chosen.steps} steps"
    )
    return f"{how}; expect {chosen.expected.sentence()}"


def _magnified(labelled: Labelled, factor: float) -> Labelled:
    """The images at the size at which the start looks at them."""
    if factor == 1.0:
        return labelled
    images = [magnify(image, factor) for image in labelled.images]
    points = [
        None if at is None else at * at.new_tensor([new.shape[2] / old.shape[2], new.shape[1] / old.shape[1]])
        for at, old, new in zip(labelled.points, labelled.images, images, strict=True)
    ]
    return Labelled.of(images, labelled.counts, points, labelled.chambers, labelled.frames)


def _card(
    start: LoadedModel, manifest: Manifest, material: Material, chosen: Chosen, base: float, origin: str
) -> ModelCard:
    """The start's card with what the adaptation changed."""
    expected, labelled, old = chosen.expected, material.labelled, start.card
    changes: dict[str, object] = {
        "spread": None if expected is None else round(expected.spread, 4),
        "data": TrainingData(
            fingerprint=manifest.fingerprint(),
            images=material.images,
            labelled=len(labelled),
            chambers=len(set(labelled.chambers)),
            description=f"{told(chosen, material)}; {labelled.dotted} with places; started from {origin}",
        ),
        "metrics": {} if expected is None else _figures(chosen),
        "steps": max(0, chosen.steps),
        "machine": device_name(torch.device("cpu")),
        "twincell_version": twincell.__version__,
    }
    if chosen.changed:
        scale = base * chosen.view.scale
        rule = old.preprocessing.model_copy(update={"scale": scale})
        height, width = (_whole([image.shape[k] * scale for image in labelled.images]) for k in (1, 2))
        sizes = {name: getattr(manifest.spec, name) for name in ("pixel_size_um", "cell_diameter_px")}
        image = old.image.model_copy(update={"height": height, "width": width, **sizes})
        changes |= {"preprocessing": rule, "image": image, "modalities": list(material.modalities)}
        changes["name"] = old.name if old.name.endswith(ADAPTED) else old.name + ADAPTED
    return old.model_copy(update=changes)


ADAPTED = ", adapted"


def _whole(lengths: list[float]) -> int:
    """The side of a view that shows images of these sides as a whole, where that is not too large."""
    return min(WIDEST, max(math.ceil(round(length) / GRAIN) * GRAIN for length in lengths))


def _figures(chosen: Chosen) -> dict[str, object]:
    """What to expect and what was tried, from labels left out."""
    expected = chosen.expected
    assert expected is not None
    named = {START: "start", 0: "view alone"}
    tried = {named.get(steps, f"{steps} steps"): round(error, 3) for steps, error in chosen.tried.items()}
    found = {
        "labels": expected.labels,
        "mae": round(expected.mae, 3),
        "standard error": None if math.isnan(expected.error) else round(expected.error, 3),
        "mae of the start": round(expected.start, 3),
        "mae with as many labels again, about": round(expected.with_as_many_again, 3),
    }
    return {"expected on images like these": found, "error of unrounded counts left out": tried}


def _teller(progress: bool) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if progress:
            print(f"twincell: {line}", file=sys.stderr)

    return tell
