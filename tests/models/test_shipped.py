"""The models that ship: small, licensed, whole; they count drawn scenes and know what they do not know."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from twincell.data.cho_k1 import import_cho_k1
from twincell.data.manifest import Manifest
from twincell.evaluate.evaluate import evaluate
from twincell.evaluate.protocols import of_modality
from twincell.models.base.file import SHIPPED, load_model, shipped_models
from twincell.simulate import synthesise

NAMES = ("any", "chambers", "cho-bf", "cho-pc")
LARGEST = 10_000_000  # bytes


def test_the_shipped_models_are_these() -> None:
    assert shipped_models() == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_small_licensed_and_whole(name: str) -> None:
    card = load_model(name).card  # refuses weights that do not have the card's checksum
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < LARGEST
    assert card.name == name
    assert card.licence
    assert len(card.data.fingerprint) == 64
    assert card.metrics


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("any", "bf"),
        ("any", "pc"),
        ("chambers", "bf"),
        ("chambers", "pc"),
        ("cho-bf", "bf"),
        ("cho-pc", "pc"),
    ],
)
def test_drawn_chambers_are_counted(name: str, modality: str) -> None:
    drawn = synthesise(f"optics-{modality}", 32, seed=4)
    error = (load_model(name).predict(drawn.images).count - drawn.counts).abs().mean()
    assert float(error) < (1.0 if name in ("any", "chambers") else 2.5)


def fluorescence(seed: int = 0) -> torch.Tensor:
    """(8, 1, 128, 128): bright blurred discs on black."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    images = torch.zeros(8, 1, 128, 128)
    for image in images:
        for cx, cy in torch.rand(10, 2, generator=generator) * 110 + 9:
            image[0] += 0.9 * torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 30)
    return images.clamp(0, 1)


def test_the_phase_contrast_model_knows_what_it_does_not_know() -> None:
    model = load_model("cho-pc")
    noise = torch.rand(8, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    bright_field = synthesise("optics-bf", 16, seed=1).images
    for unlike in (noise, fluorescence(), bright_field):
        novelty = model.predict(unlike).novelty
        assert novelty is not None
        assert float((novelty > 1).float().mean()) > 0.9


def test_an_empty_chamber_is_counted_empty() -> None:
    drawn = synthesise("optics-pc", 200, seed=3)
    least = drawn.images[drawn.counts == 1]
    counts = load_model("any").predict(least).count
    assert float((counts - 1).abs().mean()) < 0.5
    blank = torch.full((1, 1, 128, 128), 0.23)
    assert float(load_model("any").predict(blank).count) < 0.5


@pytest.mark.real
@pytest.mark.slow
def test_the_stated_figures_are_met_again(real_cho_k1: Path, tmp_path: Path) -> None:
    import_cho_k1(real_cho_k1, tmp_path / "cho", progress=False)
    real = Manifest.read(tmp_path / "cho")
    for name in NAMES:
        model = load_model(name)
        for modality, stated in model.card.metrics["counted frames of split train"].items():
            found = evaluate(model, of_modality(real, modality), "train", progress=False).scores
            assert found.n == stated["n"]
            assert found.mae == pytest.approx(stated["mae"], abs=0.02)
            assert found.accuracy == pytest.approx(stated["accuracy"], abs=2)


def test_any_counts_faint_chambers_alike_and_noise_as_nothing_or_with_a_flag() -> None:
    model = load_model("any")
    drawn = synthesise("optics-bf", 4, seed=2)
    counts = [
        model.predict([_grey((image[0] - 0.5) * factor + 0.5) for image in drawn.images]).count
        for factor in (1, 1 / 4, 1 / 16)
    ]
    assert (counts[0] - drawn.counts).abs().max() < 1
    assert (counts[1] - counts[0]).abs().max() < 0.1
    assert (counts[2] - counts[0]).abs().max() < 0.5
    noise = torch.randn(128, 128, generator=torch.Generator().manual_seed(0))
    for strength in (0.0, 0.002, 0.01, 0.05):
        seen = model.predict([_grey(0.5 + strength * noise)])
        assert seen.novelty is not None
        assert float(seen.count) < 0.5 or float(seen.novelty) > 1


def _grey(levels: torch.Tensor) -> NDArray[np.uint8]:
    return (levels.clamp(0, 1) * 255).round().byte().numpy()
