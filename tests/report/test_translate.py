"""`twincell translate` on a small Twin-VAE: what it writes, and whom it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers.fake_method import chamber_image, fake_model, write_chamber
from twincell.cli import run
from twincell.evaluate.translation import translate
from twincell.models import METHODS
from twincell.models.base.file import ModelCard, load_model, save_model
from twincell.presets import load_preset
from twincell.report.sections.examples import translations


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """An untrained Twin-VAE whose decoders differ, one bright and one dark."""
    settings = load_preset("compact").model
    torch.manual_seed(0)
    network = METHODS["twin_vae"].build(settings)
    with torch.no_grad():
        network.natural.decoder[4][0].bias.fill_(3.0)
        network.synthetic.decoder[4][0].bias.fill_(-3.0)
    card = ModelCard(
        name="twin", method="twin_vae", settings=settings.model_dump(mode="json"), modalities=["pc"]
    )
    save_model(tmp_path / "run", network, card)
    return tmp_path / "run"


def test_pictures_are_drawn_by_the_other_decoder(
    twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chamber(tmp_path / "night", [1, 2, 3])
    out, told = tmp_path / "out", tmp_path / "agreement.json"
    assert run(["translate", str(twin), str(tmp_path / "night"), "--out", str(out), "--json", str(told)]) == 0

    table = pd.read_csv(out / "translation.csv")
    assert len(table) == 3
    for name in table["translated"]:
        drawn = np.asarray(Image.open(out / name))
        assert drawn.shape == (128, 128)
        assert drawn.mean() < 60  # the synthetic decoder is the dark one
    assert Image.open(out / "sheet.png").size == (3 * 131 - 3, 3 * 131 - 3)
    found = json.loads(told.read_text())
    same = (table["count"].round() == table["count_translated"].round()).mean()
    assert found["agreement"] == pytest.approx(100 * same)
    assert "cells apart on average" in capsys.readouterr().out
    assert run(["translate", str(twin), str(tmp_path / "night"), "--out", str(out)]) == 2


def test_translating_restates_the_networks_own_parts(twin: Path) -> None:
    model = load_model(twin)
    images = np.stack([chamber_image(5), chamber_image(9, seed=3)])
    for to in ("synthetic", "natural"):
        found = translate(model, images, to)
        pixels = torch.from_numpy(images)[:, None].float() / 255
        own = torch.full((2,), to == "synthetic")
        with torch.no_grad():
            mean, _ = model.network.encode(pixels, own)
            other = model.network.decode(mean, ~own)
            count = model.network.regressor(mean)[:, 0].clamp_min(0)
        assert np.array_equal(found.translated, (other[:, 0] * 255).round().byte().numpy())
        assert found.count_original == pytest.approx(count.double().numpy())


def test_only_pictures_of_the_other_origin_are_translated(
    twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_chamber(tmp_path / "data", [1, 2, 3, 4])
    rows = [
        (p.name, "", "train", "pc", "natural" if i < 3 else "synthetic", "c" if i < 3 else "s", i)
        for i, p in enumerate(paths)
    ]
    columns = ["image", "count", "split", "modality", "origin", "chamber", "frame"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "data" / "manifest.csv", index=False)
    for to, expected in (("synthetic", 3), ("natural", 1)):
        out = tmp_path / to
        assert run(["translate", str(twin), str(tmp_path / "data"), "--to", to, "--out", str(out)]) == 0
        assert len(pd.read_csv(out / "translation.csv")) == expected
    pd.DataFrame(rows[:3], columns=columns).to_csv(tmp_path / "data" / "manifest.csv", index=False)
    args = [
        "translate",
        str(twin),
        str(tmp_path / "data"),
        "--to",
        "natural",
        "--out",
        str(tmp_path / "none"),
    ]
    assert run(args) == 2
    assert "are natural already" in capsys.readouterr().err


def test_methods_without_decoders_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(METHODS, "_modules", {"fake": "helpers.fake_method"})
    write_chamber(tmp_path / "night", [1, 2])
    args = [
        "translate",
        str(fake_model(tmp_path / "run")),
        str(tmp_path / "night"),
        "--out",
        str(tmp_path / "o"),
    ]
    assert run(args) == 2
    told = capsys.readouterr().err
    assert "fake has no decoders" in told
    assert "compact" in told
    assert not (tmp_path / "o").exists()


def test_an_unknown_origin_is_refused(twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_chamber(tmp_path / "night", [1, 2])
    args = ["translate", str(twin), str(tmp_path / "night"), "--to", "painted", "--out", str(tmp_path / "o")]
    assert run(args) == 2
    assert "'painted' is unknown" in capsys.readouterr().err


def test_a_report_shows_what_the_decoders_drew(twin: Path) -> None:
    section = translations(load_model(twin), np.stack([chamber_image(5), chamber_image(9, seed=3)]))
    assert section is not None
    assert section.body.count("<img") == 1
    assert "as the synthetic decoder draws them" in section.body
