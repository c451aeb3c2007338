"""From a manifest and a preset to a run: what `twincell train` and `twincell.train` have in common."""

from pathlib import Path

import torch

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.training.options import RunOptions
from twincell.training.run import fit
from twincell.training.trainer import Machine


def train(
    manifest: str | Path | Manifest,
    out: str | Path,
    preset: Settings,
    options: RunOptions | None = None,
    start: str | Path | None = None,
) -> Path:
    """Train a model on the rows of split train.

    Args:
        manifest: a manifest, its file, or the folder that holds `manifest.csv`.
        out: the run folder to write: model, history, checkpoint.
        preset: how to train.
        options: how the training is run, and what is said in place of the preset's settings.
        start: a model whose weights are the start, in place of the settings' own.

    Returns:
        The run folder.

    Raises:
        UserError: faulty settings, data, device or folder, before any work starts.
        Stopped: a signal came; the checkpoint is written.
    """
    asked = options or RunOptions()
    settings = asked.changes.applied_to(preset)
    data = manifest if isinstance(manifest, Manifest) else Manifest.read(manifest)
    return fit(
        settings,
        without_chambers(data, asked.leave_out),
        out,
        resume=asked.resume,
        start=start,
        seed=asked.seed,
        max_minutes=asked.max_minutes,
        progress=asked.progress,
        machine=machine_for(asked.accelerator, asked.devices),
    )


def without_chambers(manifest: Manifest, names: tuple[str, ...]) -> Manifest:
    """Give the manifest without the named chambers.

    Raises:
        UserError: the manifest has no such chamber.
    """
    if not names:
        return manifest
    there = sorted(set(manifest.table["chamber"]))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise UserError(f"--leave-out {', '.join(unknown)}: no such chamber; there are {', '.join(there)}")
    return manifest.select(~manifest.table["chamber"].isin(names).to_numpy())


def machine_for(accelerator: str, devices: str) -> Machine:
    """Say where to compute.

    Raises:
        UserError: for words that name no device, or a device this machine lacks.
    """
    problems = []
    if accelerator not in ("auto", "cpu", "gpu", "cuda", "mps"):
        problems.append(f"--accelerator {accelerator}: unknown; use auto, cpu or gpu")
    if devices != "auto" and not (devices.isascii() and devices.isdigit() and int(devices) > 0):
        problems.append(f"--devices {devices}: give a number from 1, or auto")
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        problems.append(f"--accelerator {accelerator}: this machine has no usable GPU; use auto or cpu")
    if problems:
        raise UserError(problems)
    return Machine(accelerator, devices)
