"""The microscope, against the theory of weak objects, and what it makes of a cell."""

import math
from typing import Any

import pytest
import torch

from twincell.simulate import Preset, load_preset, synthesise
from twincell.simulate.draws import Draws
from twincell.simulate.render.dirt import smudges
from twincell.simulate.render.field import Grid, outline
from twincell.simulate.render.optics import Pupil, empty_level, intensity
from twincell.simulate.render.settings import OpticsLook
from twincell.simulate.scene.scene import Dirt

GRID = Grid(scale=2, pad=8)
SHARP = 100.0  # cycles / px, an aperture that takes nothing away


def pupil(defocus: float = 0.0, ring: float = 0.0, amplitude: float = 1.0, **more: float) -> Pupil:
    def one(value: float) -> torch.Tensor:
        return torch.tensor([value])

    return Pupil(
        defocus=one(defocus),
        aperture=one(more.get("aperture", SHARP)),
        source=one(more.get("source", 0.0)),
        ring_width=one(ring),
        ring_amplitude=one(amplitude),
        oblique=torch.tensor([[more.get("oblique", 0.0), 0.0]]),
        veil=one(more.get("veil", 0.0)),
    )


def grating(strength: float, periods: int) -> tuple[torch.Tensor, float]:
    """A phase grating across the grid and its frequency in cycles / px."""
    place = (torch.arange(GRID.side) + 0.5) / GRID.side
    wave = strength * torch.cos(2 * math.pi * periods * place)
    return wave.expand(1, GRID.side, GRID.side), periods * GRID.scale / GRID.side


def seen(phase: torch.Tensor, optics: Pupil) -> torch.Tensor:
    return intensity(torch.polar(torch.ones_like(phase), phase) - 1, optics, GRID)[0]


