"""Which model for which images: what ships, in words, and how well each fits."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.fake_method import fake_model, write_chamber
from twincell.cli import run
from twincell.counting.choose import Fit, advice, fits
from twincell.counting.inputs import Choices
from twincell.models import METHODS
from twincell.models.base.file import load_card, shipped_models
from twincell.models.base.in_words import figures, limits, purpose


@pytest.fixture
def fake_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})


@pytest.mark.usefixtures("fake_method")
def test_the_share_of_frames_like_training_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    write_chamber(folder, [3] * 8, "t{}.png")
    for i in (8, 9):
        Image.fromarray(np.full((128, 128), 200, np.uint8)).save(folder / f"t{i}.png")
    pc, bf = fake_model(tmp_path / "pc"), fake_model(tmp_path / "bf", modality="bf")
    found = fits([folder], [str(bf), str(pc)], Choices(modality="pc"))
    assert [fit.alike for fit in found] == pytest.approx([0.8, 0.8])
    assert found[0].other_modalities == ["pc"]
    assert found[1].other_modalities == []
    assert found[1].median_count == 3
    assert advice(found).startswith(f"use {pc}: 80%")


def test_nothing_is_advised_that_does_not_fit() -> None:
    poor = [Fit("a", 10, 0.2, 1.0, [], 5), Fit("b", 10, 0.9, 1.0, ["dic"], 5)]
    assert advice(poor).startswith("none of them fits well")
    assert "transfer a" in advice(poor)
    alike = [Fit("drawn", 10, 1.0, 1.0, [], 0), Fit("real", 10, 0.98, 1.0, [], 700)]
    assert advice(alike).startswith("use real")


def test_every_shipped_model_says_what_it_is_for() -> None:
    for name in shipped_models():
        card = load_card(name)
        assert len(list(figures(card))) >= 1, name
        assert "off by 0." in next(figures(card))
        assert limits(card)
    assert "drawn scenes alone" in purpose(load_card("any"))
    assert purpose(load_card("cho-pc")).startswith("phase contrast like its training")


def test_the_command_lists_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json", str(tmp_path / "m.json")]) == 0
    said = capsys.readouterr().out
    assert all(f"{name}: " in said for name in ("any", "cho-bf", "cho-pc"))
    assert [m["name"] for m in json.loads((tmp_path / "m.json").read_text())["models"]] == shipped_models()
    assert run(["models", str(tmp_path / "nowhere")]) == 2
    assert "is missing" in capsys.readouterr().err
