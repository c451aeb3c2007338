"""Holograms of a known delay, and one real one."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from twincell.errors import UserError
from twincell.phase.hologram import ball, hologram
from twincell.phase.measures import cell_mask, dry_mass, sphere_correction
from twincell.phase.retrieve import Filter, Optics, optical_path_delay

pytest.importorskip("qpretrieve")
OPTICS = Optics(633, 0.15)
REAL = Path(__file__).parents[3] / "shared" / "data" / "hl60" / "hologram_cell.npz"
TRUE = ndimage.gaussian_filter(ball(160, 48, 1000, (84, 75)), 2.5)  # more than one turn high, off the middle


def rms(delay: np.ndarray) -> float:
    return float(np.sqrt(np.mean((delay - TRUE) ** 2)))


@pytest.mark.parametrize(
    "recorded",
    [
        {},
        {"photons": 300.0},
        {"tilt": (20.0, -10.0)},
        {"carrier": (0.17, -0.24)},
        {"carrier": (-0.25, 0.06), "photons": 300.0},
        {"carrier": (0.19, 0.2), "contrast": 0.3},
    ],
)
@pytest.mark.parametrize("with_background", [False, True])
def test_a_known_delay_is_found_again(recorded: dict, with_background: bool) -> None:
    behind = hologram(np.zeros_like(TRUE), OPTICS, **recorded, seed=1) if with_background else None
    delay = optical_path_delay(hologram(TRUE, OPTICS, **recorded), OPTICS, behind)
    assert rms(delay) < 10  # of 1000 nm
    assert delay.max() == pytest.approx(TRUE.max(), rel=0.03)
    inside = TRUE > 20
    assert dry_mass(delay, 0.15, inside) == pytest.approx(dry_mass(TRUE, 0.15, inside), rel=0.005)


def test_the_background_takes_uneven_light_away() -> None:
    """A curved wave front in both holograms, which no plane fits."""
    y, x = np.mgrid[:160, :160] / 160 - 0.5
    curved = 500 * (x**2 + y**2)
    with_cell, without = hologram(TRUE + curved, OPTICS), hologram(curved, OPTICS)
    assert rms(optical_path_delay(with_cell, OPTICS, without)) < 10
    assert rms(optical_path_delay(with_cell, OPTICS)) > 20


def test_the_cell_stands_above_whichever_sideband_is_taken() -> None:
    seen = hologram(TRUE, OPTICS)
    for sign in (1, -1):
        cut = Filter(sideband=(sign * 0.21, sign * 0.13))
        assert rms(optical_path_delay(seen, OPTICS, None, cut)) < 10


def test_nanometres_follow_the_wavelength() -> None:
    seen = hologram(TRUE, OPTICS)
    twice = optical_path_delay(seen, Optics(1266, 0.15))
    np.testing.assert_allclose(twice, 2 * optical_path_delay(seen, OPTICS), rtol=1e-4, atol=0.1)


def test_mass_of_a_ball_by_its_formula() -> None:
    """An even ball: volume times difference of refractive index, divided by the increment."""
    radius, index = 6.0, 0.03
    delay = ball(161, radius / 0.1, 2000 * radius * index)
    expected = 4 / 3 * np.pi * radius**3 * index / 0.18
    assert dry_mass(delay, 0.1) == pytest.approx(expected, rel=0.003)
    assert sphere_correction(radius, 1.335 + index) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((64, 64)), "is the same everywhere"),
        (np.zeros((8, 8)), "at least 32 x 32"),
        (np.full((64, 64), np.nan), "no numbers"),
        (np.random.default_rng(0).normal(size=(128, 128)), "no sideband"),
    ],
)
def test_what_is_no_hologram_is_refused(image: np.ndarray, words: str) -> None:
    with pytest.raises(UserError, match=words):
        optical_path_delay(image, OPTICS)


def test_optics_are_checked_all_at_once() -> None:
    with pytest.raises(UserError) as caught:
        Optics(0.633, 15, 2.0)
    assert len(caught.value.problems) == 3


def test_background_of_another_size_is_refused() -> None:
    with pytest.raises(UserError, match="crop both alike"):
        optical_path_delay(hologram(TRUE, OPTICS), OPTICS, np.ones((64, 64)) + np.eye(64))


@pytest.mark.skipif(not REAL.is_file(), reason="the real hologram is not beside this checkout")
def test_a_real_hologram_gives_a_plausible_cell() -> None:
    """HL60 in suspension: 10 to 15 um wide, 1.35 to 1.40 dense, 100 to 400 pg."""
    with np.load(REAL) as stored:
        seen, behind = stored["data"].astype(float), stored["bg_data"].astype(float)
    optics = Optics(633, 0.107)
    delay = optical_path_delay(seen, optics, behind)
    mask = cell_mask(delay)
    diameter = 2 * np.sqrt(mask.sum() / np.pi) * optics.pixel_um
    assert 10 < diameter < 15
    assert 100 < dry_mass(delay, optics.pixel_um, mask) < 400
    assert 1.35 < optics.medium + 1e-3 * np.percentile(delay[mask], 95) / diameter < 1.40
    assert delay[~mask].std() < 25
    sizes = [optical_path_delay(seen, optics, behind, Filter(size=size)) for size in (1 / 4, 1 / 3)]
    for other in sizes:  # what is cut out of the spectrum hardly matters
        assert dry_mass(other, optics.pixel_um, mask) == pytest.approx(
            dry_mass(delay, optics.pixel_um, mask), rel=0.02
        )
