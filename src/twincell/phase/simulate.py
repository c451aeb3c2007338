"""Simulated maps of optical path delay: sperm-like cells, and round cells of three classes.

They stand in for labelled sets of phase maps, none of which is to be had under a clear licence. A figure
measured on them says how methods compare on such shapes, not how well any of them tells real cells apart.

A cell is a thickness in um times a refractive increment over the medium; their product is the delay. What
differs between the classes (mass, size, grain, rim, nucleus, granules) spreads from cell to cell and overlaps
between classes, so that no single number tells them apart.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

CLASSES = ("healthy", "primary", "metastatic")
"""The round cells' classes, in the order of their labels 0, 1, 2."""
PIXEL_UM = 0.5
"""Side of a simulated pixel in the plane of the cells."""
SIDE = 48
"""Pixels along a simulated map: 24 um."""
PSF_UM = 0.45
"""Standard deviation of the blur of the microscope."""
CHUNK = 256
WAVES = np.arange(3, 10)  # of a rim; the second would be elongation
TURNS = np.linspace(0, 1, 40)  # places along a tail


@dataclass(frozen=True)
class RoundCells:
    """What cells of one class are like: median and spread (of the logarithm) of every quantity.

    Attributes:
        radius: um.
        increment: refractive index of the cytoplasm above that of the medium.
        grain: standard deviation of the increment's texture, as a share of the increment.
        grain_um: length of the texture in um.
        rough: standard deviation of the rim's distance from the centre, as a share of the radius.
        nucleus: radius of the nucleus as a share of the cell's.
        granules: expected number of dense granules.
    """

    radius: tuple[float, float]
    increment: tuple[float, float]
    grain: tuple[float, float]
    grain_um: tuple[float, float]
    rough: tuple[float, float]
    nucleus: tuple[float, float]
    granules: tuple[float, float]


PRESETS = {
    "healthy": RoundCells(
        radius=(6.0, 0.10), increment=(0.034, 0.10), grain=(0.105, 0.16), grain_um=(1.15, 0.11),
        rough=(0.016, 0.22), nucleus=(0.49, 0.07), granules=(4.0, 0.30),
    ),
    "primary": RoundCells(
        radius=(6.6, 0.11), increment=(0.036, 0.11), grain=(0.22, 0.16), grain_um=(1.10, 0.11),
        rough=(0.026, 0.22), nucleus=(0.62, 0.07), granules=(8.0, 0.30),
    ),
    "metastatic": RoundCells(
        radius=(6.4, 0.12), increment=(0.035, 0.12), grain=(0.22, 0.16), grain_um=(0.71, 0.11),
        rough=(0.050, 0.22), nucleus=(0.60, 0.08), granules=(8.0, 0.30),
    ),
}  # fmt: skip
"""The three classes. Ranges as reported for suspension cells: 10 to 15 um, increments of 0.03 to 0.04."""


