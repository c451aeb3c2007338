"""`twincell transfer` with few labels, from a manifest to a model that counts images of that lab."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from twincell.cli import run
from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.models.base.file import load_card, load_model
from twincell.models.density_network.network import DensityNetwork
from twincell.simulate.recordings import recording
from twincell.simulate.synthesise import synthesise
from twincell.training.adaptation import Effort, View
from twincell.training.adaptation.familiar import learn_familiar
from twincell.training.adaptation.material import read_material
from twincell.training.adaptation.run import MOST, adapt, adapts
from twincell.training.adaptation.size import enlargement

SCALE = 1.15
"""The other lab's pictures: larger, oblong, and with a quarter of the contrast, which `any` minds no more."""


def write_lab(folder: Path, images: int, labelled: int, dots: bool) -> Path:
    """A manifest of single images, `labelled` of them with counts, or with places in points.csv."""
    drawn = synthesise("optics-bf", images, seed=8)
    size = (int(128 * SCALE), int(120 * SCALE))
    rows, places = [], []
    for i, image in enumerate(drawn.images):
        faint = (0.5 + 0.25 * (image[0, :120] - 0.5)).numpy()
        Image.fromarray((faint * 255).round().astype(np.uint8)).resize(size).save(folder / f"{i}.png")
        centres = drawn.centres[i]
        centres = centres[~centres[:, 0].isnan() & (centres[:, 1] < 120)]
        known = i < labelled
        count = len(centres) if known and not dots else ""
        rows.append((f"{i}.png", count, "train", "bf", "natural", f"place-{i}", 0))
        places += [(f"{i}.png", *(SCALE * centre).tolist()) for centre in centres if known and dots]
    _write(folder / "manifest.csv", "image count split modality origin chamber frame", rows)
    if dots:
        _write(folder / "points.csv", "image x y", places)
    return folder / "manifest.csv"


