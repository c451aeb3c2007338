"""What the tests of every baseline do: train through the real command, evaluate, and count twice."""

import json
from pathlib import Path

import torch

from twincell.cli import run
from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.models.base.file import ModelCard, load_model


def trained(toys: Path, folder: Path, preset: str, *words: str) -> ModelCard:
    """The card of a model that `twincell train` made into `folder`/run."""
    out = folder / "run"
    assert run(["train", str(toys), "--preset", preset, "--out", str(out), *words]) == 0
    card = load_model(out).card
    assert card.seconds >= 0
    assert card.data.labelled == 12
    assert card.modalities == ["pc"]
    assert {"settings.yaml", "run.json", "model.json", "model.safetensors"} <= {p.name for p in out.iterdir()}
    return card


def twice_the_same(toys: Path, folder: Path) -> None:
    """The model of `folder`/run evaluates, and counts the same from its file again and again."""
    out, figures = folder / "run", folder / "figures.json"
    assert run(["evaluate", str(out), str(toys), "--split", "train", "--json", str(figures)]) == 0
    images = ImageStore.load(Manifest.read(toys), progress=False).images
    first, second = (load_model(out).predict(images).count for _ in range(2))
    assert torch.equal(first, second)
    assert bool((first >= 0).all())
    assert json.loads(figures.read_text())["n"] == 20
