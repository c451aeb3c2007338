"""What `twincell train` does, from its words to a run."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twincell.config import Settings, parse_overrides
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.presets import load_preset
from twincell.training.run import Stopped, fit
from twincell.training.trainer import Machine


@dataclass(frozen=True)
class Wish:
    """What `twincell train` and `twincell transfer` may be asked for alike; see their options."""

    resume: bool = False
    seed: int = 0
    steps: int | None = None
    epochs: int | None = None
    assignments: Sequence[str] | None = None
    validate: str | None = None
    max_minutes: float | None = None
    leave_out: str | None = None
    accelerator: str = "auto"
    devices: str = "1"


def train_and_say(manifest: Path, out: Path, preset: str, start: str | None, wish: Wish) -> None:
    """Trains; a stop by a signal ends the process with that signal's exit code."""
    run(load_preset(preset), manifest, out, start, wish)


def run(preset: Settings, manifest: Path, out: Path, start: str | None, wish: Wish) -> None:
    """`fit` as wished for, ended calmly when a signal stops it."""
    settings = settings_from(preset, wish.steps, wish.epochs, wish.assignments or (), wish.validate)
    data = without(Manifest.read(manifest), wish.leave_out)
    machine = machine_from(wish.accelerator, wish.devices)
    with calm_stop():
        fit(
            settings,
            data,
            out,
            resume=wish.resume,
            start=start,
            seed=wish.seed,
            max_minutes=wish.max_minutes,
            machine=machine,
        )


@contextlib.contextmanager
def calm_stop() -> Iterator[None]:
    """A training stopped by a signal ends in a calm line and the exit code 128 + number."""
    try:
        yield
    except Stopped as stopped:
        name = signal.Signals(stopped.signal).name
        print(f"twincell: {name}: {stopped}", file=sys.stderr)
        sys.exit(128 + stopped.signal)


def settings_from(
    preset: Settings,
    steps: int | None = None,
    epochs: int | None = None,
    assignments: Sequence[str] = (),
    validate: str | None = None,
) -> Settings:
    """The preset with what the command line says instead."""
    if steps is not None and epochs is not None:
        raise UserError("--steps and --epochs: give one of them, both say how long to train")
    changes: dict[str, Any] = {}
    if steps is not None or epochs is not None:
        changes |= {"training.steps": steps, "training.epochs": epochs}
    if validate is not None:
        changes["training.validation"] = validate
    changes |= parse_overrides(assignments)
    # Setting one length by --set takes the place of the other, which the preset may have given.
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if f"training.{one}" in changes and f"training.{other}" not in changes:
            changes[f"training.{other}"] = None
    return preset.changed(changes) if changes else preset


def without(manifest: Manifest, leave_out: str | None) -> Manifest:
    """The manifest without the named chambers."""
    if leave_out is None:
        return manifest
    names = [name.strip() for name in leave_out.split(",") if name.strip()]
    there = sorted(set(manifest.table["chamber"]))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise UserError(f"--leave-out {', '.join(unknown)}: no such chamber; there are {', '.join(there)}")
    return manifest.select(~manifest.table["chamber"].isin(names).to_numpy())


def machine_from(accelerator: str, devices: str) -> Machine:
    """Where to compute.

    Raises:
        UserError: for words that name no device, or a device this machine lacks.
    """
    import torch

    problems = []
    if accelerator not in ("auto", "cpu", "gpu", "cuda", "mps"):
        problems.append(f"--accelerator {accelerator}: unknown; use auto, cpu or gpu")
    if devices != "auto" and not (devices.isdigit() and int(devices) > 0):
        problems.append(f"--devices {devices}: give a number from 1, or auto")
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        problems.append(f"--accelerator {accelerator}: this machine has no usable GPU; use auto or cpu")
    if problems:
        raise UserError(problems)
    return Machine(accelerator, devices)
