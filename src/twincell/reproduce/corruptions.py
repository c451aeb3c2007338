"""What counts, intervals and flags are worth where images are bad, on frames that no training saw.

The shipped `any` counts all chambers, as it saw no real image; beside it a model of preset `known`, trained
without the chambers of one fold, counts these.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.evaluate.corruptions import CORRUPTIONS, OTHER, Corruption, Grey
from twincell.evaluate.protocols import chambers_out
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.models.base.file import LoadedModel, load_model
from twincell.models.base.sizes import predict_each
from twincell.progress import bar
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job
from twincell.series.conformal import conformal_interval, scores, spread_of, widening

FOLDS, FOLD = 3, 2
"""Chambers are divided so, and this division (from 0) is measured; --folds and --only change it."""
MOST = 40
"""Frames of a modality that are counted, evenly chosen from all."""
PROMISED, SLACK, FLAGGED = 90.0, 5.0, 80.0
"""Percent of labels that intervals promise to hold, what may be missing of it, and percent of frames flagged
from which on nothing is promised."""
PLAIN = "none"


@dataclass(frozen=True)
class Frames:
    """Counted frames, chamber by chamber: images (N, H, W) uint8, chambers (N,), labels (N,) cells."""

    images: Grey
    chambers: NDArray[np.object_]
    labels: NDArray[np.float64]

    @staticmethod
    def of(manifest: Manifest, modality: str) -> "Frames":
        """At most `MOST` counted frames of a modality, none of them synthetic."""
        table = manifest.table
        wanted = manifest.labelled & manifest.natural & (table["modality"] == modality).to_numpy()
        rows = table[wanted].sort_values(["chamber", "frame"])
        at = np.linspace(0, len(rows) - 1, min(len(rows), MOST)).round().astype(int)
        chosen = Manifest(rows.iloc[at].reset_index(drop=True), manifest.root)
        images = ImageStore.load(chosen, progress=False).images[:, 0].numpy()
        return Frames(images, chosen.table["chamber"].to_numpy(), chosen.table["count"].to_numpy(float))

    def spoiled(self, corruption: Corruption, strength: float) -> "Frames":
        """The frames with this gone wrong, chamber by chamber."""
        names = list(dict.fromkeys(self.chambers))
        parts = [corruption(self.images[self.chambers == name], strength, k) for k, name in enumerate(names)]
        labels = np.zeros_like(self.labels) if corruption.empty else self.labels
        return Frames(np.concatenate(parts), self.chambers, labels)


def jobs(request: Request) -> list[Job]:
    """One training a modality, with the chambers of one fold held out."""
    fold = FOLD if request.only is None else request.only[0]
    trials = [
        chambers_out(request.manifest, m, seed, request.folds or FOLDS)[fold]
        for m in request.modalities
        for seed in request.seeds
    ]
    return [Job(t, request.settings_for(t.modality), request.out / t.name, request.start) for t in trials]


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes corruptions.csv, a row for each model, modality, corruption and strength, and corruptions.md."""
    started = process_time()
    frames = {m: Frames.of(request.manifest, m) for m in request.modalities}
    tables = [_measured(load_model("any"), "any", m, frames, request.progress) for m in frames]
    for result in results:
        trial, model = result.job.trial, load_model(result.job.run)
        held = Frames.of(trial.manifest.select("test"), trial.modality)
        others = {**frames, trial.modality: held}
        name = f"{request.settings_for(trial.modality).name}, seed {trial.seed}"
        tables.append(_measured(model, name, trial.modality, others, request.progress))
    table = pd.concat(tables, ignore_index=True)
    write_atomic(
        request.out / "corruptions.csv", table.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    )
    text = as_markdown(table) + f"\nMeasured in {process_time() - started:.0f} s of processor time.\n"
    write_atomic(request.out / "corruptions.md", text)
    return text


def _measured(
    model: LoadedModel, name: str, modality: str, frames: dict[str, Frames], progress: bool
) -> pd.DataFrame:
    """One row for each corruption and strength of one model on one modality."""
    own = frames[modality]
    plain = _counted(model, own)
    spreads = spreads_without_each(plain, own)
    foreign = [other for kind, other in frames.items() if kind != modality]
    todo = [(PLAIN, "", 0.0, own, plain), *_cells(model, own, foreign)]
    rows = []
    with bar(progress) as shown:
        task = shown.add_task(f"{name}, {modality}", total=len(todo), note="")
        for corruption, unit, strength, spoiled, counted in todo:
            found = counted if counted is not None else _counted(model, spoiled)
            figures = _figures(found, spoiled, spreads)
            rows.append({"model": name, "modality": modality, "corruption": corruption, "unit": unit,
                         "strength": strength, **figures})  # fmt: skip
            shown.advance(task)
    return pd.DataFrame(rows)


