"""Scenes drawn with known settings are found again from their images alone."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from twincell.cli import run
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.io.encode import png
from twincell.matching import MatchOptions, match, match_images, write_match
from twincell.matching.priors import changed
from twincell.models.base.file import load_card
from twincell.simulate.presets import Preset, load_preset
from twincell.simulate.recordings import to_bytes
from twincell.simulate.synthesise import synthesise
from twincell.training.adaptation import Effort

RADIUS, DEFOCUS = (3.6, 4.4), (2.0, 4.0)
CELLS = [0.0, 0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0]
"""Weights of 0, 1, 2, .. cells; their mean is 4.5."""


def known_lab(sign: int) -> Preset:
    """A lab with cells of one size, few of them, on one side of the focus."""
    defocus = sorted(sign * value for value in DEFOCUS)
    own = {
        "scene.counts": {"least": 0, "most": 7, "offset": 8.0, "weights": CELLS},
        "scene.cells.radius": RADIUS,
        "scene.cells.swollen_images": 0.0,
        "look.defocus": defocus,
        "look.blurred": 0.0,
        "look.walls.level": (0.42, 0.46),
        "look.camera.gain": (0.7, 0.9),
    }
    return changed(load_preset("open-bf"), own, "known")


def write_images(folder: Path, images: torch.Tensor) -> None:
    for k, image in enumerate(to_bytes(images)[:, 0]):
        write_atomic(folder / f"{k:03d}.png", png(image))


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command makes of 40 images of a known lab."""
    folder = tmp_path_factory.mktemp("match")
    write_images(folder / "images", synthesise(known_lab(-1), 40, seed=5).images)
    out = folder / "lab.yaml"
    words = [
        "match",
        str(folder / "images"),
        "--start",
        "open-bf,drops-bf",
        "--trials",
        "24",
        "--out",
        str(out),
    ]
    assert run(words) == 0
    return {"out": out, "found": json.loads(out.with_suffix(".json").read_text())}


def middle(limits: list[float]) -> float:
    return sum(limits) / 2


@pytest.mark.slow
def test_size_number_and_side_of_the_focus_are_found_again(matched: dict[str, Any]) -> None:
    tree = yaml.safe_load(matched["out"].read_text())
    found, scenes = matched["found"], matched["found"]["scenes"]
    assert found["scale"] == 1.0
    assert scenes["radius"][1] == pytest.approx(np.mean(RADIUS), rel=0.15)
    assert middle(tree["scene"]["cells"]["radius"]) == pytest.approx(np.mean(RADIUS), rel=0.2)
    truth = np.average(np.arange(len(CELLS)), weights=CELLS)
    assert scenes["mean_count"] == pytest.approx(truth, rel=0.2)
    shares = tree["scene"]["counts"]["weights"]
    assert np.average(np.arange(len(shares)), weights=shares) == pytest.approx(truth, rel=0.2)
    assert scenes["defocus"] < 0
    assert middle(tree["look"]["defocus"]) < 0


@pytest.mark.slow
def test_the_distance_falls_and_the_nearer_start_is_taken(matched: dict[str, Any]) -> None:
    told = matched["found"]["distance"]
    assert matched["found"]["start"] == "open-bf"
    assert told["after"]["total"] < 0.7 * told["before"]["total"]
    assert told["floor"]["total"] < told["after"]["total"]
    assert set(told["after"]) == set(told["before"]) >= {"total", "spectrum", "rings", "counts", "features"}


