"""The paper's presets, number for number (the project's facts, section 1)."""

import pytest
import torch

from twincell.models import METHODS
from twincell.models.base.schedule import factor
from twincell.presets import load_preset

BOTH = {
    "method": "twin_vae",
    "model.network.channels": (32, 64, 128, 256),
    "model.network.core": 512,
    "model.network.latent": 256,
    "model.network.regressor": (256, 128),
    "model.network.dropout": 0.1,
    "model.network.leak": 0.2,
    "model.loss.natural.reconstruction": 100,
    "model.loss.natural.regression": 3,
    "model.loss.natural.kl": 2,
    "model.loss.synthetic.reconstruction": 100,
    "model.loss.synthetic.regression": 3,
    "model.loss.synthetic.kl": 2,
    "model.loss.regressor_delay": 100,
    "model.loss.decode": True,
    "augment.flips": True,
    "augment.quarter_turns": True,
    "augment.rotation": 5,
    "augment.crop": 0.9,
    "augment.scale": 0,
    "augment.shift": 0,
    "augment.gain": 0,
    "augment.offset": 0,
    "synthetic.source": "pool",
    "synthetic.backgrounds": "mean",
    "synthetic.recount": False,
    "batch.synthetic_per_natural": 1,
    "batch.labelled_share": None,
    "teacher.kind": "none",
    "training.epochs": 50_000,
    "training.learning_rate": 1.3e-4,
    "training.weight_decay": 1e-5,
    "training.schedule": "constant",
    "training.warmup": 0,
    "training.ema": 0,
    "training.clip": 0,
}
OWN = {
    "paper-pc": {
        "model.loss.pixels": "mse",
        "model.loss.reconstruction_decay": 0,
        "synthetic.presets": ("ellipse-pc",),
        "synthetic.pool": 3152,
        "batch.size": 128,
        "training.optimizer": "adam",
    },
    "paper-bf": {
        "model.loss.pixels": "bce",
        "model.loss.reconstruction_decay": 3e-5,
        "synthetic.presets": ("ellipse-bf",),
        "synthetic.pool": 2469,
        "batch.size": 64,
        "training.optimizer": "radam",
    },
}


@pytest.mark.parametrize("name", OWN)
def test_paper_presets_are_the_paper(name: str) -> None:
    settings = load_preset(name)
    for key, value in (BOTH | OWN[name]).items():
        found: object = settings
        for part in key.split("."):
            found = getattr(found, part)
        assert found == value, key
    low, high = settings.augment.noise
    assert 0 < low == high < 0.05  # zero-centred noise of small amplitude
    assert settings.training.patience > 0  # early stopping


@pytest.mark.parametrize("name", OWN)
def test_paper_presets_build_the_papers_network_and_optimiser(name: str) -> None:
    settings = load_preset(name)
    method = METHODS["twin_vae"]
    with torch.device("meta"):  # shapes without values: orthogonal weights of this size take a second
        network = method.build(settings.model)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == 11.36

    (optimizer,) = method.task(network, settings).configure_optimizers()
    assert type(optimizer) is {"paper-pc": torch.optim.Adam, "paper-bf": torch.optim.RAdam}[name]
    assert optimizer.param_groups[0]["lr"] == 1.3e-4
    assert optimizer.param_groups[0]["weight_decay"] == 1e-5
    assert {factor(settings.training, step, 10) for step in range(10)} == {1.0}


def test_compact_is_a_narrow_twin_vae() -> None:
    compact = load_preset("compact")
    assert compact.method == "twin_vae"
    network = METHODS["twin_vae"].build(compact.model)
    assert sum(p.numel() for p in network.parameters()) < 4e6
    assert compact.model.loss.decode  # type: ignore[attr-defined]
