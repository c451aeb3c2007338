"""Trainings that are kept, what they learn from, and drawn images that a twin translates."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from twincell.data.manifest import Manifest
from twincell.data.store import ImageStore
from twincell.errors import UserError
from twincell.gap import trainings, translated
from twincell.gap.controls import CONTROLS, stand_ins
from twincell.gap.generator import Redrawn
from twincell.gap.shapley import NOTHING, PHOTOREALISM
from twincell.gap.trainings import Trainings, write_labelled
from twincell.gap.translated import Translated
from twincell.io.images import read_grey
from twincell.presets import load_preset
from twincell.simulate.presets import Preset
from twincell.simulate.presets import load_preset as load_scenes
from twincell.training.adaptation.labelled import Labelled

CLOSED = frozenset({PHOTOREALISM})


class Blind(nn.Module):
    """Finds 0.4 cells in every quarter of an image, whatever is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gain", torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 0.4 * self.gain * images.new_ones(len(images), 1, 2, 2)


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What each training was given; none is done."""
    seen: list[tuple[Any, ...]] = []

    def fitted(settings: Any, manifest: Manifest, run: Path, seed: int) -> nn.Module:
        seen.append((settings, manifest, run, seed))
        return Blind()

    monkeypatch.setattr(trainings, "_fitted", fitted)
    return seen


def small(name: str) -> Preset:
    """A shipped preset in blocks of 4 images."""
    preset = load_scenes(name)
    return Preset(name, preset.scene.model_copy(update={"block": 4}), preset.look)


def made(folder: Path) -> tuple[Trainings, Redrawn]:
    return Trainings(folder, load_preset("gap"), 4), Redrawn(small("ellipse-bf"), small("ellipse-pc"))


def test_the_same_images_are_drawn_and_learned_once(tmp_path: Path, learned: list[Any]) -> None:
    ours, generator = made(tmp_path)
    for closed in (NOTHING, NOTHING, CLOSED):
        ours.on_drawn(generator, closed, 0)
    (_, first, one, _), (_, _, again, _), (settings, other, two, _) = learned
    assert one == again
    assert one != two
    assert len(list((tmp_path / "drawn").iterdir())) == 2
    assert first.table["count"].tolist() == other.table["count"].tolist()  # the same scenes
    assert (settings.synthetic.source, settings.batch.natural) == ("manifest", False)
    ours.on_drawn(generator, CLOSED, 0, placed=False)
    assert learned[-1][0].batch.density == 0
    assert learned[-1][2] != two


def test_images_that_were_not_drawn_to_the_end_are_drawn_anew(tmp_path: Path, learned: list[Any]) -> None:
    ours, generator = made(tmp_path)
    ours.on_drawn(generator, NOTHING, 0)
    whole = learned[0][1].root
    whole.rename(whole.with_name(f"{whole.name}.part"))
    ours.on_drawn(generator, NOTHING, 0)
    assert [folder.name for folder in (tmp_path / "drawn").iterdir()] == [whole.name]


def test_a_counter_counts_its_own_images_right_on_the_whole(tmp_path: Path, learned: list[Any]) -> None:
    """Whatever few steps left it to count too few of is no difference to real images."""
    ours, generator = made(tmp_path)
    network = ours.on_drawn(generator, NOTHING, 0)
    assert float(network.get_buffer("gain")) > 1.0
    assert float(learned[0][1].table["count"].mean()) > 1.6


def test_real_images_are_learned_from_with_their_places(tmp_path: Path, learned: list[Any]) -> None:
    ours, _ = made(tmp_path)
    images = [torch.rand(1, 100, 140) for _ in range(3)]
    points = [torch.rand(k + 1, 2) * 100 for k in range(3)]
    placed = Labelled.of(images, [1, 2, 3], points)
    ours.on_real(placed, 0)
    settings, manifest, _, _ = learned[-1]
    assert (settings.synthetic.source, settings.batch.window, settings.batch.density) == ("none", 144, 36)
    store = ImageStore.load(manifest, progress=False)
    assert bool(store.placed.all())
    ours.on_real(Labelled.of(images, [1, 2, 3]), 0)
    assert learned[-1][0].batch.density == 0
    assert learned[-1][2] != learned[-2][2]


def test_other_labels_are_another_training(tmp_path: Path, learned: list[Any]) -> None:
    ours, _ = made(tmp_path)
    images = [torch.rand(1, 128, 128)]
    for count in (1, 2):
        ours.on_real(Labelled.of(images, [count]), 0)
    assert learned[0][2] != learned[1][2]


def test_labels_written_are_read_again(tmp_path: Path) -> None:
    truth = small("optics-bf")
    known = stand_ins(CONTROLS["shifted labels"], truth, 4)
    plain = stand_ins(CONTROLS["two renderers"], truth, 4)
    write_labelled(known, tmp_path)
    assert Manifest.read(tmp_path).table["count"].tolist() == known.counts.tolist()
    whole = plain.counts
    assert known.counts.tolist() == (whole - whole // 5).tolist()


def test_a_twin_translates_where_photorealism_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def negative(model: Any, images: np.ndarray, to: str) -> SimpleNamespace:
        assert to == "natural"
        return SimpleNamespace(translated=255 - images)

    monkeypatch.setattr(translated, "translate", negative)
    _, drawn = made(tmp_path)
    twin: Any = SimpleNamespace(card=SimpleNamespace(sha256="abc"))
    generator = Translated(drawn, twin)
    for name, closed in (("plain", NOTHING), ("real", CLOSED)):
        generator.write(tmp_path / name, closed, 2, 0)
    before, after = (
        read_grey(sorted((tmp_path / name / "images").iterdir())[1]) for name in ("plain", "real")
    )
    assert (after == 255 - before).all()
    assert generator.key(CLOSED) != generator.key(NOTHING) == drawn.key(NOTHING)


def test_a_model_without_decoders_is_no_twin() -> None:
    with pytest.raises(UserError, match="no decoders"):
        Translated.by("any", Redrawn(small("ellipse-bf"), small("optics-bf")))
