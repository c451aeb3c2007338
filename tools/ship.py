"""Make a model that ships with the package again, from nothing but this repository and the published images.

    twincell import cho-k1 DIR --out W
    python tools/ship.py any    --manifest W     # drawn scenes alone; W only for its figures
    python tools/ship.py cho-bf --manifest W
    python tools/ship.py cho-pc --manifest W

Each trains a preset, measures the model on the counted training frames, and writes weights and card into
src/twincell/shipped. Figures of leave-chamber-out are taken from docs/results, where they were measured.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from twincell.data.manifest import Manifest
from twincell.evaluate.evaluate import evaluate
from twincell.evaluate.metrics import Scores
from twincell.evaluate.protocols import of_modality
from twincell.models.base.file import SHIPPED, load_model, save_model
from twincell.presets import load_preset
from twincell.simulate import synthesise
from twincell.training import fit

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
DRAWN = "MIT. Trained on drawn scenes alone: no microscope image, no third party's right."
CHO = (
    "Weights MIT. Trained on CHO-K1 images of Stallmann, Kenneweg and Hammer (PUB Bielefeld record 2960030), "
    "whose licence is not stated: cite them; the images are not part of this file."
)


def drawn_manifest(folder: Path) -> Manifest:
    """A few drawn images of each modality: the preset `any` draws its own, but a run needs a manifest."""
    rows = []
    for modality in ("bf", "pc"):
        drawn = synthesise(f"optics-{modality}", 8, seed=999)
        for i, (picture, count) in enumerate(zip(drawn.images[:, 0], drawn.counts, strict=True)):
            name = f"{modality}{i}.png"
            Image.fromarray((picture.numpy() * 255).round().astype(np.uint8)).save(folder / name)
            rows.append((name, float(count), "train", modality, "synthetic", f"drawn-{modality}", i))
    names = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    return Manifest(pd.DataFrame(rows, columns=names), folder)


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
    parser.add_argument("name", choices=["any", "cho-bf", "cho-pc"])
    parser.add_argument("--manifest", required=True, help="the published images, imported")
    parser.add_argument("--run", help="a finished run to ship, in place of training one")
    asked = parser.parse_args()
    real = Manifest.read(asked.manifest)
    with tempfile.TemporaryDirectory() as temporary:
        if asked.name == "any":
            settings, manifest = load_preset("any"), drawn_manifest(Path(temporary))
        else:
            modality = asked.name.removeprefix("cho-")
            settings, manifest = load_preset("best").changed(KNOWN[modality]), of_modality(real, modality)
        run = Path(asked.run) if asked.run else fit(settings, manifest, Path(temporary) / "run")
        model = load_model(run)
        shown = real if asked.name == "any" else manifest
        metrics: dict[str, object] = {"counted frames of split train": measured(str(run), shown)}
    if asked.name != "any":
        modality = asked.name.removeprefix("cho-")
        metrics["preset best, halfway, on chambers held out"] = {modality: on_new_chambers(modality)}
    licence = DRAWN if asked.name == "any" else CHO
    card = model.card.model_copy(update={"name": asked.name, "licence": licence, "metrics": metrics})
    print(save_model(SHIPPED, model.network, card, asked.name))


if __name__ == "__main__":
    main()
