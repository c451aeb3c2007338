"""One trial from training to figures, kept in a folder of its own and done only once."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.config import Settings
from twincell.evaluate.baselines import constant_median, time_interpolation
from twincell.evaluate.metrics import Figures, score
from twincell.evaluate.protocols import Trial
from twincell.files import write_atomic
from twincell.reproduce.recording import read_recordings
from twincell.reproduce.synthetic_set import drawn_for, drawn_tests
from twincell.series.smoothing.static_objects import without_static

if TYPE_CHECKING:
    from torch import Tensor

    from twincell.models.base.file import LoadedModel
    from twincell.models.base.method import Prediction
    from twincell.reproduce.curve import Curve

RUN, FRAMES, FIGURES = "run", "frames.csv", "figures.json"


def run_trial(
    trial: Trial,
    settings: Settings,
    folder: Path,
    start: str | Path | None = None,
    progress: bool = True,
    curve: bool = False,
) -> dict[str, Any]:
    """Trains, counts every test row, measures the labelled ones; a finished trial is read back.

    `folder` is this trial's alone: it holds the run, `frames.csv` (one row per test row: chamber, frame,
    label, predicted, in_series with standing dirt taken off, std, novelty) and `figures.json` (the model's
    and the two imageless baselines' figures, seconds of training). With `curve` the run has a curve.csv and
    perhaps the paper's two checkpoints, see `twincell.reproduce.curve`, and the figures are those on
    `synthetic` test images too (by checkpoint), and the `reconstruction` error on unlabelled test images.
    """
    if (folder / FIGURES).exists():
        return dict(json.loads((folder / FIGURES).read_text()))
    import torch

    from twincell.data.store import ImageStore
    from twincell.models.base.file import load_model
    from twincell.training.run import fit

    watch = _curve(trial, settings, folder / RUN) if curve else None
    run = fit(
        settings,
        trial.manifest,
        folder / RUN,
        resume=True,
        start=start,
        seed=trial.seed,
        progress=progress,
        watch=watch,
    )
    model = load_model(run)
    asked = trial.manifest.select("test")
    images = ImageStore.load(asked, progress=False).images
    prediction = model.predict(images)
    frames = asked.table[["modality", "chamber", "frame", "count"]].rename(columns={"count": "label"})
    frames["predicted"] = prediction.count.numpy()
    frames["in_series"] = _in_series(frames, prediction)
    frames["std"] = np.nan if prediction.std is None else prediction.std.numpy()
    frames["novelty"] = np.nan if prediction.novelty is None else prediction.novelty.numpy()
    more = _checkpoints(model, images, frames["label"].notna().to_numpy()) if curve else {}
    if trial.protocol in ("published", "interleaved") and prediction.density is not None:
        # Its chambers have counted frames to go by, as a user's have. Methods without maps are baselines,
        # measured image by image as the paper does: many take minutes for a whole recording.
        more |= read_recordings(trial, model)
    figures = {
        "protocol": trial.protocol,
        "modality": trial.modality,
        "k": trial.k,
        "fold": trial.fold,
        "seed": trial.seed,
        "chambers": sorted(frames["chamber"].unique()),
        "training_seconds": model.card.seconds,
        "machine": f"{torch.get_num_threads()} CPU threads" if model.device == "cpu" else model.device,
        "methods": _figures(trial, frames, more),
    }
    if curve:
        figures["synthetic"] = _on_drawn(run, trial, settings)
        figures["reconstruction"] = _reconstruction(
            load_model(run), images, frames["label"].isna().to_numpy()
        )
    write_atomic(folder / FRAMES, frames.to_csv(index=False))
    write_atomic(folder / FIGURES, json.dumps(figures, indent=2) + "\n")
    # The checkpoint is only good for going on with this run, which is over.
    for rest in (folder / RUN / "last.ckpt", folder / RUN / "tensorboard"):
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink(missing_ok=True)
    return figures


def _curve(trial: Trial, settings: Settings, run: Path) -> "Curve":
    """What watches a training on the labelled test images and on those kept aside for validation."""
    from twincell.data.store import ImageStore
    from twincell.models import METHODS
    from twincell.models.base.method import counting_method
    from twincell.reproduce.curve import Curve
    from twincell.training.run_data import choose_rows

    table = trial.manifest
    masks = {
        "test": table.labelled & (table.table["split"] == "test").to_numpy(),
        "validation": choose_rows(table, settings, trial.seed)[1],
    }
    stores = {
        name: ImageStore.load(table.select(mask), progress=False)
        for name, mask in masks.items()
        if mask.any()
    }
    return Curve(run, counting_method(METHODS[settings.method]), stores)


def _on_drawn(run: Path, trial: Trial, settings: Settings) -> dict[str, dict[str, float]] | None:
    """The five figures on drawn test images of the model and of the two checkpoints that are there.

    None for a model without an encoder that has learned drawn images.
    """
    from twincell.evaluate.translation import can_translate, counts
    from twincell.models.base.file import load_model
    from twincell.reproduce.curve import CHECKPOINTS

    if settings.synthetic.source == "none" or not can_translate(load_model(run).network):
        return None
    drawn = drawn_tests(trial, settings, drawn_for(trial, settings))
    files = {"model": run} | {name: run / f"{name}.safetensors" for name in CHECKPOINTS}
    return {
        name: asdict(Figures.of(counts(load_model(file), drawn.images, natural=False), drawn.counts.numpy()))
        for name, file in files.items()
        if file.exists()
    }


def _reconstruction(
    model: "LoadedModel", images: "Tensor", unlabelled: NDArray[np.bool_]
) -> dict[str, float] | None:
    """How well unlabelled test images are drawn again; None without any, or without a trained decoder."""
    from twincell.evaluate.translation import can_translate, reconstruction_error

    loss = model.card.settings.get("loss", {})
    if not unlabelled.any() or not can_translate(model.network) or not loss.get("decode", True):
        return None
    return {"n": int(unlabelled.sum()), "mse": reconstruction_error(model, images[unlabelled.nonzero()[0]])}


def _checkpoints(
    model: "LoadedModel", images: "Tensor", labelled: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Counts of labelled images by the run's max-acc and min-dev weights, where it has them; each becomes a
    model file.
    """
    from safetensors.torch import load_file

    from twincell.models.base.file import load_model, save_model
    from twincell.reproduce.curve import CHECKPOINTS

    counts = {}
    for name in CHECKPOINTS:
        weights = model.path.with_name(f"{name}.safetensors")
        if weights.exists():
            model.network.load_state_dict(load_file(weights))
            save_model(weights.parent, model.network, model.card, name)
            counts[name] = load_model(weights).predict(images).count.double().numpy()[labelled]
    return counts


def _figures(trial: Trial, frames: pd.DataFrame, more: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The model, `more` counts of the labelled frames, and what needs no image."""
    has_label = frames["label"].notna().to_numpy()
    labelled = frames[has_label]
    truth, chambers = labelled["label"].to_numpy(), labelled["chamber"].tolist()
    known = trial.manifest.table[trial.manifest.table["split"] == "train"]
    counts = {"model": labelled["predicted"].to_numpy()}
    counts |= more
    if labelled["in_series"].notna().all():
        counts["model, standing dirt taken off"] = labelled["in_series"].to_numpy()
    if known["count"].notna().any():
        asked = labelled.rename(columns={"label": "count"})
        counts["constant median"] = constant_median(known, asked)
        counts["time interpolation"] = time_interpolation(known, asked)
    return {name: score(values, truth, chambers).as_json() for name, values in counts.items()}


def _in_series(frames: pd.DataFrame, prediction: "Prediction") -> NDArray[np.float64]:
    """(N,) counts less what stands still in their chamber's recording; NaN where the method gives no map."""
    counts = np.full(len(frames), np.nan)
    if prediction.density is not None:
        maps, chambers = prediction.density[:, 0].numpy(), frames["chamber"].to_numpy()
        for name in np.unique(chambers):
            here = chambers == name
            counts[here] = without_static(prediction.count.numpy()[here], maps[here])
    return counts


def frames_of(trials: Iterable[tuple[Path, Trial]]) -> pd.DataFrame:
    """The counted frames of finished trials, from their folders.

    Columns `seed`, `fold` and `k` (blank = all labels) say whose they are.
    """
    parts = []
    for folder, trial in trials:
        part = pd.read_csv(folder / FRAMES)
        k = np.nan if trial.k is None else trial.k
        parts.append(part.assign(seed=trial.seed, fold=trial.fold, k=k))
    return pd.concat(parts, ignore_index=True)
