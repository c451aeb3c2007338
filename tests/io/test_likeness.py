"""Numbered images that have nothing in common are said to be no time-lapse; drawn time-lapses pass."""

from pathlib import Path

import numpy as np
from PIL import Image

from twincell.io.likeness import may_be_film, read_as
from twincell.io.reading import Reading
from twincell.io.recordings import open_recordings
from twincell.simulate.recordings import recording as drawn


def write(folder: Path, images: list[np.ndarray]) -> Path:
    folder.mkdir()
    for i, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"cell-{i:03d}.png")
    return folder


def strangers(n: int) -> list[np.ndarray]:
    """Images of other cells at other places each."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(n):
        image = rng.normal(120, 3, (64, 64))
        for y, x in rng.integers(6, 58, (6, 2)):
            image[y - 6 : y + 6, x - 6 : x + 6] = rng.choice([40, 220])
        images.append(image.clip(0, 255).astype(np.uint8))
    return images


def told(folder: Path, **how: object) -> list[str]:
    (recording,) = open_recordings([folder], Reading(loose=True, **how))  # type: ignore[arg-type]
    return read_as(recording)


def test_images_of_one_lab_that_stand_alone_are_asked_about(tmp_path: Path) -> None:
    folder = write(tmp_path / "lab", strangers(12))
    first, second = told(folder)
    assert "12 images read as one time-lapse, by their names frames 1 to 12 (--single" in first
    assert "neighbouring images have nothing in common" in second
    assert "say --single" in second
    assert told(folder, single=True) == []


def test_a_drawn_time_lapse_is_one(tmp_path: Path) -> None:
    images = list(drawn("optics-pc", 8, seed=3).images)
    assert len(told(write(tmp_path / "film", images))) == 1


def test_a_recording_in_which_nothing_happens_is_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    still = strangers(1)[0].astype(float)
    images = [(still + rng.normal(0, 2, still.shape)).clip(0, 255).astype(np.uint8) for _ in range(8)]
    assert len(told(write(tmp_path / "still", images))) == 1


def test_too_few_and_damaged_images_say_nothing(tmp_path: Path) -> None:
    (recording,) = open_recordings([write(tmp_path / "few", strangers(5))], Reading(loose=True))
    assert may_be_film(recording)
    folder = write(tmp_path / "torn", strangers(8))
    for path in sorted(folder.iterdir())[1:]:
        path.write_bytes(path.read_bytes()[:60])
    (recording,) = open_recordings([folder], Reading(loose=True))
    assert may_be_film(recording)
