"""An encoder from unlabelled maps: by a GAN's discriminator or by self-supervision."""

from pathlib import Path
from typing import Any, Literal

from twincell.config import Settings
from twincell.gan.network import Encoder, Gan
from twincell.models import METHODS
from twincell.models.base.file import load_model
from twincell.phase.maps import MapSet
from twincell.presets import build_settings
from twincell.training.run import fit

METHODS.register("dcgan", "twincell.gan.dcgan")
METHODS.register("simclr", "twincell.gan.simclr")

Pretraining = Literal["gan", "self-supervised"]
GAN_TRAINING: dict[str, Any] = {
    "learning_rate": 5e-4,  # small networks learn at more than the 2e-4 of Radford et al.
    "ema": 0.995,  # samples and discriminator are means of the last few hundred steps
    "validate_every": 100,
    "keep": "last",  # KID says when the generator is good; the discriminator gains from every step
    "log_every": 20,
}
CONTRAST_TRAINING: dict[str, Any] = {
    "learning_rate": 1e-3,
    "weight_decay": 1e-4,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup": 0.05,
    "log_every": 20,
}


def pretraining_settings(kind: Pretraining, steps: int, side: int, width: int, batch: int = 64) -> Settings:
    """The settings of a pre-training of so many steps."""
    method = {"gan": "dcgan", "self-supervised": "simclr"}[kind]
    data = {
        "name": method,
        "method": method,
        "model": {"side": side, "width": width},
        "batch": {"size": batch},
        "training": {"steps": steps, **(GAN_TRAINING if kind == "gan" else CONTRAST_TRAINING)},
    }
    return build_settings(data, method)


def pretrain(maps: MapSet, settings: Settings, out: Path, seed: int, progress: bool = True) -> Encoder:
    """Trains on unlabelled maps in the run folder `out`, going on where it was; the encoder is given back.

    Raises:
        UserError: too few maps, or a folder of another run.
        Stopped: a signal came; the same call goes on.
    """
    fit(settings, maps, out, resume=True, seed=seed, progress=progress)
    return load_encoder(out)


def load_encoder(run: str | Path) -> Encoder:
    """The encoder of a finished pre-training, as plain convolutions."""
    network = load_model(run).network
    encoder = network.encoder
    assert isinstance(encoder, Encoder)
    return encoder


def load_gan(run: str | Path) -> Gan:
    """Both networks of a finished DCGAN."""
    network = load_model(run).network
    assert isinstance(network, Gan)
    return network