def round_cells(n: int, label: str, seed: int | np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Draws round cells of one class.

    Args:
        n: maps.
        label: one of `CLASSES`.
        seed: of the cells, or a generator that is drawn on.
        side: pixels along a map.

    Returns:
        (n, side, side) float32, optical path delay in nm.
    """
    rng = np.random.default_rng(seed)
    preset = PRESETS[label]
    parts = [_round(min(CHUNK, n - at), preset, rng, side) for at in range(0, n, CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, side, side), np.float32)


def sperm_cells(n: int, seed: int | np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Draws sperm-like cells, head, midpiece and tail, in any direction; otherwise as `round_cells`."""
    rng = np.random.default_rng(seed)
    parts = [_sperm(min(CHUNK, n - at), rng, side) for at in range(0, n, CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, side, side), np.float32)


def labelled_cells(n: int, seed: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Draws `n` round cells of each class: maps (3 n, side, side) in nm and their labels (3 n,) int64."""
    rng = np.random.default_rng(seed)
    maps = np.concatenate([round_cells(n, label, rng, side) for label in CLASSES])
    return maps, np.repeat(np.arange(len(CLASSES)), n)


def _drawn(preset: RoundCells, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A value of each quantity for each cell, (n, 1, 1)."""
    return {
        field.name: (median * np.exp(spread * rng.standard_normal(n)))[:, None, None]
        for field in fields(preset)
        for median, spread in [getattr(preset, field.name)]
    }


def _round(n: int, preset: RoundCells, rng: np.random.Generator, side: int) -> np.ndarray:
    drawn = _drawn(preset, n, rng)
    x, y = _grid(n, rng, side, 1.0)
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    rim = drawn["radius"] * _rim(angle, drawn["rough"], rng)
    inside = np.clip(1 - (distance / rim) ** 2, 0, None)
    # Cells that hang in a flow are nearly balls; those that begin to settle are flatter.
    height = 2 * drawn["radius"] * rng.uniform(0.7, 1.0, (n, 1, 1)) * np.sqrt(inside)
    density = 1 + drawn["grain"] * _texture(n, rng, side, drawn["grain_um"])
    delay = drawn["increment"] * np.clip(density, 0.2, None) * height
    delay += _nucleus(x, y, drawn, rng) + _granules(x, y, drawn, rng)
    return _seen(1000 * delay, rng)


def _rim(angle: np.ndarray, rough: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distance of the rim as a share of the radius, in every direction: a few waves, weaker the shorter."""
    n = len(angle)
    share = 1 + np.zeros_like(angle)
    shares = WAVES**-0.5 / np.sqrt((1 / WAVES).sum())
    # The second wave is the cell's elongation, which says nothing of its class.
    for m, size in [(2, 0.03), *((m, rough * own) for m, own in zip(WAVES, shares, strict=True))]:
        waves = rng.standard_normal((2, n, 1, 1)) * size
        share += waves[0] * np.cos(m * angle) + waves[1] * np.sin(m * angle)
    return np.clip(share, 0.5, 1.6)


def _nucleus(
    x: np.ndarray, y: np.ndarray, drawn: dict[str, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Delay in um of a nucleus off the centre, a little denser than the cytoplasm or a little less dense."""
    n = len(x)
    radius = drawn["radius"] * np.clip(drawn["nucleus"], 0.2, 0.85)
    away, turn = rng.uniform(0, 0.5, (n, 1, 1)) * (drawn["radius"] - radius), _turns(n, rng)
    distance = np.hypot(x - away * np.cos(turn), y - away * np.sin(turn))
    height = 2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    return drawn["increment"] * rng.normal(0.18, 0.06, (n, 1, 1)) * height


def _granules(
    x: np.ndarray, y: np.ndarray, drawn: dict[str, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Delay in um of small dense balls in the cytoplasm."""
    n = len(x)
    wanted = rng.poisson(np.minimum(drawn["granules"], 20))
    delay = np.zeros_like(x)
    for number in range(int(wanted.max(initial=0))):
        radius = rng.uniform(0.3, 0.7, (n, 1, 1))
        away, turn = np.sqrt(rng.uniform(0.1, 0.85, (n, 1, 1))) * drawn["radius"] * 0.9, _turns(n, rng)
        near = (x - away * np.cos(turn)) ** 2 + (y - away * np.sin(turn)) ** 2
        delay += (number < wanted) * rng.uniform(0.03, 0.07, (n, 1, 1)) * radius * np.exp(-near / radius**2)
    return delay


def _sperm(n: int, rng: np.random.Generator, side: int) -> np.ndarray:
    x, y = _grid(n, rng, side, 2.0)
    turn = _turns(n, rng)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    along = along + 4.0  # the head lies to one side, so that its tail is seen
    long = 2.4 * np.exp(0.10 * rng.standard_normal((n, 1, 1)))
    wide = 1.55 * np.exp(0.12 * rng.standard_normal((n, 1, 1)))
    taper = 1 + rng.normal(0.0, 0.12, (n, 1, 1)) * along / long
    inside = np.clip(1 - (along / long) ** 2 - (across / (wide * np.clip(taper, 0.5, 1.5))) ** 2, 0, None)
    front = 1 + rng.normal(-0.25, 0.1, (n, 1, 1)) * (along < -0.2 * long)  # the acrosome is less dense
    texture = 1 + 0.12 * _texture(n, rng, side, np.full((n, 1, 1), 0.8))
    head = rng.lognormal(np.log(0.085), 0.15, (n, 1, 1)) * 2.0 * np.sqrt(inside) * front * texture
    return _seen(1000 * (head + _tail(along, across, long, rng)), rng)


def _tail(along: np.ndarray, across: np.ndarray, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Delay in um of midpiece and tail, a bent thread that thins out, and at times a drop on its neck."""
    n = len(along)
    length = rng.uniform(14, 26, (n, 1, 1))
    bend, wave, phase = rng.normal(0, 2.5, (n, 1, 1)), rng.uniform(0.2, 1.4, (n, 1, 1)), _turns(n, rng)
    midpiece = rng.uniform(3.5, 5.5, (n, 1, 1))
    delay = np.zeros_like(along)
    for t in TURNS:
        u = start * 0.9 + t * length
        v = bend * t**2 + wave * t * np.sin(2 * np.pi * 1.5 * t + phase)
        thick = np.where(t * length < midpiece, 0.55, 0.32 * (1 - 0.6 * t))
        near = ((along - u) ** 2 + (across - v) ** 2) / (2 * thick**2)
        delay = np.maximum(delay, 0.055 * thick * 2 * np.exp(-near))
    drop = (rng.uniform(size=(n, 1, 1)) < 0.15) * rng.uniform(0.03, 0.06, (n, 1, 1))
    return delay + drop * np.exp(-((along - start - 1) ** 2 + across**2) / 1.2)


def _seen(delay: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the instrument makes of delays in nm: blur, a background that is not quite flat, noise."""
    n, side = len(delay), delay.shape[-1]
    seen = ndimage.gaussian_filter(delay, (0, PSF_UM / PIXEL_UM, PSF_UM / PIXEL_UM))
    x, y = np.meshgrid(*[np.linspace(-1, 1, side)] * 2)
    for shape in (x, y, x * y, x**2, y**2):
        seen += rng.normal(0, 2.5, (n, 1, 1)) * shape
    speckle = ndimage.gaussian_filter(rng.standard_normal(delay.shape), (0, 0.8, 0.8))
    level = rng.uniform(2.0, 5.0, (n, 1, 1)) / speckle.std()
    return (seen + level * speckle + rng.normal(0, 1.0, delay.shape)).astype(np.float32)


def _texture(n: int, rng: np.random.Generator, side: int, length: np.ndarray) -> np.ndarray:
    """Fields of mean 0 and variance 1 whose details are about `length` (n, 1, 1) um large."""
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(side, PIXEL_UM), np.fft.fftfreq(side, PIXEL_UM)))
    peak = 1 / (4 * length)
    weight = np.exp(-(((frequency - peak) / (0.5 * peak)) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((n, side, side))) * weight, s=(side, side))
    return field / field.std((1, 2), keepdims=True)


def _grid(n: int, rng: np.random.Generator, side: int, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (n, side, side) in um around cells up to `off` um away from the middle of their map."""
    line = (np.arange(side) - (side - 1) / 2) * PIXEL_UM
    x, y = np.meshgrid(line, line)
    away = rng.uniform(-off, off, (2, n, 1, 1))
    return x[None] - away[0], y[None] - away[1]


def _turns(n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0, 2 * np.pi, (n, 1, 1))
