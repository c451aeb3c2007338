"""Simulated off-axis holograms of a known delay, to check the retrieval with."""

import numpy as np

from twincell.phase.retrieve import Optics


def hologram(
    delay: np.ndarray,
    optics: Optics,
    carrier: tuple[float, float] = (0.21, 0.13),
    contrast: float = 0.8,
    tilt: tuple[float, float] = (0.0, 0.0),
    photons: float | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draws the interference of a wave delayed by `delay` with a tilted plane wave.

    Args:
        delay: (H, W) nm.
        optics: its wavelength.
        carrier: fringes (x, y) in cycles per pixel, up to 0.5.
        contrast: of the fringes, up to 1.
        tilt: of the object wave besides, in nm per pixel (x, y).
        photons: mean number a pixel, whose shot noise is drawn; None = no noise.
        seed: of the noise.

    Returns:
        (H, W) float64, mean 1 without noise.
    """
    y, x = np.mgrid[: delay.shape[0], : delay.shape[1]]
    whole = delay + tilt[0] * x + tilt[1] * y
    phase = 2 * np.pi * (whole / optics.wavelength_nm + carrier[0] * x + carrier[1] * y)
    seen = 1 + contrast * np.cos(phase)
    if photons is not None:
        seen = np.random.default_rng(seed).poisson(seen * photons) / photons
    return seen


def ball(
    side: int, radius_px: float, peak_nm: float, centre: tuple[float, float] | None = None
) -> np.ndarray:
    """The delay (side, side) in nm of an even ball: peak times sqrt(1 - r^2 / R^2)."""
    cx, cy = centre or ((side - 1) / 2,) * 2
    y, x = np.mgrid[:side, :side]
    squared = ((x - cx) ** 2 + (y - cy) ** 2) / radius_px**2
    return peak_nm * np.sqrt(np.clip(1 - squared, 0, None))
