"""Measure what matched scenes bring with 0 and 5 labels, on LDC and on CHO-K1, and write a CSV.

    python tools/match_table.py ldc ../shared/data/ldc --work build/match --out docs/results/match.csv
    python tools/match_table.py cho-bf ../shared/data/cho_k1/128p_bf --work build/match --out FILE

LDC: scenes are fitted to the images of even rows, which are also where labels come from; with --aside figures
come from odd rows, on which nothing was chosen, else from the even rows themselves. CHO-K1: fitted to
frames without a label, measured on the counted ones of split train. Rows that
stand in the CSV are not measured again.
"""

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from twincell.data.resize import magnify
from twincell.evaluate.metrics import Figures
from twincell.matching import MatchOptions, match_images, write_match
from twincell.matching.fit import TRIALS
from twincell.models.base.file import LoadedModel, load_model
from twincell.training.adaptation import Labelled, choose
from twincell.training.adaptation.begin import Beginning, begin
from twincell.training.adaptation.scenes import Scenes
from twincell.training.adaptation.selection import LEAST
from twincell.training.adaptation.view import count

KEY = ("data", "measured", "labels", "seed", "match")
COLUMNS = (
    *KEY, "n", "mae", "se", "accuracy", "bias", "mae_raw", "used", "correlation", "drawn_before",
    "drawn_after", "distance_before", "distance_after", "steps", "cpu_fit", "cpu_learn",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What is measured: so many labels, drawn by a seed, with scenes of a preset or without."""

    labels: int
    seed: int
    preset: Path | None


class Lab:
    """Images of one lab: those to fit to, those to label, those to measure on.

    Attributes:
        images: N tensors (1, H, W) in [0, 1]; `counts`: (N,), NaN where nobody counted.
        points: N tensors (K, 2) or None.
        fit, learn, measure: positions.
    """

    def __init__(self, name: str, folder: Path, aside: bool) -> None:
        self.points: list[Tensor | None]
        if name == "ldc":
            rows = list(csv.DictReader((folder / "counts.csv").open()))
            paths, counts = [folder / row["image"] for row in rows], [float(row["count"]) for row in rows]
            places: dict[str, list[tuple[float, float]]] = {row["image"]: [] for row in rows}
            for box in csv.DictReader((folder / "boxes.csv").open()):
                x, y = (float(box[f"{a}min"]) / 2 + float(box[f"{a}max"]) / 2 for a in "xy")
                places[box["image"]].append((x, y))
            self.points = [torch.tensor(places[row["image"]]).reshape(-1, 2) for row in rows]
            self.fit = self.learn = torch.arange(0, len(rows), 2)
            self.measure = torch.arange(1 if aside else 0, len(rows), 2)
        else:
            lines = [line.rsplit(",", 1) for line in (folder / "train.csv").read_text().splitlines() if line]
            paths = [folder.parent / line[0].removeprefix("../data/") for line in lines]
            counts = [float(line[1]) or np.nan for line in lines]
            self.points = [None] * len(lines)
            known = ~torch.tensor(counts).isnan()
            some = (~known).nonzero()[:, 0]
            self.fit = some[torch.linspace(0, len(some) - 1, 128).round().long()]
            self.learn = self.measure = known.nonzero()[:, 0]
        self._paths, self.counts = paths, torch.tensor(counts)

    def images(self, at: Tensor) -> list[Tensor]:
        """The images at these positions."""
        grey = (np.array(Image.open(self._paths[i]).convert("L")) for i in at.tolist())
        return [torch.from_numpy(image)[None].float() / 255 for image in grey]

    def labelled(self, number: int, draw: int) -> Labelled:
        """So many images with places, of those that are there to be labelled."""
        chance = torch.Generator().manual_seed(1000 + draw)
        at = self.learn[torch.randperm(len(self.learn), generator=chance)[:number]]
        return Labelled.of(self.images(at), self.counts[at], [self.points[i] for i in at.tolist()])


def scaled(labelled: Labelled, factor: float) -> Labelled:
    """The same images enlarged so many times."""
    points = [None if at is None else at * factor for at in labelled.points]
    images = [magnify(image, factor) for image in labelled.images]
    return Labelled.of(images, labelled.counts, points, labelled.chambers, labelled.frames)


def start_scale(model: LoadedModel, images: list[Tensor]) -> float:
    """At which `twincell count` looks at these images, times their own size."""
    shapes = {tuple(image.shape[1:]) for image in images}
    spec = model.spec_for(
        model.diameter([image[0] for image in images]), shapes.pop() if len(shapes) == 1 else ()
    )
    return 1.0 if spec is None else spec.magnification_to(model.card.image)


def row(lab: Lab, model: LoadedModel, scale: float, asked: Case) -> dict[str, object]:
    """One measurement as a row of the CSV."""
    clock = time.process_time()
    begun, labelled = Beginning(model.network, scale), lab.labelled(asked.labels, asked.seed)
    if asked.preset is not None:
        others = lab.images(lab.fit[::2])

        def at(factor: float) -> tuple[Labelled, list[Tensor]]:
            return scaled(labelled, factor), [magnify(image, factor) for image in others]

        begun = begin(model.network, scale, at, Scenes.read(asked.preset), asked.labels >= LEAST, asked.seed)
    chosen = choose(begun.network, scaled(labelled, begun.scale), seed=asked.seed)
    seconds = time.process_time() - clock
    images, truth = lab.images(lab.measure), lab.counts[lab.measure].numpy()
    shown = [magnify(image, begun.scale) for image in images]
    found = count(chosen.network, shown, chosen.view, flips=True).numpy()
    missed, figures = np.abs(np.rint(found) - truth), Figures.of(found, truth)
    made: dict[str, object] = {c: getattr(figures, c) for c in ("mae", "accuracy", "bias", "mae_raw")}
    made |= {"n": len(truth), "labels": asked.labels, "seed": asked.seed, "steps": chosen.steps}
    made |= {"se": missed.std(ddof=1) / len(missed) ** 0.5, "cpu_learn": seconds, "match": "no"}
    if asked.preset is not None:
        told = begun.figures
        drawn = told["error on drawn scenes kept aside"]
        before, after = told["distance of drawn from real"]  # type: ignore[misc]
        made |= {"match": "yes", "used": begun.learned, "distance_before": before, "distance_after": after}
        made |= {"correlation": told["correlation with the start's counts"]}
        made |= dict(zip(("drawn_before", "drawn_after"), drawn, strict=True))  # type: ignore[arg-type]
    return {k: round(float(v), 3) if isinstance(v, float | np.floating) else v for k, v in made.items()}


def main() -> None:
    """Measures what is missing in the CSV."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=["ldc", "cho-bf", "cho-pc"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="fitted presets are kept here")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--aside", action="store_true", help="measure on rows on which nothing was chosen")
    parser.add_argument("--labels", type=int, nargs="*", default=[0, 5])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of fits, draws, learning")
    parser.add_argument("--trials", type=int, default=TRIALS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lab, model = Lab(asked.name, asked.folder, asked.aside), load_model("any")
    scale = start_scale(model, lab.images(lab.fit))
    measured = f"{'odd' if asked.aside else 'even'} rows" if asked.name == "ldc" else "counted frames"
    done: set[tuple[str, ...]] = set()
    if asked.out.exists():
        with asked.out.open() as file:
            done = {tuple(r[c] for c in KEY) for r in csv.DictReader(file)}
    else:
        asked.out.write_text(",".join(COLUMNS) + "\n")
    for seed in asked.seeds:
        path, clock = asked.work / f"{asked.name}-{seed}.yaml", time.process_time()
        if not path.exists():
            options = MatchOptions(seed=seed, trials=asked.trials)
            write_match(match_images(lab.images(lab.fit), options=options), path)
        fitting = round(time.process_time() - clock, 1)
        for labels in asked.labels:
            for preset in (None, path):
                case = Case(labels, seed, preset)
                known = (asked.name, measured, str(labels), str(seed), "no" if preset is None else "yes")
                if known in done:
                    continue
                made = row(lab, model, scale, case)
                made |= {"data": asked.name, "measured": measured, "cpu_fit": fitting}
                with asked.out.open("a", newline="") as file:
                    csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(made)
                print(made, flush=True)


if __name__ == "__main__":
    main()
