"""A counting method so small that its answers are known: it counts white pixels.

One white pixel is one cell (times a gain that is the network's only weight); an image whose mean is above one
half is unlike its training. Tests register it with the fixture `fake_method`.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from twincell.models.base.file import ModelCard, Preprocessing, save_model
from twincell.models.base.method import Prediction


class FakeSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gain: float = 1.0


class FakeNetwork(nn.Module):
    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([gain]))


class FakeMethod:
    name = "fake"
    settings_class = FakeSettings
    release = (("gain",),)

    def build(self, settings: FakeSettings) -> nn.Module:
        return FakeNetwork(float(settings.gain))

    def predict(self, network: FakeNetwork, images: Tensor) -> Prediction:
        white = (images > 0.9).float() * network.gain
        density = nn.functional.avg_pool2d(white, 8) * 64
        mean = images.mean((1, 2, 3))
        return Prediction(white.sum((1, 2, 3)), 0.3 + 0 * mean, density, 2 * mean)


METHOD = FakeMethod()


def fake_model(folder: Path, gain: float = 1.0, modality: str = "pc", flips: bool = False) -> Path:
    """Writes a model file that counts white pixels into `folder`; returns the folder."""
    card = ModelCard(
        name="fake",
        method="fake",
        settings={"gain": gain},
        modalities=[modality],
        preprocessing=Preprocessing(test_time_flips=flips),
        twincell_version="0",
    )
    save_model(folder, FakeNetwork(float(gain)), card)
    return folder


def chamber_image(count: int, size: int = 128, seed: int = 0) -> NDArray[np.uint8]:
    """A dark square image with `count` single white pixels, none of them twice: uint8 (size, size)."""
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 60, (size, size), dtype=np.uint8)
    image.ravel()[rng.choice(size * size, count, replace=False)] = 255
    return image


def write_chamber(folder: Path, counts: list[int], name: str = "t{:03d}.png") -> list[Path]:
    """One PNG per count, numbered from 0; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name.format(i) for i in range(len(counts))]
    for i, (path, count) in enumerate(zip(paths, counts, strict=True)):
        Image.fromarray(chamber_image(count, seed=i)).save(path)
    return paths
