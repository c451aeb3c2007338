"""What there is to learn from: the sizes of all data sets (Table 1), images by number of cells (Figure 2)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from twincell.evaluate.baselines import time_interpolation
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.plots import save_figure
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job
from twincell.reproduce.synthetic_set import PAPERS as DRAWN_TESTS
from twincell.simulate.preset_files import preset_names
from twincell.simulate.scene import load_scene_settings

PAPERS = {
    "Nat-BF-L-Tr": 281, "Nat-BF-U-Tr": 2188, "Nat-BF-L-Te": 290, "Nat-BF-U-Te": 224, "Syn-BF-L-Tr": 2469,
    "Syn-BF-L-Te": 514, "Nat-PC-L-Tr": 209, "Nat-PC-U-Tr": 2943, "Nat-PC-L-Te": 398, "Nat-PC-U-Te": 394,
    "Syn-PC-L-Tr": 3152, "Syn-PC-L-Te": 792,
}  # fmt: skip
"""The paper's Table 1."""
NOTE = """\
The paper's Figure 2 shows the counted and uncounted test images of phase contrast together. Here *counted*
are all images with a label, *interpolated* the uncounted ones between two counted frames of their chamber, by
the line between these (rounded), *drawn* what the paper's generator draws, scaled to as many images.
"""


def no_jobs(request: Request) -> list[Job]:
    """Nothing is trained."""
    return []


def sizes(request: Request) -> pd.DataFrame:
    """Images of each data set: columns name (as in the paper), images, paper (NaN where it has none)."""
    table, rows = request.manifest.table, []
    labelled, natural = request.manifest.labelled, request.manifest.natural
    for modality in request.modalities:
        own = natural & (table["modality"] == modality).to_numpy()
        test = (table["split"] == "test").to_numpy()
        short = modality.upper()
        for name, mask in (
            (f"Nat-{short}-L-Tr", own & labelled & ~test),
            (f"Nat-{short}-U-Tr", own & ~labelled & ~test),
            (f"Nat-{short}-L-Te", own & labelled & test),
            (f"Nat-{short}-U-Te", own & ~labelled & test),
        ):
            rows.append({"name": name, "images": int(mask.sum())})
        rows.append({"name": f"Syn-{short}-L-Tr", "images": int((own & ~test).sum())})
        if modality in DRAWN_TESTS:
            rows.append({"name": f"Syn-{short}-L-Te", "images": DRAWN_TESTS[modality]})
    return pd.DataFrame(rows).assign(paper=lambda made: made["name"].map(PAPERS))


def tell_sizes(request: Request, results: Sequence[Result]) -> str:
    """Writes table1.csv and table1.md; synthetic images are drawn, one for each natural training image."""
    table = sizes(request)
    shown = [[r["name"], str(r["images"]), _whole(r["paper"])] for r in table.to_dict("records")]
    text = markdown(["data set", "images", "the paper"], shown)
    write_atomic(request.out / "table1.csv", table.to_csv(index=False))
    write_atomic(request.out / "table1.md", text)
    return text


def by_count(request: Request) -> pd.DataFrame:
    """Images by number of cells: columns modality, count, counted, interpolated, drawn (expected, scaled)."""
    parts = []
    for modality in request.modalities:
        table = request.manifest.table[
            request.manifest.natural & (request.manifest.table["modality"] == modality).to_numpy()
        ]
        found = [table["count"].dropna().to_numpy(float)]
        found.append(np.concatenate([_between(own) for _, own in table.groupby("chamber")] or [np.zeros(0)]))
        rounded = [np.rint(values).astype(int) for values in found]
        most = max(30, *(int(values.max(initial=0)) for values in rounded))
        counted, guessed = (np.bincount(values, minlength=most + 1) for values in rounded)
        part = {"modality": modality, "count": np.arange(most + 1), "counted": counted}
        drawn = np.full(most + 1, np.nan)
        if f"ellipse-{modality}" in preset_names():
            settings = load_scene_settings(f"ellipse-{modality}").counts
            drawn[settings.least : settings.most + 1] = settings.table()
            drawn *= counted.sum() + guessed.sum()
        parts.append(pd.DataFrame(part | {"interpolated": guessed, "drawn": drawn}))
    return pd.concat(parts, ignore_index=True)


def tell_counts(request: Request, results: Sequence[Result]) -> str:
    """Writes figure2.csv, figure2.png and figure2.md."""
    table = by_count(request)
    write_atomic(request.out / "figure2.csv", table.to_csv(index=False, float_format="%.6g"))
    save_figure(request.out / "figure2.png", draw(table))
    rows = [
        [str(m).upper(), f"{own['counted'].sum()}", f"{own['interpolated'].sum()}", f"{_median(own):.0f}"]
        for m, own in table.groupby("modality", sort=False)
    ]
    text = f"{NOTE}\n{markdown(['', 'counted', 'interpolated', 'median cells'], rows)}"
    write_atomic(request.out / "figure2.md", text)
    return text


def draw(table: pd.DataFrame) -> Figure:
    """Stacked bars of counted and interpolated images and a line for the drawn ones, a panel a modality."""
    modalities = list(dict.fromkeys(table["modality"]))
    figure = Figure(figsize=(7.2, 2.6 * len(modalities) + 0.3), layout="constrained")
    places = figure.subplots(len(modalities), 1, squeeze=False, sharex=True).ravel()
    for axes, modality in zip(places, modalities, strict=True):
        own = table[table["modality"] == modality]
        axes.bar(own["count"], own["counted"], color="#0072B2", label="counted")
        axes.bar(own["count"], own["interpolated"], bottom=own["counted"], color="#56B4E9",
                 label="interpolated in time")  # fmt: skip
        axes.plot(own["count"], own["drawn"], color="#D55E00", label="drawn: proportional to 36 - k")
        axes.set(ylabel="images", title=str(modality).upper())
    places[0].legend(fontsize=8)
    places[-1].set_xlabel("cells in the image")
    return figure


def _between(rows: pd.DataFrame) -> np.ndarray:
    """Counts interpolated for the uncounted frames of one chamber that lie between counted ones."""
    counted = rows[rows["count"].notna()]
    if counted.empty:
        return np.zeros(0)
    inside = rows["frame"].between(counted["frame"].min(), counted["frame"].max())
    return time_interpolation(counted, rows[rows["count"].isna() & inside])


def _median(own: pd.DataFrame) -> float:
    images = own["counted"] + own["interpolated"]
    return float(np.median(np.repeat(own["count"], images))) if images.sum() else float("nan")


def _whole(value: Any) -> str:
    return "-" if pd.isna(value) else f"{value:.0f}"


TABLE1 = Experiment("table1", "the sizes of all data sets beside the paper's (Table 1)", no_jobs, tell_sizes)
FIGURE2 = Experiment(
    "figure2", "how many images show how many cells, natural and drawn (Figure 2)", no_jobs, tell_counts
)
