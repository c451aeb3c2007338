"""A training step and a count, against the paper's network in plain single precision."""

from collections.abc import Callable

import torch

from figure import Figure, compared
from twincell.batches.batches import Batch
from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.models.base.method import Trainable
from twincell.models.base.task import StepInfo
from twincell.presets import load_preset

BATCH = 64


def images(n: int) -> torch.Tensor:
    """(n, 1, 128, 128) noise about the grey of a phase contrast chamber."""
    return (0.23 + 0.08 * torch.randn(n, 1, 128, 128, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def step(precision: str) -> Callable[[], None]:
    """One training step of the paper's Twin-VAE on half natural, half synthetic images."""
    settings = load_preset("paper-pc").changed({"training.precision": precision})
    method = METHODS["twin_vae"]
    assert isinstance(method, Trainable)
    network = method.build(settings.model)
    task = method.task(network, settings)
    task.configure_model()
    optimizer = torch.optim.Adam(network.parameters(), settings.training.learning_rate)
    natural = torch.arange(BATCH) < BATCH // 2
    batch = Batch(images(BATCH), torch.full((BATCH,), 7.0), natural, torch.ones(BATCH))

    def work() -> None:
        optimizer.zero_grad()
        task.losses(task.for_device(batch), StepInfo(step=0, steps=1, epoch=200)).total.backward()
        optimizer.step()

    return work


def train_step(quick: bool) -> Figure:
    """The paper's Twin-VAE trained as twincell does on this machine, against float32 throughout."""
    return compared(step("auto"), step("float32"), 3 if quick else 10, BATCH)


def counting(n: int, repeats: int) -> Figure:
    """n images at once: the shipped model with its four looks, against one look of the paper's network."""
    model, stack = load_model("cho-pc"), images(n)
    paper = METHODS["twin_vae"].build(load_preset("paper-pc").model).eval()

    @torch.inference_mode()
    def peer() -> None:
        METHODS["twin_vae"].predict(paper, stack)

    return compared(lambda: model.predict(stack), peer, repeats, n)


def count_batch(quick: bool) -> Figure:
    """A batch of frames counted."""
    return counting(BATCH, 3 if quick else 10)


def count_one(quick: bool) -> Figure:
    """A single frame counted, as a live view would."""
    return counting(1, 10 if quick else 50)


BENCHES = {"train-step": train_step, "count-batch": count_batch, "count-one": count_one}
