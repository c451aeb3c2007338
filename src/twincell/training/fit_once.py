"""Methods fitted in one go: from a manifest to the same run folder and model file as training gives."""

import time
from pathlib import Path

import torch
from torch import Tensor, nn

from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.hardware import device_name
from twincell.models import METHODS
from twincell.models.base.file import save_model
from twincell.models.base.method import FittedOnce, LabelledImages, counting_method
from twincell.training.card import make_card
from twincell.training.run_data import load_run_data
from twincell.training.run_dir import RunIdentity, start_run_dir
from twincell.training.validation import count_error


def check_fit_once(
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


def fit_once(
    method: FittedOnce,
    network: nn.Module,
    settings: Settings,
    manifest: Manifest,
    identity: RunIdentity,
    out: Path,
    progress: bool,
) -> str:
    """Fits `network` to the counted natural training images and writes the run folder.

    Returns:
        One line on what came out, for people.
    """
    data = load_run_data(manifest, settings, identity.seed, progress)
    labelled = _labelled(data.train)
    start_run_dir(out, settings, identity)
    began, tries = time.monotonic(), settings.training.steps
    assert tries is not None  # `check_fit_once` has refused that
    network.eval()
    with torch.inference_mode():
        metrics = method.fit(network, labelled, identity.seed, tries)
    seconds = time.monotonic() - began
    if data.kept_aside is not None:
        error_of = count_error(data.kept_aside, counting_method(METHODS[settings.method]))
        error = error_of(network, torch.device("cpu"))
        metrics = metrics | {"validation": {"mae": error}}
    card = make_card(
        settings,
        identity,
        data,
        steps=tries,
        seconds=seconds,
        machine=device_name(torch.device("cpu")),
        metrics=metrics,
    )
    weights = save_model(out, network, card)
    return f"fitted to {len(labelled.counts)} counted images in {seconds:.0f} s: {weights}"


def _labelled(store: ImageStore) -> LabelledImages:
    labelled = store.subset(store.natural & ~store.counts.isnan())
    return LabelledImages(labelled.spec.scale(labelled.images), labelled.counts, tuple(labelled.chambers))
