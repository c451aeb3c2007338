"""How long trainings will take, from a few timed steps of each kind, before they start."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from twincell.batches.batches import Batches, epoch_length
from twincell.config import Settings
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.evaluate.tables import markdown
from twincell.hardware import device_name
from twincell.models import METHODS
from twincell.models.base.counting_task import CountingTask
from twincell.models.base.method import Trainable
from twincell.models.base.task import Plan
from twincell.reproduce.stage import Job
from twincell.training.freezing import freeze, frozen_parts
from twincell.training.run_data import choose_rows

STEPS, WARM_UP = 5, 2
IMAGES, POOL = 64, 32
"""Natural and drawn images of a timed training: few, since how many there are does not change a step."""


@dataclass(frozen=True)
class Estimate:
    """One kind of training.

    Attributes:
        name: stage or protocol and modality.
        trainings: how many there are.
        steps: of one of them.
        seconds_per_step: as timed.
    """

    name: str
    trainings: int
    steps: int
    seconds_per_step: float

    @property
    def hours(self) -> float:
        """Of all its trainings, one after the other."""
        return self.trainings * self.steps * self.seconds_per_step / 3600


def best_device() -> torch.device:
    """The device a training takes unless told otherwise."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seconds_per_step(settings: Settings, manifest: Manifest, device: torch.device) -> float:
    """How long a training step takes in seconds, batch and optimiser included: the quickest of a few.

    Args:
        settings: of the training; with a scheme that thaws, everything learns in the timed steps.
        manifest: rows of split train are drawn from.
        device: where to compute.
    """
    task, batches = _ready(settings, manifest, device)
    task.configure_model()
    (optimizer,) = task.make_optimizers()
    seconds = []
    for step in range(task.plan.steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        task.losses(task.for_device(batches.make(step)), task.step_info(step)).total.backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds[WARM_UP:])  # what else the machine does only ever adds


def operations_per_step(settings: Settings, manifest: Manifest) -> float:
    """Multiplications and additions of a training step's forward and backward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    task, batches = _ready(settings, manifest, torch.device("cpu"))
    batch = batches.make(0)
    with FlopCounterMode(display=False) as counter:
        task.losses(batch, task.step_info(0)).total.backward()
    return float(counter.get_total_flops())


def _ready(settings: Settings, manifest: Manifest, device: torch.device) -> tuple[CountingTask, Batches]:
    """A training about to take its first step, with few images."""
    table = manifest.table
    rows = np.flatnonzero((table["split"] == "train").to_numpy())
    few = rows[np.unique(np.linspace(0, len(rows) - 1, min(IMAGES, len(rows))).round().astype(int))]
    if settings.synthetic.backgrounds == "mean":  # this one needs a frame with few cells
        first = rows[np.argsort(table["count"].to_numpy()[rows], kind="stable")[:1]]
        few = np.union1d(few, first)
    asked = settings.changed({"synthetic.pool": min(settings.synthetic.pool, POOL)})
    store = ImageStore.load(Manifest(table.iloc[few].reset_index(drop=True), manifest.root), progress=False)
    method = METHODS[settings.method]
    if not isinstance(method, Trainable):
        raise UserError(f"method {settings.method} takes no steps that could be timed; leave out --estimate")
    network = method.build(settings.model).to(device).train()
    if settings.transfer is not None:
        freeze(network, frozen_parts(settings.transfer.scheme, method.parts, 1, 1))
    task = method.task(network, settings).to(device)
    if not isinstance(task, CountingTask):
        raise UserError(f"method {settings.method} does not count; leave out --estimate")
    batches = Batches(store, asked, 0, device=device)
    task.plan = Plan(batches, STEPS + WARM_UP, 0)
    return task, batches


def steps_of(settings: Settings, manifest: Manifest, seed: int) -> int:
    """How many steps a training takes that does not stop early."""
    if settings.training.steps:
        return settings.training.steps
    train, _, _ = choose_rows(manifest, settings, seed)
    natural = int((manifest.natural & train).sum())
    return (settings.training.epochs or 0) * epoch_length(natural, int(train.sum()) - natural, settings)


def estimate(jobs: Sequence[Job]) -> list[Estimate]:
    """Times each kind of training among the jobs that are not done yet (those without steps need none)."""
    kinds: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        if not job.done and isinstance(METHODS[job.settings.method], Trainable):
            name = f"{job.stage or job.trial.protocol}, {job.trial.modality}"
            kinds.setdefault((name, job.settings.to_yaml()), []).append(job)
    timed: dict[str, float] = {}
    found = []
    for (name, _), own in kinds.items():
        first = own[0]
        key = f"{first.trial.modality} {_step(first.settings).to_yaml()}"
        if key not in timed:
            timed[key] = seconds_per_step(first.settings, first.trial.manifest, best_device())
        steps = max(steps_of(first.settings, job.trial.manifest, job.trial.seed) for job in own)
        found.append(Estimate(name, len(own), steps, timed[key]))
    return found


def _step(settings: Settings) -> Settings:
    """The settings less what does not change a step's length."""
    return settings.changed(
        {"name": "", "training.steps": 1, "training.epochs": None, "training.warmup": 0.0}
    )


def told(estimates: Sequence[Estimate]) -> str:
    """The estimates as a Markdown table with their sum."""
    if not estimates:
        return "every training is done already"
    rows = [
        [e.name, str(e.trainings), str(e.steps), f"{e.seconds_per_step:.4f}", f"{e.hours:.2f}"]
        for e in estimates
    ]
    table = markdown(["training", "number", "steps each", "s per step", "hours"], rows)
    hours = sum(e.hours for e in estimates)
    return (
        f"{table}\nAbout {hours:.1f} h of training ({60 * hours:.0f} min), one after the other, on "
        f"{device_name(best_device())}, unless validation stops it early; drawing and counting come on top."
    )