@pytest.mark.slow
def test_synth_draws_what_was_fitted(matched: dict[str, Any], tmp_path: Path) -> None:
    assert run(["synth", str(matched["out"]), "-n", "4", "--out", str(tmp_path / "drawn")]) == 0
    assert len(list((tmp_path / "drawn/images").iterdir())) == 4
    assert Image.open(matched["out"].with_suffix(".png")).width > 400


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few scenes, few steps."""
    monkeypatch.setattr("twincell.training.adaptation.scenes.DRAWN", 16)
    monkeypatch.setattr("twincell.training.adaptation.scenes.KEPT", 16)
    monkeypatch.setattr("twincell.training.adaptation.scenes.EFFORT", Effort(steps=(2,), batch=4))


def write_manifest(folder: Path, n: int) -> Path:
    drawn = synthesise(known_lab(-1), n, seed=6)
    write_images(folder, drawn.images)
    rows = [f"{k:03d}.png,,train,bf,natural,place-{k},0" for k in range(n)]
    head = "image,count,split,modality,origin,chamber,frame"
    write_atomic(folder / "manifest.csv", "\n".join([head, *rows]) + "\n")
    return folder / "manifest.csv"


@pytest.mark.slow
def test_transfer_learns_from_a_fitted_preset_without_a_label(
    matched: dict[str, Any], tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, out = write_manifest(tmp_path / "lab", 8), tmp_path / "run"
    words = ["transfer", "any", str(manifest), "--match", str(matched["out"]), "--out", str(out)]
    assert run(words) == 0
    assert "no label can tell" in capsys.readouterr().err
    card = load_card(out)
    told = card.metrics["matched scenes"]
    assert told["scale"] == 1.0
    assert len(told["error on drawn scenes kept aside"]) == 2
    assert run(["count", str(out), str(manifest), "--out", str(tmp_path / "counts.csv")]) == 0


@pytest.mark.slow
def test_transfer_fits_scenes_itself_and_keeps_their_sheet(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twincell.matching.fit.LOOKED", 16)
    short = functools.partial(MatchOptions, starts=("open-bf",), trials=2)
    monkeypatch.setattr("twincell.training.finetune.MatchOptions", short)
    manifest, out = write_manifest(tmp_path / "lab", 8), tmp_path / "run"
    assert run(["transfer", "any", str(manifest), "--match", "--out", str(out)]) == 0
    assert {"model.json", "scenes.yaml", "scenes.json", "scenes.png"} <= {path.name for path in out.iterdir()}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twincell.matching.fit.LOOKED", 16)
    images = list(synthesise(known_lab(1), 8, seed=5).images)
    asked = MatchOptions(starts=("open-bf",), trials=2, seed=3, progress=False)
    one, other = (match_images(images, options=asked) for _ in range(2))
    assert one.to_yaml() == other.to_yaml()
    write_match(one, tmp_path / "lab.yaml")
    with pytest.raises(UserError, match="exists already"):
        write_match(other, tmp_path / "lab.yaml")


def flat(n: int) -> torch.Tensor:
    return torch.full((n, 1, 128, 128), 0.5)


def noise(n: int) -> torch.Tensor:
    return (0.5 + 0.01 * torch.randn(n, 1, 128, 128, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        (None, "nothing to count|holds no"),
        (flat(10), "all are flat"),
        (noise(10), "no cell is found"),
        (synthesise("open-bf", 1, seed=1).images, "give 10 or more images"),
    ],
    ids=["none", "flat", "no cell", "one"],
)
def test_images_that_say_nothing_are_refused(images: torch.Tensor | None, fault: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    if images is not None:
        write_images(tmp_path / "images", images)
    with pytest.raises(UserError, match=fault):
        match(tmp_path / "images", MatchOptions(diameter=None, progress=False))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--out", "lab.txt"], "ends in .yaml"),
        (["--out", "lab.yaml", "--start", "ellipse-bf"], "unknown; choose of"),
        (["--out", "lab.yaml", "--trials", "1"], "greater than or equal to 2"),
    ],
)
def test_bad_words_are_refused_before_any_work(
    words: list[str],
    fault: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    assert run(["match", "images", *words]) == 2
    assert fault in capsys.readouterr().err


def test_a_preset_needs_match_and_a_file_has_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_atomic(tmp_path / "x.yaml", "scene: 3\n")
    assert run(["transfer", "any", "m.csv", str(tmp_path / "x.yaml"), "--out", str(tmp_path / "run")]) == 2
    assert "--match; add it" in capsys.readouterr().err
    assert run(["synth", str(tmp_path / "x.yaml"), "--out", str(tmp_path / "drawn")]) == 2
    assert "is no preset of drawn scenes" in capsys.readouterr().err
