"""Synthetic images a second, against a plain loop that draws one image after another with numpy."""

from collections.abc import Callable

import numpy as np

from figure import Figure, compared
from twincell.simulate import synthesise

YY, XX = np.mgrid[:128, :128].astype(np.float32) + 0.5


def draw_ellipses(rng: np.random.Generator) -> np.ndarray:
    """One image as the paper's generator describes it, written down plainly: cell after cell over whole
    images.
    """
    from scipy.ndimage import gaussian_filter

    chances = 36.0 - np.arange(1, 31)
    image = np.full((128, 128), 0.7, np.float32)
    cells: list[tuple[float, float, float]] = []
    for _ in range(1 + rng.choice(30, p=chances / chances.sum())):
        for _ in range(24):
            x, y, r = rng.uniform(26, 108), rng.uniform(12, 122), rng.uniform(3, 7)
            if all((x - a) ** 2 + (y - b) ** 2 > (r + c) ** 2 for a, b, c in cells):
                break
        cells.append((x, y, r))
        wide, high = r + rng.uniform(-2, 1, (2, 2)).sum(1) / 2
        rho = np.hypot((XX - x) / wide, (YY - y) / high)
        layer = image.copy()
        layer[rho < 1] = rng.uniform(80, 130) / 255
        layer[rho < 1 - 1 / r] = rng.uniform(180, 210) / 255
        image = 0.5 * layer + 0.5 * gaussian_filter(layer, 1.0)
    image = gaussian_filter(image, rng.uniform(0, 0.6))
    return np.clip(image + rng.normal(0, rng.uniform(0, 0.012), image.shape), 0, 1)


def draw_optics(rng: np.random.Generator) -> np.ndarray:
    """One bright-field image by the same physics, written down plainly: cells on the whole grid, one
    transform.
    """
    side = 288
    axis = (np.arange(side, dtype=np.float32) + 0.5) / 2 - 8
    phase, absorption = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    chances = 36.0 - np.arange(1, 31)
    for _ in range(1 + rng.choice(30, p=chances / chances.sum())):
        x, y, r = rng.uniform(26, 104), rng.uniform(12, 118), rng.uniform(3.5, 5)
        d = np.hypot(axis - x, axis[:, None] - y) - r
        inside = np.clip(-d / r, 0, 1)
        phase += 2 * np.sqrt(inside * (2 - inside)) ** 2.5 - 0.5 * np.exp(-((d / 0.8) ** 2))
        phase += 0.2 * rng.normal(0, 1, d.shape).astype(np.float32) * (d < -0.6)
        absorption += 0.05 * np.exp(-((d / 0.8) ** 2))
    f = np.fft.fftfreq(side) * 2
    square = f[:, None] ** 2 + f**2
    pupil = np.exp(-np.log(2) * square / 0.5**2 + 1j * np.pi * rng.uniform(-1.3, -0.5) * square)
    light = np.fft.ifft2(np.fft.fft2(np.exp(1j * phase - absorption)) * pupil)
    seen = (np.abs(light) ** 2).reshape(144, 2, 144, 2).mean((1, 3))[8:-8, 8:-8]
    return np.clip(0.7 * seen + rng.normal(0, 0.003, seen.shape), 0, 1)


def drawn(
    preset: str, peer: Callable[[np.random.Generator], np.ndarray], n: int, m: int, quick: bool
) -> Figure:
    """n images of a preset against m of the peer's."""
    rng = np.random.default_rng(0)
    return compared(
        lambda: synthesise(preset, n, seed=0),
        lambda: np.stack([peer(rng) for _ in range(m)]),
        3 if quick else 7,
        n,
        m,
    )


def synth_ellipse(quick: bool) -> Figure:
    """The paper's generator."""
    n, m = (256, 16) if quick else (1024, 64)
    return drawn("ellipse-bf", draw_ellipses, n, m, quick)


def synth_optics(quick: bool) -> Figure:
    """Bright field by Fourier optics, with walls and dirt."""
    n, m = (32, 4) if quick else (128, 16)
    return drawn("optics-bf", draw_optics, n, m, quick)


BENCHES = {"synth-ellipse": synth_ellipse, "synth-optics": synth_optics}
