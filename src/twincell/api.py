"""Training and transfer in one call, for notebooks and scripts; the rooms below take the same steps apart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twincell.data.manifest import Manifest
from twincell.models.base.file import LoadedModel, load_model
from twincell.presets import load_preset
from twincell.training.finetune import transfer as transfer_run
from twincell.training.options import Changes, RunOptions, TransferOptions
from twincell.training.train import train as train_run


def train(
    manifest: str | Path | Manifest,
    out: str | Path,
    preset: str | Path = "best",
    *,
    seed: int = 0,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> LoadedModel:
    """Train a model on the rows of split train, as `twincell train` does.

    Args:
        manifest: a manifest, its file, or the folder that holds `manifest.csv`.
        out: a new run folder for model, history and checkpoint.
        preset: the name of a preset, or a YAML file of settings.
        seed: of weights, batches and augmentation.
        resume: go on with the run in `out`.
        changes: settings to change by their dotted names, such as `{"training.steps": 500}`.
        progress: show bars on stderr.

    Returns:
        The trained model, ready to count.

    Raises:
        UserError: for faulty data, unknown settings, or an `out` that holds files already.
    """
    options = RunOptions(seed, resume, Changes(settings=changes or {}), progress=progress)
    return load_model(train_run(manifest, out, load_preset(preset), options))


def transfer(
    model: str | Path,
    manifest: str | Path | Manifest,
    out: str | Path,
    scheme: str | None = None,
    preset: str | Path | None = None,
    *,
    match: bool = False,
    scenes: str | Path | None = None,
    seed: int = 0,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> LoadedModel:
    """Move a trained model to other images, as `twincell transfer` does.

    A density network is adapted to up to 100 labelled images, see `twincell.training.adaptation`, unless a
    scheme, a preset or changes say how to train; else it is trained on in full (paper section 3).

    Args:
        model: the start: a run folder, a model file, or the name of a model that ships.
        manifest: the new images, as in `train`.
        out: a new run folder.
        scheme: what learns in a full training: full, frozen-core, frozen-outer or thaw.
        preset: how to train; of the model's method, and that method's own where none is named.
        match: learn from drawn scenes like the images first, with no label or before them.
        scenes: with match, a preset that `twincell match` wrote; None = fitted now.
        seed: of batches and augmentation.
        resume: go on with the run in `out`.
        changes: settings to change by their dotted names.
        progress: show bars on stderr.

    Returns:
        The moved model, ready to count.

    Raises:
        UserError: as `train`, and for an unknown scheme or a model of another method.
    """
    options = RunOptions(seed, resume, Changes(settings=changes or {}), progress=progress)
    how = TransferOptions(scheme, preset, match=match, scenes=scenes)
    return load_model(transfer_run(model, manifest, out, how, options))