def _cells(
    model: LoadedModel, own: Frames, foreign: Sequence[Frames]
) -> Iterator[tuple[str, str, float, Frames, pd.DataFrame | None]]:
    """Every corruption at every strength."""
    for corruption in CORRUPTIONS:
        for strength in corruption.strengths:
            yield corruption.name, corruption.unit, strength, own.spoiled(corruption, strength), None
    for other in foreign[:1]:
        for strength in OTHER.strengths:
            yield OTHER.name, OTHER.unit, strength, other.spoiled(OTHER, strength), None


def _counted(model: LoadedModel, frames: Frames) -> pd.DataFrame:
    """What `twincell count` finds in images counted for themselves: count_frame and novelty."""
    images = list(frames.images)
    looked_at = [images[k] for k in np.linspace(0, len(images) - 1, min(len(images), 12)).round().astype(int)]
    found = predict_each(model, images, [model.diameter(looked_at)] * len(images))
    blank = np.full(len(images), np.nan)
    return pd.DataFrame(
        {
            "count_frame": found.count.double().numpy(),
            "novelty": blank if found.novelty is None else found.novelty.double().numpy(),
        }
    )


def spreads_without_each(plain: pd.DataFrame, frames: Frames) -> dict[str, float]:
    """The spread of intervals for every chamber, from the labels of all the others."""
    found = scores(plain["count_frame"], frames.labels, widening(plain["novelty"]))
    names = list(dict.fromkeys(frames.chambers))
    others = {name: found[frames.chambers != name] for name in names}
    return {name: spread_of(own if len(own) else found) for name, own in others.items()}


def _figures(counted: pd.DataFrame, frames: Frames, spreads: dict[str, float]) -> dict[str, float | str]:
    """Figures of the counts and intervals that `twincell count` writes of single images."""
    usual = float(np.mean(list(spreads.values())))
    spread = np.array([spreads.get(str(name), usual) for name in frames.chambers])
    count, doubt = counted["count_frame"].to_numpy(), counted["novelty"].to_numpy()
    lower, upper = conformal_interval(count, spread, widening(doubt))
    error = np.round(count) - frames.labels
    inside = (lower <= frames.labels) & (frames.labels <= upper)
    flagged = doubt > 1
    calm = ~flagged
    figures = {
        "n": len(error),
        "mae": np.abs(error).mean(),
        "bias": error.mean(),
        "coverage": 100 * inside.mean(),
        "width": (upper - lower).mean(),
        "flagged": 100 * flagged.mean(),
        "mae_unflagged": np.abs(error[calm]).mean() if calm.any() else np.nan,
    }
    if figures["coverage"] >= PROMISED - SLACK:
        verdict = "held"
    else:
        verdict = "flagged" if figures["flagged"] >= FLAGGED else "broken"
    return {**figures, "promise": verdict}


def as_markdown(table: pd.DataFrame) -> str:
    """For each model and modality, one line a corruption with five cells: MAE, coverage, flagged."""
    parts = []
    for (model, modality), own in table.groupby(["model", "modality"], sort=False):
        plain = own[own["corruption"] == PLAIN].iloc[0]
        spoiled = own[own["corruption"] != PLAIN]
        kept = int((spoiled["promise"] != "broken").sum())
        parts.append(
            f"### {model}, {modality}\n\nn {plain['n']}; as they are: {_cell(plain.to_dict())}. "
            f"Promise kept in {kept} of {len(spoiled)} cells.\n"
        )
        rows = []
        for corruption, line in spoiled.groupby("corruption", sort=False):
            strengths = ", ".join(f"{value:g}" for value in line["strength"])
            rows.append([f"{corruption} ({strengths})", *map(_cell, line.to_dict("records"))])
        parts.append(markdown(["", "1", "2", "3", "4", "5"], rows))
        parts.append("")
    return "\n".join(parts)


def _cell(row: Mapping[Hashable, Any]) -> str:
    text = f"{row['mae']:.2f} / {row['coverage']:.0f} / {row['flagged']:.0f}"
    return f"**{text}**" if row["promise"] == "broken" else text


EXPERIMENT = Experiment(
    "corruptions",
    "blur, noise, contrast, size and more: error, intervals and flags where images are bad",
    jobs,
    tell,
    preset="known",
)
