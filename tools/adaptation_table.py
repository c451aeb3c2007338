"""Measure adaptation to another lab by number and kind of labels, some draws each, and write a CSV.

    python tools/adaptation_table.py ldc ../shared/data/ldc --out docs/results/labs.csv
    python tools/adaptation_table.py cho CHO/manifest.csv --modality bf --out docs/results/labs.csv

LDC: labels are drawn from one fixed half of the images, all figures come from the other half. CHO-K1: labels
come from a few whole chambers, figures from frames of the others. Rows that stand in the CSV already are not
measured again, so that a run goes on where it was stopped.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from twincell.data.image_spec import ImageSpec
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.evaluate.metrics import Figures
from twincell.models.base.file import load_model
from twincell.models.base.loaded import LoadedModel
from twincell.series.conformal import conformal_interval
from twincell.training.adaptation import Effort, Labelled, View, choose
from twincell.training.adaptation.adapt import trajectory
from twincell.training.adaptation.size import enlarged, enlargement
from twincell.training.adaptation.view import count

KEYS = ("lab", "labels", "number", "draw", "method")
COLUMNS = (
    *KEYS, "n", "mae", "accuracy", "bias", "mae_raw", "coverage", "width", "expected_mae", "expected_error",
    "expected_more", "falls", "steps", "contrast", "scale", "cpu_seconds",
)  # fmt: skip
CASES = {
    "ldc": ("dotted:20", "dotted:5", "counted:20", "dotted:100", "counted:5"),
    "cho-bf": ("counted:20",),
    "cho-pc": ("counted:20",),
}
PLAIN = Effort(steps=(150,))
"""Plain fine-tuning and training from scratch: the same steps, as many for any number of labels."""
CHAMBERS = 4
"""Chambers of CHO-K1 that give labels."""
MEASURED = 120
"""Most frames of CHO-K1 that are counted."""


@dataclass(frozen=True)
class Draw:
    """Labels to learn from, and images to measure on with a person's counts."""

    labelled: Labelled
    images: list[Tensor]
    truth: np.ndarray


class Ldc:
    """LDC: single images with counts and places; one half to learn from, one to measure on."""

    def __init__(self, folder: Path) -> None:
        with (folder / "counts.csv").open() as file:
            rows = [(row["image"], float(row["count"])) for row in csv.DictReader(file)]
        places: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in rows}
        with (folder / "boxes.csv").open() as file:
            for box in csv.DictReader(file):
                x, y = (float(box[f"{a}min"]) / 2 + float(box[f"{a}max"]) / 2 for a in "xy")
                places[box["image"]].append((x, y))
        self.images = [_grey(folder / name) for name, _ in rows]
        self.counts = torch.tensor([counted for _, counted in rows])
        self.points = [torch.tensor(places[name]).reshape(-1, 2) for name, _ in rows]
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(12345))
        self.learn, self.measure = (half.sort().values for half in order.tensor_split(2))

    def draw(self, kind: str, number: int, draw: int) -> Draw:
        """That many labelled images of the learning half, dotted or counted; few are among the many."""
        order = torch.randperm(len(self.learn), generator=torch.Generator().manual_seed(1000 + draw))
        at = self.learn[order[:number]].tolist()
        points = [self.points[i] for i in at] if kind == "dotted" else None
        labelled = Labelled.of([self.images[i] for i in at], self.counts[at], points)
        return Draw(
            labelled, [self.images[i] for i in self.measure.tolist()], self.counts[self.measure].numpy()
        )


class Cho:
    """CHO-K1, counted frames of split train: some whole chambers to learn from, the others to measure on."""

    def __init__(self, manifest: Path, modality: str) -> None:
        everything = Manifest.read(manifest)
        table = everything.table
        wanted = (table["modality"] == modality) & (table["split"] == "train")
        self.store = ImageStore.load(
            everything.select(wanted.to_numpy() & everything.labelled), progress=False
        )
        self.images = [image[None] if image.ndim == 2 else image for image in self.store.whole()]
        self.images = [image.float() / 255 for image in self.images]

    def draw(self, kind: str, number: int, draw: int) -> Draw:
        """That many frames of `CHAMBERS` chambers, evenly chosen, and `MEASURED` at most of the others."""
        chance = torch.Generator().manual_seed(1000 + draw)
        names = sorted(set(self.store.chambers))
        order = torch.randperm(len(names), generator=chance).tolist()
        given = {names[k] for k in order[:CHAMBERS]}
        learn: list[int] = []
        for name in sorted(given):
            own = [i for i, chamber in enumerate(self.store.chambers) if chamber == name]
            learn += [own[k] for k in _evenly(len(own), number // CHAMBERS)]
        others = [i for i, chamber in enumerate(self.store.chambers) if chamber not in given]
        measure = [others[k] for k in _evenly(len(others), MEASURED)]
        labelled = Labelled.of(
            [self.images[i] for i in learn],
            self.store.counts[learn],
            None,
            [self.store.chambers[i] for i in learn],
            [int(self.store.frames[i]) for i in learn],
        )
        return Draw(labelled, [self.images[i] for i in measure], self.store.counts[measure].numpy())


def _evenly(length: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, length - 1, min(most, length)).round().astype(int)).tolist()


def _grey(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path).convert("L")))[None].float() / 255