def _write(path: Path, columns: str, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([columns.split(), *rows])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adaptations of two steps, with few views."""
    monkeypatch.setattr("twincell.training.adaptation.selection.effort_for", lambda *_: Effort(steps=(2,)))
    monkeypatch.setattr("twincell.training.adaptation.search.SCALES", (1.0,))
    monkeypatch.setattr("twincell.training.adaptation.search.CONTRASTS", (1.0, 2.5))
    monkeypatch.setattr("twincell.training.adaptation.search.OWN_CONTRASTS", (1.0, 1.6))
    monkeypatch.setattr("twincell.training.adaptation.search.INVERTED", (-1.0,))


@pytest.mark.parametrize("dots", [False, True])
def test_another_labs_pictures_are_counted_after_a_handful_of_labels(
    tmp_path: Path, quick: None, dots: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_lab(tmp_path, 8, 6, dots)
    out, counts = tmp_path / "run", tmp_path / "counts.csv"
    assert run(["transfer", "cho-bf", str(manifest), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "cells on images like these, from 6 labels" in said
    card = load_card(out)
    expected = card.metrics["expected on images like these"]
    assert expected["mae"] <= expected["mae of the start"] + expected["standard error"]
    assert card.view[0] % 8 == 0
    assert card.spread is not None
    assert (card.data.labelled, card.data.images) == (6, 8)
    assert run(["count", str(out), str(manifest), "--out", str(counts)]) == 0
    with counts.open() as file:
        rows = list(csv.DictReader(file))
    assert all(row["lower"] and float(row["lower"]) <= round(float(row["count"])) for row in rows)
    truth = [
        float((~at[:, 0].isnan() & (at[:, 1] < 120)).sum())
        for at in synthesise("optics-bf", 8, seed=8).centres
    ]
    missed = np.abs(np.array([float(row["count_frame"]) for row in rows]) - truth)
    assert missed.mean() < 0.25 * np.mean(truth)


def test_an_adapted_model_can_be_adapted_again(tmp_path: Path, quick: None) -> None:
    manifest = Manifest.read(write_lab(tmp_path, 6, 6, True))
    first = adapt("chambers", manifest, tmp_path / "one", progress=False)  # blind to faint images
    second = adapt(first, manifest, tmp_path / "two", progress=False)
    expected = [load_card(run).metrics["expected on images like these"] for run in (first, second)]
    assert expected[1]["mae of the start"] < expected[0]["mae of the start"]
    images = read_material(manifest, load_model("any"), progress=False).labelled.images
    assert len(load_model(second).predict(torch.stack(images))) == 6


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (0, "no natural image of split train has a count or marked cells, so the model stays as it is"),
        (2, "the model stays as it is; count or mark cells in images of more places"),
    ],
)
def test_without_labels_the_model_stays_and_says_why(
    tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str], labels: int, said: str
) -> None:
    manifest = Manifest.read(write_lab(tmp_path, 3, labels, False))
    out = adapt("any", manifest, tmp_path / "run")
    assert said in capsys.readouterr().err
    card, start = load_model(out), load_model("any")
    assert card.card.spread is None
    assert card.card.preprocessing == start.card.preprocessing
    for name, value in start.network.state_dict().items():
        assert torch.equal(value, card.network.state_dict()[name])


def test_adaptation_is_for_density_networks_and_few_labels(tmp_path: Path) -> None:
    manifest = Manifest.read(write_lab(tmp_path, 3, 3, False))
    card = load_card("any")
    assert adapts(card, manifest)
    assert not adapts(card.model_copy(update={"method": "twin_vae"}), manifest)
    many = Manifest(manifest.table.loc[[0] * (MOST + 1)], manifest.root)
    assert not adapts(card, many)
    assert adapts(card, Manifest(manifest.table.loc[[0] * MOST], manifest.root))


def test_images_are_enlarged_as_count_does_it() -> None:
    drawn = synthesise("open-bf", 8, seed=2).images
    large = [
        torch.nn.functional.interpolate(i[None], (300, 312), mode="bicubic")[0].clamp(0, 1) for i in drawn
    ]
    start = load_model("any")
    found = start.diameter([(image[0] * 255).round().to(torch.uint8) for image in large])
    assert found is not None
    known = start.card.image.cell_diameter_px
    assert known is not None
    assert enlargement(start, large, ImageSpec()) == pytest.approx(known / found, rel=0.1)
    assert enlargement(start, large, ImageSpec(cell_diameter_px=18.0)) == known / 18
    assert enlargement(start, [], ImageSpec()) == 1
    assert enlargement(load_model("cho-pc"), large, ImageSpec()) == 1


def test_an_adapted_model_scales_nothing_more(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twincell.training.adaptation.search.SCALES", (1.0, 2.0))
    path = write_lab(tmp_path, 6, 6, True)
    write_spec(tmp_path, ImageSpec(cell_diameter_px=24.0))  # cells are half as large, so the start is wrong
    made = load_model(adapt("any", Manifest.read(path), tmp_path / "run", progress=False))
    assert load_model("any").measures
    assert not made.measures
    assert made.card.preprocessing.scale == pytest.approx(2 * 9 / 24)
    assert made.card.name == "any, adapted"


def test_a_folder_with_files_is_not_written_to(tmp_path: Path, quick: None) -> None:
    manifest = write_lab(tmp_path, 3, 3, False)
    assert run(["transfer", "any", str(manifest), "--out", str(tmp_path)]) == 2
    assert not (tmp_path / "model.json").exists()


def test_a_counted_empty_image_has_known_places(tmp_path: Path) -> None:
    path = write_lab(tmp_path, 3, 3, False)
    table = Manifest.read(path).table
    table.loc[0, "count"] = 0
    material = read_material(Manifest(table, tmp_path), load_model("any"), progress=False)
    assert material.labelled.dotted == 1
    assert material.labelled.points[0] is not None


def test_images_like_the_few_adapted_to_are_familiar_and_noise_is_not() -> None:
    network = load_model("any").network
    images = list(synthesise("optics-pc", 16, seed=4).images)
    learn_familiar(network, images[:6], View())
    others, noise = torch.stack(images[6:]), torch.rand(4, 1, 128, 128)
    with torch.no_grad():
        assert (network.familiarity(network.features(others)) < 1).float().mean() >= 0.9
        assert (network.familiarity(network.features(noise)) > 1).all()


def test_a_new_chamber_is_less_unlike_where_whole_chambers_were_left_out() -> None:
    recorded = [recording("optics-bf", 6, seed=5, chamber_id=k) for k in range(5)]
    images = [torch.from_numpy(made.images)[:, None].float() / 255 for made in recorded]
    found = []
    for units in (None, torch.arange(4).repeat_interleave(6)):
        network = load_model("any").network
        assert isinstance(network, DensityNetwork)
        learn_familiar(network, list(torch.cat(images[:4])), View(), units)
        with torch.no_grad():
            noise = network.familiarity(network.features(torch.rand(2, 1, 128, 128)))
            found.append(float(network.familiarity(network.features(images[4])).mean()))
        assert (noise > 1).all()
    assert found[1] < found[0]


def test_the_card_is_json_that_older_words_fit(tmp_path: Path, quick: None) -> None:
    out = adapt("any", Manifest.read(write_lab(tmp_path, 4, 4, False)), tmp_path / "run", progress=False)
    read = json.loads((out / "model.json").read_text())
    assert set(load_card("any").model_dump()) == set(read)
