"""Measure how many of a person's counts 90 % intervals hold, with 0 to 20 counted frames.

    twincell import cho-k1 DIR --out W
    python tools/interval_table.py W ../shared/data/ldc --out docs/results/intervals.csv

Counts are those of `any`, which saw no real image. Time-lapses of W: levels of every chamber come from the
others. Single images of the lab: the spread is that of the model's card, which is from W; counted images are
drawn at random.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from twincell.counting.parts import predict_each
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.models.base.file import LoadedModel, load_model
from twincell.series.conformal import conformal_interval, pooled_spread, scores, widening
from twincell.series.smoothing.calibrate import score_labels
from twincell.series.smoothing.error_model import SHOWN, ErrorModel
from twincell.series.smoothing.intervals import conformal_level

COUNTED = (0, 3, 5, 10, 20)
DRAWS = 100


def series_counts(model: LoadedModel, manifest: Manifest) -> pd.DataFrame:
    """Every frame of the chambers that have labels: chamber, modality, frame, count_frame, label."""
    parts = []
    for chamber in sorted(manifest.table["chamber"].unique()):
        rows = manifest.select((manifest.table["chamber"] == chamber).to_numpy())
        found = model.predict(ImageStore.load(rows, progress=False).images).count.double().numpy()
        parts.append(rows.table.assign(count_frame=found, label=rows.table["count"]))
    return pd.concat(parts)[["chamber", "modality", "frame", "count_frame", "label"]]


def of_series(table: pd.DataFrame) -> pd.DataFrame:
    """Error, coverage and width by modality and counted frames; doubts, which only widen, are left out."""
    usual = {k: score_labels(table, ErrorModel(), k) for k in (0, SHOWN)}
    parts = []
    for chamber, own in table.groupby("chamber"):
        level, counted = (
            conformal_level(one.loc[one["chamber"] != chamber, "surprise"].to_numpy())
            for one in usual.values()
        )
        errors = ErrorModel(level=level, level_counted=counted)
        for k in COUNTED:
            parts.append(
                score_labels(own, errors, k).assign(counted=k, data=f"{own['modality'].iloc[0]}, time-lapses")
            )
    return pd.concat(parts)


def of_singles(model: LoadedModel, folder: Path) -> pd.DataFrame:
    """The same for images counted each for itself, `DRAWS` times with others counted."""
    table = pd.read_csv(folder / "counts.csv")
    images = [np.array(Image.open(folder / name).convert("L")) for name in table["image"]]
    at = np.linspace(0, len(images) - 1, 12).round().astype(int)
    found = predict_each(model, images, [model.diameter([images[k] for k in at])] * len(images))
    assert found.novelty is not None
    count, label = found.count.double().numpy(), table["count"].to_numpy(float)
    wider = np.asarray(widening(found.novelty.numpy()))
    error = scores(count, label, wider)
    parts = []
    for k in COUNTED:
        for draw in range(DRAWS if k else 1):
            chosen = np.random.default_rng(draw).choice(len(count), k, replace=False)
            spread = pooled_spread(error[chosen], model.card.spread) if k else model.card.spread
            assert spread is not None
            lower, upper = conformal_interval(count, spread, wider)
            rows = {"count_frame": count, "count": count, "label": label, "lower": lower, "upper": upper}
            parts.append(pd.DataFrame(rows).drop(index=chosen).assign(counted=k, data="LDC, single images"))
    return pd.concat(parts)


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", help="the published images, imported")
    parser.add_argument("lab", type=Path, help="folder of LDC: counts.csv and images")
    parser.add_argument("--counts", type=Path, help="CSV of the counts of W, to write or to go on from")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model("any")
    if asked.counts and asked.counts.exists():
        table = pd.read_csv(asked.counts)
    else:
        table = series_counts(model, Manifest.read(asked.manifest))
        if asked.counts:
            table.to_csv(asked.counts, index=False)
    rows = pd.concat([of_series(table), of_singles(model, asked.lab)])
    rows["mae_frame"] = (rows["count_frame"].round() - rows["label"]).abs()
    rows["mae"] = (rows["count"].round() - rows["label"]).abs()
    rows["coverage"] = 100.0 * ((rows["lower"] <= rows["label"]) & (rows["label"] <= rows["upper"]))
    rows["width"] = rows["upper"] - rows["lower"]
    groups = rows.groupby(["data", "counted"])
    figures = groups[["mae_frame", "mae", "coverage", "width"]].mean()
    figures.insert(0, "labels", groups.size())
    figures.round(3).to_csv(asked.out)
    print(figures.round(3))


if __name__ == "__main__":
    main()