def measure(start: LoadedModel, drawn: Draw, method: str, draw: int) -> dict[str, object]:
    """One method on one draw: figures by the names of `COLUMNS`."""
    began = time.process_time()
    if method == "start":
        base = enlargement(start, drawn.images, ImageSpec())
        return _figures(drawn, _counted(start.network, drawn, base, View()), began, time.process_time())
    if method == "constant":
        middle = float(drawn.labelled.counts.median())
        return _figures(drawn, np.full(len(drawn.truth), middle), began, began)
    base = enlargement(start, drawn.labelled.images, ImageSpec())
    labelled = enlarged(drawn.labelled, base)
    if method == "adapt":
        chosen = choose(start.network, labelled, seed=draw)
        ended = time.process_time()
        found = _counted(chosen.network, drawn, base, chosen.view)
        made = _figures(drawn, found, began, ended)
        made |= {"steps": chosen.steps, "contrast": chosen.view.contrast, "scale": base * chosen.view.scale}
        if (expected := chosen.expected) is not None:
            lower, upper = conformal_interval(found, expected.spread)
            made |= {
                "coverage": 100 * float(((lower <= drawn.truth) & (drawn.truth <= upper)).mean()),
                "width": float((upper - lower).mean()),
                "expected_mae": expected.mae,
                "expected_error": expected.error,
                "expected_more": expected.with_more,
                "falls": expected.curve.falls,
            }
        return made
    network: nn.Module = start.network
    if method == "scratch":
        torch.manual_seed(draw)
        network = start.method.build(start.method.settings_class.model_validate(start.card.settings))
    for _, average in trajectory(network, labelled, View(), PLAIN, draw):
        network = average
    ended = time.process_time()
    return _figures(drawn, _counted(network, drawn, base, View()), began, ended)


def _counted(network: nn.Module, drawn: Draw, base: float, view: View) -> np.ndarray:
    """Counts of the measured images, four looks each, as models count."""
    images = enlarged(Labelled.of(drawn.images, torch.zeros(len(drawn.images))), base).images
    return count(network, images, view, flips=True).numpy()


def _figures(drawn: Draw, found: np.ndarray, began: float, ended: float) -> dict[str, object]:
    figures = Figures.of(found, drawn.truth)
    names = ("n", "mae", "accuracy", "bias", "mae_raw")
    return {name: getattr(figures, name) for name in names} | {"cpu_seconds": ended - began}


def missing(
    done: set[tuple[str, ...]], lab: str, methods: list[str], draws: int
) -> Iterator[tuple[str, ...]]:
    """What is still to be measured, draw by draw, as values of `KEYS`."""
    if (lab, "none", "0", "0", "start") not in done and not lab.startswith("cho"):
        yield lab, "none", "0", "0", "start"
    for draw in range(draws):
        for case in CASES[lab]:
            for method in methods:
                key = (lab, *case.split(":"), str(draw), method)
                if key not in done and (method != "start" or lab.startswith("cho")):
                    yield key


def main() -> None:
    """Measures what is missing in the CSV."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lab", choices=("ldc", "cho"))
    parser.add_argument("data", type=Path, help="folder of LDC, or a manifest of CHO-K1")
    parser.add_argument("--modality", default="bf", help="of CHO-K1: bf or pc")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write, or to go on with")
    parser.add_argument("--start", default="any", help="model to start from")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--methods", nargs="*", default=["start", "constant", "adapt", "plain", "scratch"])
    parser.add_argument("--only", nargs="*", help="cases such as dotted:20")
    asked = parser.parse_args()
    name = asked.lab if asked.lab == "ldc" else f"cho-{asked.modality}"
    lab = Ldc(asked.data) if asked.lab == "ldc" else Cho(asked.data, asked.modality)
    CASES[name] = tuple(asked.only or CASES[name])
    done: set[tuple[str, ...]] = set()
    if asked.out.exists():
        with asked.out.open() as file:
            done = {tuple(row[key] for key in KEYS) for row in csv.DictReader(file)}
    else:
        asked.out.write_text(",".join(COLUMNS) + "\n")
    start = load_model(asked.start)
    for key in missing(done, name, asked.methods, asked.draws):
        _, kind, number, draw, method = key
        made = measure(start, lab.draw(kind, int(number) or 5, int(draw)), method, int(draw))
        row = dict(zip(KEYS, key, strict=True)) | made
        row = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
        with asked.out.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
        print(row, flush=True)


if __name__ == "__main__":
    main()
