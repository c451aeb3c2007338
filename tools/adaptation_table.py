"""Measure adaptation to a second lab (LDC) by number and kind of labels, five draws each, and write a CSV.

    python tools/adaptation_table.py ../shared/data/ldc --out docs/results/adaptation.csv
    python tools/adaptation_table.py ../shared/data/ldc --out FILE --draws 2 --only dotted:20

Labels are drawn from one fixed half of the images, all figures come from the other half, which nothing was
chosen on. Rows that stand in the CSV already are not measured again.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from twincell.evaluate.metrics import Figures
from twincell.models.base.file import load_model
from twincell.series.conformal import conformal_interval
from twincell.training.adaptation import Chosen, Effort, Labelled, View, choose
from twincell.training.adaptation.adapt import trajectory
from twincell.training.adaptation.view import count

COLUMNS = (
    "labels", "number", "draw", "method", "mae", "accuracy", "bias", "mae_raw", "coverage", "width",
    "expected_mae", "expected_error", "steps", "contrast", "scale", "seconds", "cpu_seconds",
)  # fmt: skip
CASES = ("dotted:5", "counted:20", "dotted:20", "counted:5", "dotted:10", "dotted:100", "counted:100")
PLAIN_SCALE = 0.57  # 225 x 219 px to 128 x 128, as the review's plain fine-tuning was measured
PLAIN = Effort(steps=(150,), rate=5e-4)


class Lab:
    """The images of LDC with counts and places, split into a half to learn from and a half to measure on."""

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

    def labelled(self, kind: str, number: int, draw: int) -> Labelled:
        """That many labelled images of the learning half, dotted or counted."""
        order = torch.randperm(len(self.learn), generator=torch.Generator().manual_seed(1000 + draw))
        at = self.learn[order[:number]].tolist()
        points = [self.points[i] for i in at] if kind == "dotted" else None
        return Labelled.of([self.images[i] for i in at], self.counts[at], points)

    def measured(self, network: nn.Module, view: View) -> Tensor:
        """Counts of the measuring half, four looks each, as models count."""
        return count(network, [self.images[i] for i in self.measure.tolist()], view, flips=True)

    @property
    def truth(self) -> np.ndarray:
        """A person's counts of the measuring half."""
        return self.counts[self.measure].numpy()


def _grey(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path).convert("L")))[None].float() / 255


def row(lab: Lab, kind: str, number: int, draw: int, method: str, start: str) -> dict[str, object]:
    """One measurement as a row of the CSV."""
    labelled = lab.labelled(kind, number, draw)
    network = load_model(start).network
    wall, processor = time.perf_counter(), time.process_time()
    chosen: Chosen | None = None
    if method == "adapt":
        chosen = choose(network, labelled, seed=draw)
        network, view = chosen.network, chosen.view
    elif method in ("start", "constant"):
        view = View()
    else:
        view = View(scale=PLAIN_SCALE)
        if method == "scratch":
            torch.manual_seed(draw)
            network = type(network)()
        for _, average in trajectory(network, labelled, view, PLAIN, draw):
            network = average
    seconds, used = time.perf_counter() - wall, time.process_time() - processor
    if method == "constant":
        found = labelled.counts.median().expand(len(lab.truth)).numpy()
    else:
        found = lab.measured(network, view).numpy()
    figures = Figures.of(found, lab.truth)
    made: dict[str, object] = {
        name: getattr(figures, name) for name in ("mae", "accuracy", "bias", "mae_raw")
    }
    made |= {"labels": kind, "number": number, "draw": draw, "method": method}
    made |= {"seconds": seconds, "cpu_seconds": used}
    if chosen is not None and chosen.expected is not None:
        lower, upper = conformal_interval(found, chosen.expected.spread)
        made |= {
            "coverage": 100 * float(((lower <= lab.truth) & (lab.truth <= upper)).mean()),
            "width": float((upper - lower).mean()),
            "expected_mae": chosen.expected.mae,
            "expected_error": chosen.expected.error,
            "steps": chosen.steps,
            "contrast": chosen.view.contrast,
            "scale": chosen.view.scale,
        }
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in made.items()}


def main() -> None:
    """Measures what is missing in the CSV, draw by draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lab", type=Path, help="folder of LDC: counts.csv, boxes.csv, images")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write, or to go on with")
    parser.add_argument("--start", default="any", help="model to start from")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=CASES, help="cases such as dotted:20")
    parser.add_argument("--methods", nargs="*", default=["start", "constant", "adapt", "plain", "scratch"])
    asked = parser.parse_args()
    lab = Lab(asked.lab)
    done: set[tuple[str, ...]] = set()
    if asked.out.exists():
        with asked.out.open() as file:
            done = {tuple(r[k] for k in COLUMNS[:4]) for r in csv.DictReader(file)}
    else:
        asked.out.write_text(",".join(COLUMNS) + "\n")
    for draw in range(asked.draws):
        for case in asked.only:
            kind, number = case.split(":")
            for method in asked.methods:
                if (kind, number, str(draw), method) in done:
                    continue
                made = row(lab, kind, int(number), draw, method, asked.start)
                with asked.out.open("a", newline="") as file:
                    csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(made)
                print({k: made.get(k) for k in COLUMNS if made.get(k) is not None}, flush=True)


if __name__ == "__main__":
    main()