def middle(wave: torch.Tensor) -> torch.Tensor:
    """What an ideal camera would have of a wave on the grid: the means over pixels, cut like a picture."""
    pixels = wave.reshape(-1, GRID.side // 2, 2, GRID.side // 2, 2).mean((2, 4))
    return pixels[0, 8:-8, 8:-8]


@pytest.mark.parametrize("defocus", [2.0, -2.0, 0.7])
@pytest.mark.parametrize("periods", [9, 20])
def test_a_weak_phase_shows_in_bright_field_as_theory_says(defocus: float, periods: int) -> None:
    # |1 + i p exp(i pi z f^2)|^2 is 1 - 2 p sin(pi z f^2) to first order in p.
    wave, f = grating(0.01, periods)
    expected = 1 - 2 * math.sin(math.pi * defocus * f**2) * middle(wave)
    assert torch.allclose(seen(wave, pupil(defocus)), expected, atol=3e-4)


def test_a_phase_object_in_focus_is_invisible_in_bright_field() -> None:
    wave, _ = grating(0.5, 11)
    assert float((seen(wave, pupil(0.0)) - 1).abs().max()) < 1e-4


@pytest.mark.parametrize("amplitude", [1.0, 0.3])
def test_a_weak_phase_shows_in_phase_contrast_as_theory_says(amplitude: float) -> None:
    # |-i T + i p|^2 is T^2 - 2 T p to first order in p: what delays the light turns dark.
    wave, _ = grating(0.005, 12)
    expected = amplitude**2 - 2 * amplitude * middle(wave)
    assert torch.allclose(seen(wave, pupil(0.0, ring=1e-3, amplitude=amplitude)), expected, atol=2e-4)


def test_the_aperture_takes_half_the_amplitude_at_its_frequency() -> None:
    wave, f = grating(0.01, 20)
    whole, half = (seen(wave, pupil(2.0, aperture=a)) - 1 for a in (SHARP, f))
    assert float(half.std() / whole.std()) == pytest.approx(0.5, abs=0.01)


def test_a_large_lamp_washes_out_fringes_only_out_of_focus() -> None:
    wave, f = grating(0.01, 20)
    near, far = (
        float((seen(wave, pupil(z, source=0.3)) - 1).std() / (seen(wave, pupil(z)) - 1).std())
        for z in (0.3, 2.0)
    )
    assert near > 0.9
    assert far == pytest.approx(math.exp(-2 * (math.pi * 2.0 * 0.3 * f) ** 2), rel=0.05)


def test_light_from_one_side_brightens_one_slope() -> None:
    x = (torch.arange(GRID.side) - GRID.side / 2) / GRID.scale
    hill = (0.4 * torch.exp(-(x[:, None] ** 2 + x**2) / 50)).expand(1, -1, -1)
    # A filter 1 + o f makes of exp(i p) its slope: |1 + o p' / (2 pi)|^2.
    slope = torch.gradient(hill, spacing=1 / GRID.scale, dim=2)[0]
    expected = (1 + 0.5 * middle(slope) / (2 * math.pi)) ** 2
    assert torch.allclose(seen(hill, pupil(0.0, oblique=0.5)), expected, atol=5e-4)
    assert float(expected.max()) > 1.005


def test_an_empty_field_is_even() -> None:
    for optics in (pupil(1.0), pupil(0.5, ring=0.05, amplitude=0.3, veil=0.12)):
        picture = seen(torch.zeros(1, GRID.side, GRID.side), optics)
        assert torch.allclose(picture, empty_level(optics).expand_as(picture), atol=1e-5)
    assert float(empty_level(pupil(0.5, ring=0.05, amplitude=0.3, veil=0.12))) == pytest.approx(0.21)


def test_the_outline_of_a_disc_is_its_distance() -> None:
    x = torch.linspace(-8, 8, 33)[None]
    one, none = torch.ones(1, 1), torch.zeros(1, 4)
    d = outline(x, torch.zeros_like(x), 5 * one, one, 0 * one)
    assert torch.allclose(d, x.abs() - 5, atol=1e-3)
    lobed = outline(
        x[:, None], torch.zeros(1, 1, 33), 5 * one[..., None], one[..., None], 0 * one[..., None], none
    )
    assert torch.allclose(lobed[:, 0], d, atol=1e-3)
    tall = outline(torch.zeros_like(x), x, 5 * one, 4 * one, one * math.pi / 2)  # half axes 10 and 2.5
    assert float(tall.abs().min()) > 0.9, "the outline lies beyond 8 px"


def one_cell(preset: str, **overrides: Any) -> Preset:
    """A preset with one plain cell of 5 px in the middle of an even field, without noise."""
    plain = {
        "scene.counts.most": 1,
        "scene.place.margins": [63.9, 63.9, 63.9, 63.9],
        "scene.cells.radius": [5.0, 5.0],
        "scene.cells.spread": 0,
        "scene.cells.swollen": (0, 0),
        "scene.cells.blebbing": 0,
        "scene.cells.grain": [0.0, 0.0],
        "scene.cells.stretch": [1.0, 1.0],
        "scene.cells.smooth": 0,
        "scene.cells.lobes": 0,
        "scene.place.crowding": 0,
        "scene.place.doors": 0,
        "look.dirt": 0,
        "look.blurred": 0,
        "look.rim_uneven": 0,
        "look.refractile": [0, 0],
        "scene.cells.rosette_images": 0,
        "scene.place.visitors": 0,
        "look.oblique": [0, 0],
        "look.camera": {},
        "look.background.shift": 0,
    }
    return load_preset(preset, {**plain, **overrides})


def profile(preset: Preset, level: float) -> torch.Tensor:
    """Mean brightness over the empty field's at 0, 1, .. 11 px from the middle of 16 cells."""
    pictures = synthesise(preset, 16, seed=0, backgrounds=torch.full((1, 1, 128, 128), level)).images[:, 0]
    axis = torch.arange(128) - 63.5
    rho = torch.hypot(axis[:, None], axis)
    rings = [
        pictures[:, (rho >= r - 0.5) & (rho < r + 0.5)].mean() if r else pictures[:, 63:65, 63:65].mean()
        for r in range(12)
    ]
    return torch.stack(rings) / pictures[:, :20, :20].mean()


def test_a_cell_in_phase_contrast_is_dark_in_a_bright_ring() -> None:
    rings = profile(one_cell("optics-pc"), 0.2)
    halo = rings[4:8]
    assert float(halo.max()) > 1.7, "real cells: 0.42 against 0.2"
    assert int(halo.argmax()) in (1, 2), "the ring lies at the outline, 5 to 6 px from the middle"
    assert float(rings[:3].max()) < 0.75 * float(halo.max())
    assert 0.7 < float(rings[:3].mean()) < 1.2, "real cells: 0.22 inside against 0.2 outside"


def test_a_cell_in_bright_field_has_a_dark_rim_and_a_light_inside() -> None:
    rings = profile(one_cell("optics-bf"), 0.7)
    assert 0.65 < float(rings[4:6].min()) < 0.9, "real cells: 0.51 against 0.69"
    assert 1.02 < float(rings[:3].mean()) < 1.15, "real cells: 0.75 against 0.69"
    assert float(rings[9:].mean()) == pytest.approx(1, abs=0.03)


def test_the_sign_of_the_defocus_turns_the_rim_of_a_thin_cell_round() -> None:
    thin = {
        "look.rim_absorption": [0, 0],
        "look.absorption": [0, 0],
        "look.phase": [0.3, 0.3],
        "look.rim_phase": [-0.1, -0.1],
    }
    near, far = (
        profile(one_cell("optics-bf", **thin, **{"look.defocus": [z, z]}), 0.7) - 1 for z in (-0.8, 0.8)
    )
    assert float(near.min()) < -0.012, "a dark rim"
    assert float(far.max()) > 0.01, "a light rim"
    assert int(near.argmin()) == int(far.argmax())
    assert float(near[0]) > 0.003 > -0.003 > float(far[0])


def test_phase_contrast_shows_touching_cells_with_a_bright_seam() -> None:
    two = {
        "scene.counts.least": 2,
        "scene.counts.most": 2,
        "scene.place.margins": [50, 50, 50, 50],
        "scene.place.touching": 1,
        "scene.place.squeeze": [0.95, 0.95],
    }
    made = synthesise(one_cell("optics-pc", **two), 16, seed=0, backgrounds=torch.full((1, 1, 128, 128), 0.2))
    pairs = made.centres[:, :2]
    touching = (pairs[:, 0] - pairs[:, 1]).norm(dim=1) < 9.6
    assert int(touching.sum()) > 5
    x, y = pairs[touching].mean(1).floor().long().unbind(1)
    at_seam = made.images[touching, 0][torch.arange(len(x)), y, x]
    single = profile(one_cell("optics-pc"), 0.2)[4:8].max() * 0.2
    assert float(at_seam.mean()) > 1.15 * float(single)


def test_the_border_between_cells_grown_together_vanishes() -> None:
    def seam(fused: float) -> float:
        """Brightness in the middle between two pressed cells, over that of the empty field."""
        two = {
            "scene.counts.least": 2,
            "scene.counts.most": 2,
            "scene.place.margins": [50, 50, 50, 50],
            "scene.place.touching": 1,
            "scene.place.fused_squeeze": [0.8, 0.8],
            "scene.cells.fused_images": 1,
            "scene.cells.fused": [fused, fused],
            "look.contact": [0, 0],
        }
        field = torch.full((1, 1, 128, 128), 0.7)
        made = synthesise(one_cell("optics-bf", **two), 16, seed=0, backgrounds=field)
        pairs = made.centres[:, :2]
        pressed = (pairs[:, 0] - pairs[:, 1]).norm(dim=1) < 8.1
        assert int(pressed.sum()) > 5
        x, y = pairs[pressed].mean(1).floor().long().unbind(1)
        return float(made.images[pressed, 0][torch.arange(len(x)), y, x].mean()) / 0.7

    assert seam(0.02) < 0.9, "a dark line"
    assert seam(1.0) > 0.95, "hardly a line is left"


def test_a_grain_far_out_of_focus_is_a_dark_disc_with_a_bright_edge() -> None:
    rings = torch.tensor([[[64.5, 64.5, 8.0, 1.5, -1.0]]])
    none = torch.zeros(1, 1, 4)
    look = load_preset("optics-bf", {"look.disc": [-0.08, -0.08], "look.disc_edge": [0.05, 0.05]}).look
    assert isinstance(look, OpticsLook)
    draws = Draws(0, torch.tensor([0]))
    picture = smudges(Dirt(specks=none, rings=rings, debris=none, bubbles=none), look, draws)[0]
    assert float(picture[64, 64]) < -0.15, "the spot in its middle"
    assert -0.1 < float(picture[64, 69]) < -0.03, "the disc"
    assert float(picture[64, 73]) > 0.02, "its edge"
    assert float(picture[64, 80].abs()) < 1e-3
