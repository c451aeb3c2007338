"""From off-axis holograms to maps of optical path delay in nm.

The sideband is cut out of the Fourier transform by qpretrieve, the phase unwrapped by scikit-image; what
stands here is what comes around: the background hologram, what is left of a tilt, the sign, and units.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import ndimage
from skimage.restoration import unwrap_phase

from twincell.errors import UserError

WHOLE_TURN = 2 * np.pi
SMALLEST = 32
"""Pixels along a hologram."""
WEAK = 3.0
"""A sideband's peak stands out by at least this many times what chance would make of noise."""


@dataclass(frozen=True)
class Optics:
    """How holograms were recorded.

    Attributes:
        wavelength_nm: of the light, in vacuum.
        pixel_um: side of a pixel in the plane of the cells: that of the camera divided by the magnification.
        medium: refractive index around the cells; a dry mass beside the relative one needs it.
    """

    wavelength_nm: float
    pixel_um: float
    medium: float = 1.335

    def __post_init__(self) -> None:
        problems = []
        if not 200 <= self.wavelength_nm <= 2000:
            problems.append(f"wavelength {self.wavelength_nm:g}: give it in nm, from 200 to 2000")
        if not 0.01 <= self.pixel_um <= 10:
            problems.append(
                f"pixel size {self.pixel_um:g}: give it in um in the plane of the cells, 0.01 to 10"
            )
        if not 1.0 <= self.medium <= 1.6:
            problems.append(f"refractive index {self.medium:g}: give one of the medium, from 1 to 1.6")
        if problems:
            raise UserError(problems)


@dataclass(frozen=True)
class Filter:
    """How the sideband is cut out.

    Attributes:
        shape: a filter's name in qpretrieve; smooth disk rings least.
        size: radius as a share of the distance between sideband and centre, above 0 and below 1.
        sideband: its place (x, y) in cycles per pixel; None = looked for.
    """

    shape: Literal["disk", "smooth disk", "gauss", "square", "smooth square", "tukey"] = "smooth disk"
    size: float = 0.5
    sideband: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.size < 1:
            raise UserError(
                f"filter size {self.size:g}: give a share of the sideband's distance, between 0 and 1"
            )


def optical_path_delay(
    hologram: np.ndarray, optics: Optics, background: np.ndarray | None = None, cut: Filter | None = None
) -> np.ndarray:
    """Retrieves the optical path delay of a hologram.

    Args:
        hologram: (H, W) real, H and W from 32.
        optics: how it was recorded.
        background: the same without a cell, of the same size; takes away what is uneven in the light. Without
            it, only a plane is taken off.
        cut: how the sideband is cut out.

    Returns:
        (H, W) float32 nm; what lies around the cell is 0 on average, and the cell above it.

    Raises:
        UserError: arrays of other shapes, values that are no numbers, or no sideband.
    """
    _check(hologram, background)
    cut = cut or Filter()
    taken = _holography(hologram)
    sideband = cut.sideband or _sideband(taken)
    field = _field(taken, cut, sideband)
    if background is not None:
        # One sideband for both: else the two would differ by a tilt.
        field = field * np.conj(_field(_holography(background), cut, sideband))
    phase = unwrap_phase(np.angle(field))
    delay = level(phase) * optics.wavelength_nm / WHOLE_TURN
    return (delay if _upright(delay) else -delay).astype(np.float32)


def level(phase: np.ndarray) -> np.ndarray:
    """Takes the plane off a map that fits its background, found without the cell: where a map is flattest."""
    line, column = np.mgrid[: phase.shape[0], : phase.shape[1]]
    places = np.stack([np.ones(phase.size), column.ravel(), line.ravel()], 1)
    values = phase.ravel()
    border = np.ones(phase.shape, bool)
    edge = max(2, min(phase.shape) // 12)
    border[edge:-edge, edge:-edge] = False
    keep = border.ravel()
    for _ in range(6):
        plane, *_ = np.linalg.lstsq(places[keep], values[keep], rcond=None)
        rest = values - places @ plane
        # A cell that touches the border, and the ringing there, are left out of the next fit.
        middle = np.median(rest[keep])
        spread = 1.4826 * np.median(np.abs(rest[keep] - middle)) + 1e-12
        keep = border.ravel() & (np.abs(rest - middle) < 2.5 * spread)
    flat: np.ndarray = (rest - np.median(rest[keep])).reshape(phase.shape)
    return flat


def _upright(delay: np.ndarray) -> bool:
    """Whether the cell stands above its surroundings; which of the two sidebands was found is chance."""
    smooth = ndimage.gaussian_filter(delay, 2)
    return bool(abs(np.percentile(smooth, 99.5)) >= abs(np.percentile(smooth, 0.5)))


def _holography(hologram: np.ndarray) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of faster Fourier transforms that are not installed
            import qpretrieve
    except ImportError as error:
        raise UserError("holograms need qpretrieve; pip install qpretrieve") from error
    return qpretrieve.OffAxisHologram(np.asarray(hologram, float))


def _sideband(taken: Any) -> tuple[float, float]:
    """The place of the brightest sideband.

    Raises:
        UserError: nothing stands out.
    """
    from qpretrieve.interfere.if_oah import find_peak_cosine

    place = find_peak_cosine(taken.fft.fft_origin[0])
    spectrum = np.abs(taken.fft.fft_origin[0])
    around = [
        np.arange(round((share + 0.5) * n) - 2, round((share + 0.5) * n) + 3) % n
        for share, n in zip(place, spectrum.shape, strict=True)
    ]
    # The largest of so many values of pure noise lies this far above their median.
    chance = np.median(spectrum) * np.sqrt(np.log(spectrum.size))
    if spectrum[np.ix_(*around)].max() < WEAK * chance:
        raise UserError(
            "hologram: no sideband stands out of its Fourier transform; is it an off-axis hologram?"
        )
    return float(place[1]), float(place[0])


def _field(taken: Any, cut: Filter, sideband: tuple[float, float]) -> np.ndarray:
    lines_first = (sideband[1], sideband[0])  # as arrays are indexed
    return np.asarray(
        taken.run_pipeline(filter_name=cut.shape, filter_size=cut.size, sideband_freq=lines_first)
    ).reshape(taken.fft.origin.shape[-2:])


def _check(hologram: np.ndarray, background: np.ndarray | None) -> None:
    problems = []
    for name, image in (("hologram", hologram), ("background", background)):
        if image is None:
            continue
        if image.ndim != 2 or min(image.shape) < SMALLEST or np.iscomplexobj(image):
            problems.append(f"{name}: has shape {image.shape}; give one grey image of at least 32 x 32 px")
        elif not np.isfinite(image).all():
            problems.append(f"{name}: holds values that are no numbers; record it anew")
        elif np.ptp(image) == 0:
            problems.append(f"{name}: is the same everywhere; record it anew")
    if not problems and background is not None and background.shape != hologram.shape:
        problems.append(
            f"background: has shape {background.shape} and the hologram {hologram.shape}; crop both alike"
        )
    if problems:
        raise UserError(problems)
