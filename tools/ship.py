"""Make a model that ships with the package again, from nothing but this repository and the published images.

    twincell import cho-k1 DIR --out W
    python tools/ship.py chambers --manifest W   # drawn scenes alone; W only for its figures
    python tools/ship.py any      --manifest W   # drawn scenes of any lab: presets wide, then any
    python tools/ship.py cho-bf   --manifest W
    python tools/ship.py cho-pc   --manifest W
    python tools/ship.py NAME     --manifest W --doubts   # weights as they are; what they doubt, anew

Each trains a preset, measures the model on the counted training frames, and writes weights and card into
src/twincell/shipped, or into --out. Figures of leave-chamber-out are taken from docs/results, where they were
measured.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.evaluate.evaluate import evaluate
from twincell.evaluate.metrics import Scores
from twincell.evaluate.protocols import of_modality
from twincell.models import METHODS
from twincell.models.base.file import SHIPPED, LoadedModel, load_model, save_model
from twincell.models.density_network.settings import SCALED_TO
from twincell.models.density_network.spoil import learn_forecast
from twincell.presets import load_preset
from twincell.series.conformal import scores, spread_of, widening
from twincell.simulate import synthesise
from twincell.training import fit
from twincell.training.weight_interpolation import interpolate_weights

ROOT = Path(__file__).parents[1]
WHOLE_WAY = {"training.start_share": 0.0, "training.steps": 2000}
KNOWN = {
    "bf": {
        **WHOLE_WAY,
        "training.learning_rate": 3e-3,
        "model.loss.count": 3.0,
        "synthetic.pool": 4000,
    },
    "pc": {**WHOLE_WAY, "synthetic.pool": 5000},
}
"""For chambers that are known: all the way from the start, longer; counts weigh more in bright field."""
KEPT = 0.4
"""Share of `chambers` in the weights of `any`."""
DRAWN_ALONE = ("chambers", "any")
"""Presets that learn from drawn scenes alone."""
DRAWN = "MIT. Trained on drawn scenes alone: no microscope image, no third party's right."
CHO = (
    "Weights MIT. Trained on CHO-K1 images of Stallmann, Kenneweg and Hammer (PUB Bielefeld record 2960030), "
    "whose licence is not stated: cite them; the images are not part of this file."
)


def drawn_manifest(folder: Path) -> Manifest:
    """A few drawn images of each modality: these presets draw their own, but a run needs a manifest."""
    rows = []
    for modality in ("bf", "pc"):
        drawn = synthesise(f"optics-{modality}", 8, seed=999)
        for i, (picture, count) in enumerate(zip(drawn.images[:, 0], drawn.counts, strict=True)):
            name = f"{modality}{i}.png"
            Image.fromarray((picture.numpy() * 255).round().astype(np.uint8)).save(folder / name)
            rows.append((name, float(count), "train", modality, "synthetic", f"drawn-{modality}", i))
    names = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    return Manifest(pd.DataFrame(rows, columns=names), folder)


def nearer_to_chambers(run: Path, out: Path) -> Path:
    """Writes the model between a run's and `chambers`, which keeps what that knew of crowded chambers.

    What it finds familiar is learned anew, from drawn images of all presets of the run.
    """
    model, settings = load_model(run), load_preset("any")
    known = load_model("chambers").network.state_dict()
    interpolate_weights(model.network, model.network.state_dict() | known, KEPT)
    presets = settings.synthetic.presets
    with torch.inference_mode():
        METHODS[settings.method].finalize(
            model.network, drawn_images(presets), torch.empty(0), torch.empty(0)
        )
    told = f"{len(presets)} presets of drawn scenes, wide then any; {KEPT:g} of the way back to chambers"
    data = model.card.data.model_copy(update={"description": told})
    return save_model(out, model.network, model.card.model_copy(update={"data": data}))


def doubting(model: LoadedModel, images: torch.Tensor) -> LoadedModel:
    """The same weights, and what they forecast of their errors learned anew from images (N, 1, H, W)."""
    settings = {**model.card.settings, "network": {**model.card.settings["network"], "doubts": True}}
    method = METHODS[model.card.method]
    network = method.build(method.settings_class.model_validate(settings)).eval()
    kept = {k: v for k, v in model.network.state_dict().items() if not k.startswith("forecast.")}
    network.load_state_dict(network.state_dict() | kept)
    with torch.inference_mode():
        learn_forecast(network, images)
    return replace(model, network=network, card=model.card.model_copy(update={"settings": settings}))


def known_images(name: str, manifest: Manifest) -> torch.Tensor:
    """(N, 1, H, W) in [0, 1] such as a shipped model has learned from: drawn ones, or training frames."""
    if name in DRAWN_ALONE:
        return drawn_images(load_preset(name).synthetic.presets, 24)
    rows = manifest.select("train")
    at = np.unique(np.linspace(0, len(rows) - 1, 512).round().astype(int))
    some = Manifest(rows.table.iloc[at].reset_index(drop=True), rows.root)
    return ImageStore.load(some, progress=False).images.float() / 255


def drawn_images(presets: Sequence[str], each: int = 64) -> torch.Tensor:
    """(N, 1, 128, 128) drawn images of each preset."""
    return torch.cat([synthesise(preset, each, seed=1000 + k).images for k, preset in enumerate(presets)])


def doubted(model: LoadedModel, manifest: Manifest) -> np.ndarray:
    """(n,) errors of counted frames that the model never saw, in units of the intervals they would get."""
    found = evaluate(model, manifest, "train").frames
    return scores(found["predicted"], found["count"], widening(found["novelty"]))


def measured(model: LoadedModel, manifest: Manifest) -> dict[str, dict[str, float]]:
    """Figures on the counted frames of split train, per modality."""
    found = {}
    for modality in sorted(set(manifest.table["modality"])):
        found[modality] = figures(evaluate(model, of_modality(manifest, modality), "train").scores)
    return found


def figures(scores: Scores) -> dict[str, float]:
    """The five figures, rounded as a table shows them."""
    names = ("n", "mae", "mre", "accuracy", "mae_raw", "bias")
    return {name: round(float(getattr(scores, name)), 3) for name in names}


def on_new_chambers(modality: str) -> dict[str, float]:
    """The row of docs/results that says how the recipe does on chambers held out."""
    with (ROOT / "docs" / "results" / "leave-chamber-out.csv").open() as file:
        row = next(r for r in csv.DictReader(file) if r["modality"] == modality and r["method"] == "model")
    return {name: round(float(row[name]), 3) for name in ("n", "mae", "mre", "accuracy", "mae_raw", "bias")}


def trained(asked: argparse.Namespace, real: Manifest, folder: Path) -> LoadedModel:
    """The model of a training from nothing, or of the run that was given."""
    if asked.name not in DRAWN_ALONE:
        own = of_modality(real, asked.name.removeprefix("cho-"))
        settings = load_preset("best").changed(KNOWN[asked.name.removeprefix("cho-")])
        return load_model(asked.run or fit(settings, own, folder / "run"))
    drawn, start = drawn_manifest(folder), None
    if asked.name == "any" and not asked.run:
        start = asked.start or fit(load_preset("wide"), drawn, folder / "wide")
    run = Path(asked.run or fit(load_preset(asked.name), drawn, folder / "run", start=start))
    return load_model(nearer_to_chambers(run, folder / "any") if asked.name == "any" else run)


def figures_of(name: str, model: LoadedModel, real: Manifest) -> dict[str, Any]:
    """What changes in a card with the figures that are measured: `metrics` and `spread`."""
    key = "counted frames of split train"
    if name in DRAWN_ALONE:
        return {"metrics": {key: measured(model, real)}, "spread": spread_of(doubted(model, real))}
    modality = name.removeprefix("cho-")
    metrics: dict[str, Any] = {key: measured(model, of_modality(real, modality))}
    metrics["preset best, halfway, on chambers held out"] = {modality: on_new_chambers(modality)}
    return {"metrics": metrics}


def main() -> None:
    """Trains, measures, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[*DRAWN_ALONE, "cho-bf", "cho-pc"])
    parser.add_argument("--manifest", required=True, help="the published images, imported")
    parser.add_argument("--run", help="a finished run to ship, in place of training one")
    parser.add_argument("--start", help="a finished run of preset wide, for `any` to begin with")
    parser.add_argument("--doubts", action="store_true", help="keep the weights that ship, learn doubts anew")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder that weights and card go to")
    asked = parser.parse_args()
    real = Manifest.read(asked.manifest)
    if asked.doubts:
        own = real if asked.name in DRAWN_ALONE else of_modality(real, asked.name.removeprefix("cho-"))
        model = doubting(load_model(asked.name), known_images(asked.name, own))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            model = trained(asked, real, Path(temporary))
    told: dict[str, Any] = {"name": asked.name, "licence": DRAWN if asked.name in DRAWN_ALONE else CHO}
    if model.measures:
        told["image"] = model.card.image.model_copy(update={"cell_diameter_px": SCALED_TO})
    told |= figures_of(asked.name, model, real)
    print(save_model(asked.out, model.network, model.card.model_copy(update=told), asked.name))


if __name__ == "__main__":
    main()
