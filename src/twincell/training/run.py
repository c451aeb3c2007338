"""Training from data to a model file: the function behind `twincell train` and `twincell transfer`."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import lightning as L
import torch
from torch import Tensor, nn

from twincell.batches.batches import Batches
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import Stopped, UserError
from twincell.hardware import device_name
from twincell.locks import locked
from twincell.models import METHODS
from twincell.models.base.counting_task import CountingTask
from twincell.models.base.file import load_card, load_model, save_model
from twincell.models.base.method import Finalizing, FittedOnce, Pretrainable, Trainable
from twincell.models.base.run_data import Dataset, OwnData, RunData
from twincell.models.base.task import Plan, Task, completed_steps
from twincell.seeding import seed_for
from twincell.training.card import make_card
from twincell.training.checkpointing import NAME as CHECKPOINT
from twincell.training.checkpointing import Checkpointing, is_cut_short, read_checkpoint
from twincell.training.fit_once import check_fit_once, fit_once
from twincell.training.history import History
from twincell.training.progress_line import ProgressLine
from twincell.training.run_data import CountingData, load_run_data
from twincell.training.run_dir import RunIdentity, check_run_dir, pool_dir, remove_pools, start_run_dir
from twincell.training.trainer import Machine, Ticks, is_first_process, make_trainer, quiet
from twincell.training.validation import Validation
from twincell.training.weight_interpolation import interpolate_weights

C = TypeVar("C", bound=L.Callback)
INITIAL_WEIGHTS_STREAM = 200
"""Random stream of the weights of a network at step 0."""


def fit(
    settings: Settings,
    manifest: Dataset,
    out: str | Path,
    resume: bool = False,
    start: str | Path | None = None,
    seed: int = 0,
    *,
    targets: Tensor | None = None,
    weights: Tensor | None = None,
    max_minutes: float | None = None,
    progress: bool = True,
    machine: Machine | None = None,
    watch: L.Callback | None = None,
) -> Path:
    """Trains a network and writes it into a run folder as a model file.

    The folder holds settings.yaml, run.json, history.csv, tensorboard/, last.ckpt (to resume from) and at
    the end model.safetensors with model.json. The same settings, manifest and seed give the same weights on
    one machine, also when the run was killed and resumed in between.

    Args:
        settings: from `load_preset`, perhaps `changed`.
        manifest: its rows of split train are learned from; `load_run_data` says what is validated on. A
            method of other data (`OwnData`) is given its own kind in place of it.
        out: the run folder; has to be empty or absent unless `resume`.
        resume: go on with the run in `out`; starts it where it has no checkpoint yet.
        start: a model (run folder, file or shipped name) of the same method whose weights are the start, in
            place of the settings' own.
        seed: of weights, batches, augmentation, dropout.
        targets: optional (T,) soft counts of the manifest's T training images, in place of
        `settings.teacher`.
        weights: optional (T,) trust in each target, from 0.
        max_minutes: end training after this time, with a model of what was reached.
        progress: whether bars and lines are shown (on stderr).
        machine: accelerator, devices and nodes; one device of the best kind unless given.
        watch: called after every step, right after a validation; what it raises ends training.

    Returns:
        The run folder.

    Raises:
        UserError: bad settings, data or folder, before any work starts.
        Stopped: SIGTERM or Ctrl-C came; the checkpoint is written, `resume` goes on.
    """
    out, progress = Path(out), progress and is_first_process()
    start = settings.start if start is None else start
    # How much of a start to keep is known for the settings' own; a model of another microscope misleads.
    keeps_start = start is not None and str(start) == settings.start and settings.training.start_share > 0
    method = METHODS[settings.method]
    if isinstance(method, FittedOnce):
        check_fit_once(settings, start, max_minutes, targets)
    network, origin = _network(settings, start, seed)
    before = {name: value.clone() for name, value in network.state_dict().items()} if keeps_start else None
    # The one time that every image is hashed: the run's folder and its card both hold this fingerprint.
    identity = RunIdentity(
        str(manifest.root), manifest.fingerprint(), seed, load_card(start).sha256 if start else ""
    )
    # The processes that Lightning starts work in the folder that the first one holds.
    with locked(out) if is_first_process() else contextlib.nullcontext():
        check_run_dir(out, settings, identity, resume or not is_first_process())
        if (out / "model.json").exists() and not is_cut_short(out, load_card(out).steps):
            _print(progress, f"{out} holds a finished model; nothing to do")
            return out
        if isinstance(method, FittedOnce):
            images = _manifest(manifest, settings)
            _print(progress, fit_once(method, network, settings, images, identity, out, progress))
            return out
        assert isinstance(method, Trainable)
        data = _run_data(settings, manifest, seed, progress, targets, weights)
        if isinstance(data, CountingData):
            data = data if start is None else data.seen_by(network)
            data = replace(data, kept=pool_dir(out, settings, identity))
        steps = settings.training.steps or (settings.training.epochs or 0) * data.steps_per_epoch
        checkpoint = out / CHECKPOINT if resume and (out / CHECKPOINT).exists() else None

        callbacks = _callbacks(settings, data, out, max_minutes, progress, watch)
        with quiet():
            trainer = make_trainer(out, callbacks, machine or Machine(), _steps_in(checkpoint))
            device = trainer.strategy.root_device
            batches = data.batches(device, progress)
            start_run_dir(out, settings, identity)
            task = method.task(network, settings)
            task.plan = Plan(batches, steps, seed)
            _print(progress, _description(settings, data, network, device, steps, origin))
            trainer.fit(task, Ticks(), ckpt_path=checkpoint, weights_only=True)

        stopped = _one(callbacks, Checkpointing).stopped
        if stopped is not None:
            raise Stopped(stopped, f"stopped after step {task.steps_done} of {steps}; go on with --resume")
        if trainer.is_global_zero:
            network = _final_network(task, callbacks, before)
            card = make_card(
                settings,
                identity,
                data,
                steps=task.steps_done,
                seconds=_one(callbacks, History).seconds,
                machine=device_name(device),
                metrics=_validation_metrics(task, callbacks),
                origin=origin,
            )
            save_model(out, network.cpu(), card)
            remove_pools(out)
            _print(progress, _ending(task, callbacks, out))
        return out


def _run_data(
    settings: Settings,
    data: Dataset,
    seed: int,
    progress: bool,
    targets: Tensor | None,
    weights: Tensor | None,
) -> RunData:
    method = METHODS[settings.method]
    if not isinstance(method, OwnData):
        return load_run_data(_manifest(data, settings), settings, seed, progress, targets, weights)
    if targets is not None or weights is not None:
        raise UserError(f"method {settings.method}: learns from no counts; leave out targets and weights")
    return method.load_data(data, settings, seed, progress)


def _manifest(data: Dataset, settings: Settings) -> Manifest:
    if not isinstance(data, Manifest):
        raise UserError(
            f"method {settings.method}: learns from the images of a manifest, got {type(data).__name__}; "
            "give `Manifest.read(...)`"
        )
    return data


def _steps_in(checkpoint: Path | None) -> int | None:
    """The complete steps of a checkpoint; None without one."""
    if checkpoint is None:
        return None
    return completed_steps(read_checkpoint(checkpoint))


def _network(settings: Settings, start: str | Path | None, seed: int) -> tuple[nn.Module, str]:
    """The network at step 0, and where its weights come from (empty = random)."""
    torch.manual_seed(seed_for(seed, 0, INITIAL_WEIGHTS_STREAM))
    method = METHODS[settings.method]
    network = method.build(settings.model)
    if start is None:
        return network, method.pretrain(network, settings.model) if isinstance(method, Pretrainable) else ""
    model = load_model(start)
    if model.card.method != settings.method:
        raise UserError(
            f"{start}: its method is {model.card.method}, that of the settings "
            f"{settings.name} is {settings.method}; choose a preset of the model's method"
        )
    try:
        own, known = network.state_dict(), model.network.state_dict()
        fresh = {name for name in own.keys() ^ known.keys() if name.startswith(method.parts.fresh)}
        missing = {name: own[name] for name in fresh & own.keys()}
        network.load_state_dict({k: v for k, v in known.items() if k not in fresh} | missing)
    except RuntimeError as error:
        raise UserError(
            f"{start}: its network has other widths than the settings {settings.name} "
            f"({str(error).splitlines()[1].strip()}); choose the preset the model was trained with"
        ) from error
    return network, str(start)


def _callbacks(
    settings: Settings,
    data: RunData,
    out: Path,
    max_minutes: float | None,
    progress: bool,
    watch: L.Callback | None,
) -> list[L.Callback]:
    """What happens after every step, in order: validate, watch, log, show, save."""
    training = settings.training
    callbacks: list[L.Callback] = []
    if settings.transfer is not None:
        from twincell.training.freezing import Freezing

        callbacks.append(Freezing(settings.transfer.scheme, METHODS[settings.method].parts))
    if data.validation is not None:
        callbacks.append(Validation(data.validation, training.validate_every, training.patience))
    if watch is not None:
        callbacks.append(watch)
    callbacks += [History(out, training.log_every), ProgressLine(progress)]
    return [*callbacks, Checkpointing(out, training.save_steps, training.save_seconds, max_minutes)]


def _final_network(task: Task, callbacks: list[L.Callback], before: dict[str, Tensor] | None) -> nn.Module:
    """The network to save: the best validated weights where these are wanted and known, else the last ones;
    moved towards the start and finalized where that is wanted, and then validated anew.
    """
    network, training = task.trained_network, task.settings.training
    validation = _validation(callbacks)
    if validation is not None and validation.weights and training.keep == "best":
        network.load_state_dict(validation.weights)
    network.eval()
    if before is not None:
        interpolate_weights(network, before, training.start_share)
    finalized = _finalize(network, task)
    if validation is not None and (before is not None or finalized):
        validation.error = validation.error_of(network, task.device)
    return network


def _finalize(network: nn.Module, task: Task) -> bool:
    """Lets the method set what its network needs from the training images; whether it has anything to set."""
    method, batches = METHODS[task.settings.method], task.plan.batches
    if not (isinstance(method, Finalizing) and isinstance(batches, Batches)):
        return False
    seen = (batches.untouched(), *batches.counted())
    with torch.inference_mode():
        method.finalize(network, *(tensor.to(task.device) for tensor in seen))
    return True


def _validation_metrics(task: Task, callbacks: list[L.Callback]) -> dict[str, dict[str, float]]:
    validation = _validation(callbacks)
    if validation is None:
        return {}
    name = task.validation_name.removeprefix("validation_")
    return {"validation": {name: validation.error, "step": validation.step}}


def _description(
    settings: Settings,
    data: RunData,
    network: nn.Module,
    device: torch.device,
    steps: int,
    origin: str,
) -> str:
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    return (
        f"training {settings.name} ({settings.method}, {millions:.2f} M parameters) for {steps} steps "
        f"on {device_name(device)}: {data.description}" + (f"; started from {origin}" if origin else "")
    )


def _ending(task: Task, callbacks: list[L.Callback], out: Path) -> str:
    validation, step, steps = _validation(callbacks), task.steps_done, task.plan.steps
    found = ""
    if validation is not None and validation.step:
        counts = isinstance(task, CountingTask)
        found = f", validation {'MAE' if counts else 'error'} {validation.error:.2f}{' cells' * counts}"
    length = f"{steps} steps"
    if step < steps:
        cause = "time is up" if _one(callbacks, Checkpointing).timed_out else "validation no longer improves"
        length = f"{step} of {steps} steps ({cause})"
    return f"trained {length} in {_one(callbacks, History).seconds:.0f} s{found}: {out / 'model.safetensors'}"


def _validation(callbacks: list[L.Callback]) -> Validation | None:
    return next((callback for callback in callbacks if isinstance(callback, Validation)), None)


def _one(callbacks: list[L.Callback], kind: type[C]) -> C:
    return next(callback for callback in callbacks if isinstance(callback, kind))


def _print(show: bool, line: str) -> None:
    if show:
        print(line, file=sys.stderr)
