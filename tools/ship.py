"""Make a model that ships with the package again, from nothing but this repository and the published images.

    twincell import cho-k1 DIR --out W
    python tools/ship.py chambers --manifest W   # drawn scenes alone; W only for its figures
    python tools/ship.py any      --manifest W   # drawn scenes of any lab: presets wide, then any
    python tools/ship.py cho-bf   --manifest W
    python tools/ship.py cho-pc   --manifest W

Each trains a preset, measures the model on the counted training frames, and writes weights and card into
src/twincell/shipped, or into --out. Figures of leave-chamber-out are taken from docs/results, where they were
measured.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from twincell.data.manifest import Manifest
from twincell.evaluate.evaluate import evaluate
from twincell.evaluate.metrics import Scores
from twincell.evaluate.protocols import of_modality
from twincell.models import METHODS
from twincell.models.base.file import SHIPPED, load_model, save_model
from twincell.models.density_network.settings import SCALED_TO
from twincell.presets import load_preset
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
    images = [synthesise(preset, 64, seed=1000 + k).images for k, preset in enumerate(presets)]
    with torch.inference_mode():
        METHODS[settings.method].finalize(model.network, torch.cat(images), torch.empty(0), torch.empty(0))
    told = f"{len(presets)} presets of drawn scenes, wide then any; {KEPT:g} of the way back to chambers"
    data = model.card.data.model_copy(update={"description": told})
    return save_model(out, model.network, model.card.model_copy(update={"data": data}))


def measured(model: str, manifest: Manifest) -> dict[str, dict[str, float]]:
    """Figures on the counted frames of split train, per modality."""
    found = {}
    for modality in sorted(set(manifest.table["modality"])):
        scores = evaluate(load_model(model), of_modality(manifest, modality), "train").scores
        found[modality] = figures(scores)
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


def main() -> None:
    """Trains, measures, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[*DRAWN_ALONE, "cho-bf", "cho-pc"])
    parser.add_argument("--manifest", required=True, help="the published images, imported")
    parser.add_argument("--run", help="a finished run to ship, in place of training one")
    parser.add_argument("--start", help="a finished run of preset wide, for `any` to begin with")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder that weights and card go to")
    asked = parser.parse_args()
    real = Manifest.read(asked.manifest)
    with tempfile.TemporaryDirectory() as temporary:
        if asked.name in DRAWN_ALONE:
            settings, manifest = load_preset(asked.name), drawn_manifest(Path(temporary))
        else:
            modality = asked.name.removeprefix("cho-")
            settings, manifest = load_preset("best").changed(KNOWN[modality]), of_modality(real, modality)
        start = None
        if asked.name == "any" and not asked.run:
            start = asked.start or fit(load_preset("wide"), manifest, Path(temporary) / "wide")
        run = Path(asked.run or fit(settings, manifest, Path(temporary) / "run", start=start))
        if asked.name == "any":
            run = nearer_to_chambers(run, Path(temporary) / "any")
        model = load_model(run)
        shown = real if asked.name in DRAWN_ALONE else manifest
        metrics: dict[str, object] = {"counted frames of split train": measured(str(run), shown)}
    if asked.name not in DRAWN_ALONE:
        modality = asked.name.removeprefix("cho-")
        metrics["preset best, halfway, on chambers held out"] = {modality: on_new_chambers(modality)}
    licence = DRAWN if asked.name in DRAWN_ALONE else CHO
    image = model.card.image
    if model.measures:
        image = image.model_copy(update={"cell_diameter_px": SCALED_TO})
    told = {"name": asked.name, "licence": licence, "metrics": metrics, "image": image}
    card = model.card.model_copy(update=told)
    print(save_model(asked.out, model.network, card, asked.name))


if __name__ == "__main__":
    main()
