"""Training from a manifest to a model file: the function behind `twincell train` and `twincell transfer`."""

import sys
from pathlib import Path
from typing import TypeVar

import lightning as L
import torch
from torch import Tensor, nn

from twincell.batches.batches import Batches, steps_per_epoch
from twincell.batches.pseudo_labels import teach
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import Stopped, UserError
from twincell.hardware import device_name
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, load_card, load_model, save_model
from twincell.models.base.method import Fitted, Pretrained, Settling, Trained
from twincell.models.base.task import CountingTask, Plan
from twincell.seeding import seed_for
from twincell.training import checkpointing as keeping
from twincell.training.card import make_card
from twincell.training.checkpointing import Keeping
from twincell.training.fit_once import check_fitted, fit_at_once
from twincell.training.history import History
from twincell.training.progress_line import ProgressLine
from twincell.training.run_data import Material, load_material
from twincell.training.run_dir import Identity, check_folder, note_run
from twincell.training.trainer import Machine, Ticks, is_first_process, make_trainer, quiet
from twincell.training.validation import Validation
from twincell.training.weight_interpolation import blend

C = TypeVar("C", bound=L.Callback)
INITIAL_WEIGHTS = 200  # stream of chance


def fit(
    settings: Settings,
    manifest: Manifest,
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
        manifest: its rows of split train are learned from; `load_material` says what is validated on.
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
    if isinstance(method, Fitted):
        check_fitted(settings, start, max_minutes, targets)
    network, origin = _network(settings, start, seed)
    beginning = {name: value.clone() for name, value in network.state_dict().items()} if keeps_start else None
    # The one time that every image is hashed: the run's folder and its card both hold this fingerprint.
    identity = Identity(
        str(manifest.root), manifest.fingerprint(), seed, load_card(start).sha256 if start else ""
    )
    check_folder(out, settings, identity, resume or not is_first_process())
    if (out / "model.json").exists():
        _say(progress, f"{out} holds a finished model; nothing to do")
        return out
    if isinstance(method, Fitted):
        _say(progress, fit_at_once(method, network, settings, manifest, identity, out, progress))
        return out
    assert isinstance(method, Trained)
    material = load_material(manifest, settings, seed, progress)
    steps = settings.training.steps or (settings.training.epochs or 0) * steps_per_epoch(
        material.train, settings
    )
    checkpoint = out / keeping.NAME if resume and (out / keeping.NAME).exists() else None

    callbacks = _callbacks(settings, material, out, max_minutes, progress, watch)
    with quiet():
        resumed = torch.load(checkpoint, mmap=True, weights_only=True)["global_step"] if checkpoint else None
        trainer = make_trainer(settings.training, out, steps, callbacks, machine or Machine(), resumed)
        if targets is None:
            targets, weights = teach(material.train, settings.teacher) or (None, None)
        device = trainer.strategy.root_device
        batches = Batches(material.train, settings, seed, targets, weights, device, progress)
        note_run(out, settings, identity)
        task = method.task(network, settings)
        task.plan = Plan(batches, steps, seed)
        _say(progress, _description(settings, material, network, device, steps, origin))
        trainer.fit(task, Ticks(), ckpt_path=checkpoint, weights_only=True)

    kept = _one(callbacks, Keeping)
    if kept.stopped is not None:
        raise Stopped(
            kept.stopped, f"stopped after step {trainer.global_step} of {steps}; go on with --resume"
        )
    if trainer.is_global_zero:
        network = _finished(task, callbacks, beginning)
        card = _card(settings, identity, material, trainer, callbacks, origin)
        save_model(out, network.cpu(), card)
        _say(progress, _ending(trainer.global_step, steps, callbacks, out))
    return out


def _network(settings: Settings, start: str | Path | None, seed: int) -> tuple[nn.Module, str]:
    """The network at step 0, and where its weights come from (empty = random)."""
    torch.manual_seed(seed_for(seed, 0, INITIAL_WEIGHTS))
    method = METHODS[settings.method]
    network = method.build(settings.model)
    if start is None:
        return network, method.pretrain(network, settings.model) if isinstance(method, Pretrained) else ""
    model = load_model(start)
    if model.card.method != settings.method:
        raise UserError(
            f"{start}: its method is {model.card.method}, that of the settings "
            f"{settings.name} is {settings.method}; choose a preset of the model's method"
        )
    try:
        network.load_state_dict(model.network.state_dict())
    except RuntimeError as error:
        raise UserError(
            f"{start}: its network has other widths than the settings {settings.name} "
            f"({str(error).splitlines()[1].strip()}); choose the preset the model was trained with"
        ) from error
    return network, str(start)


def _callbacks(
    settings: Settings,
    material: Material,
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
    if material.validation is not None:
        method = METHODS[settings.method]
        callbacks.append(Validation(material.validation, method, training.validate_every, training.patience))
    if watch is not None:
        callbacks.append(watch)
    callbacks += [History(out, training.log_every), ProgressLine(progress)]
    return [*callbacks, Keeping(out, training.save_steps, training.save_seconds, max_minutes)]


def _finished(
    task: CountingTask, callbacks: list[L.Callback], beginning: dict[str, Tensor] | None
) -> nn.Module:
    """The network to keep: the best validated weights where these are wanted and known, else the last; moved
    towards the start where that is wanted, settled where the method does so, and then validated anew.
    """
    network, training = task.counting_network, task.settings.training
    validation = next((c for c in callbacks if isinstance(c, Validation)), None)
    if validation is not None and validation.weights and training.keep == "best":
        network.load_state_dict(validation.weights)
    network.eval()
    method = METHODS[task.settings.method]
    if beginning is not None:
        blend(network, beginning, training.start_share)
    if isinstance(method, Settling):
        seen = (task.plan.batches.untouched(), *task.plan.batches.counted())
        with torch.inference_mode():
            method.settle(network, *(tensor.to(task.device) for tensor in seen))
    if validation is not None and (beginning is not None or isinstance(method, Settling)):
        validation.mae = validation.error_of(network, task.device)
    return network


def _card(
    settings: Settings,
    identity: Identity,
    material: Material,
    trainer: L.Trainer,
    callbacks: list[L.Callback],
    origin: str,
) -> ModelCard:
    validation = next((c for c in callbacks if isinstance(c, Validation)), None)
    return make_card(
        settings,
        identity,
        material,
        steps=trainer.global_step,
        seconds=_one(callbacks, History).seconds,
        machine=device_name(trainer.strategy.root_device),
        metrics={}
        if validation is None
        else {"validation": {"mae": validation.mae, "step": validation.step}},
        origin=origin,
    )


def _description(
    settings: Settings,
    material: Material,
    network: nn.Module,
    device: torch.device,
    steps: int,
    origin: str,
) -> str:
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    return (
        f"training {settings.name} ({settings.method}, {millions:.2f} M parameters) for {steps} steps "
        f"on {device_name(device)}: {material.described}" + (f"; started from {origin}" if origin else "")
    )


def _ending(step: int, steps: int, callbacks: list[L.Callback], out: Path) -> str:
    validation = next((c for c in callbacks if isinstance(c, Validation)), None)
    found = (
        "" if validation is None or not validation.step else f", validation MAE {validation.mae:.2f} cells"
    )
    if step >= steps:
        length = f"{steps} steps"
    else:
        cause = "time is up" if _one(callbacks, Keeping).timed_out else "validation no longer improves"
        length = f"{step} of {steps} steps ({cause})"
    return f"trained {length} in {_one(callbacks, History).seconds:.0f} s{found}: {out / 'model.safetensors'}"


def _one(callbacks: list[L.Callback], kind: type[C]) -> C:
    return next(callback for callback in callbacks if isinstance(callback, kind))


def _say(show: bool, line: str) -> None:
    if show:
        print(line, file=sys.stderr)
