"""Methods fitted in one go: from a manifest to the same run folder and model file as training gives."""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.hardware import device_name
from twincell.models import METHODS
from twincell.models.base.file import save_model
from twincell.models.base.method import Counted, Fitted
from twincell.training.card import make_card
from twincell.training.run_data import Material, load_material
from twincell.training.run_dir import Identity, note_run
from twincell.training.validation import look


def check_fitted(
    settings: Settings, start: str | Path | None, max_minutes: float | None, targets: Tensor | None
) -> None:
    """Refuses what a fitted method would have to ignore; the arguments are those of `fit`.

    Raises:
        UserError: one sentence for each such setting.
    """
    faults = (
        (start is not None, "is fitted anew every time; leave out the start"),
        (max_minutes is not None, "is not stopped halfway; leave out --max-minutes, give fewer --steps"),
        (targets is not None, "learns from the manifest's own counts; leave out the targets"),
        (settings.transfer is not None, "has no parts to freeze; train it on the new data instead"),
        (settings.training.steps is None, "tries a number of candidates; give it with --steps"),
        (
            settings.synthetic.source != "none",
            "learns from counted natural images alone; set synthetic.source=none",
        ),
        (settings.teacher.kind != "none", "learns from counted frames alone; set teacher.kind=none"),
    )
    found = [f"settings {settings.name}: method {settings.method} {why}" for fault, why in faults if fault]
    if found:
        raise UserError(found)


def fit_at_once(
    method: Fitted,
    network: nn.Module,
    settings: Settings,
    manifest: Manifest,
    identity: Identity,
    out: Path,
    progress: bool,
) -> str:
    """Fits `network` to the counted natural training images and writes the run folder.

    Returns:
        One line on what came out, for people.
    """
    material = load_material(manifest, settings, identity.seed, progress)
    counted = _counted(material)
    note_run(out, settings, identity)
    began, tries = time.monotonic(), settings.training.steps
    assert tries is not None  # `check_fitted` has seen to it
    network.eval()
    with torch.inference_mode():
        metrics = method.fit(network, counted, identity.seed, tries)
    seconds = time.monotonic() - began
    if material.validation is not None:
        metrics = metrics | {"validation": _validated(network, settings, material)}
    card = make_card(
        settings,
        identity,
        material,
        steps=tries,
        seconds=seconds,
        machine=device_name(torch.device("cpu")),
        metrics=metrics,
    )
    weights = save_model(out, network, card)
    return f"fitted to {len(counted.counts)} counted images in {seconds:.0f} s: {weights}"


def _counted(material: Material) -> Counted:
    store = material.train
    known = store.subset(store.natural & ~store.counts.isnan())
    return Counted(known.spec.scale(known.images), known.counts, tuple(known.chambers))


def _validated(network: nn.Module, settings: Settings, material: Material) -> dict[str, Any]:
    store = material.validation
    assert store is not None
    predicted = look(network, METHODS[settings.method], store, torch.device("cpu"))
    return {"mae": float((predicted.count.round() - store.counts).abs().mean())}
