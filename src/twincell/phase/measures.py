"""What a phase map says of its cell in numbers: dry mass, area, height, shape, roughness, grain."""

import numpy as np
from scipy import ndimage
from skimage import filters, measure

INCREMENT = 0.18
"""Specific refractive increment of cell matter in um^3/pg (the same number in mL/g): Barer 1952."""
NAMES = ("mass_pg", "area_um2", "peak_nm", "mean_nm", "elongation", "solidity", "rim", "grain_nm", "edges_nm")
"""Columns of `measures`."""


def background_level(delay: np.ndarray) -> float:
    """The median of a map's border, two pixels wide: where no cell lies in a map cut around one."""
    border = np.ones(delay.shape, bool)
    border[2:-2, 2:-2] = False
    return float(np.median(delay[border]))


def cell_mask(delay: np.ndarray) -> np.ndarray:
    """The largest connected part above Otsu's threshold of a smoothed map, holes filled; (H, W) bool."""
    smooth = ndimage.gaussian_filter(np.asarray(delay, float), 1)
    if np.ptp(smooth) == 0:
        return np.zeros(delay.shape, bool)
    # Half of Otsu's level, from the background on: the rim of a ball is thin, and its mass counts.
    base = background_level(smooth)
    above = smooth > base + 0.5 * (filters.threshold_otsu(smooth) - base)
    parts, n = ndimage.label(above)
    if n == 0:
        return np.zeros(delay.shape, bool)
    sizes = np.bincount(parts.ravel())
    return ndimage.binary_fill_holes(parts == 1 + sizes[1:].argmax())


def dry_mass(
    delay: np.ndarray, pixel_um: float, mask: np.ndarray | None = None, increment: float = INCREMENT
) -> float:
    """Dry mass in pg: the delay summed over the cell's area and divided by the increment (Barer 1952).

    Args:
        delay: (H, W) optical path delay in nm, 0 in the background.
        pixel_um: side of a pixel in the plane of the cell.
        mask: the cell; the whole map unless given.
        increment: um^3/pg, refractive increment by concentration.
    """  # fmt: skip
    inside = delay if mask is None else delay[mask]
    return float(np.sum(inside, dtype=float)) * 1e-3 * pixel_um**2 / increment


def sphere_correction(
    radius_um: float, medium: float, water: float = 1.335, increment: float = INCREMENT
) -> float:
    """What a ball's dry mass gains in a medium denser than water: 4/3 pi r^3 (n_m - n_w) / increment, pg."""
    return 4 / 3 * np.pi * radius_um**3 * (medium - water) / increment


def measures(maps: np.ndarray, pixel_um: float) -> np.ndarray:
    """Hand-made features (N, 9) of maps (N, H, W) in nm, in the order of `NAMES`; NaN without a cell."""
    return np.array([_measures(delay, pixel_um) for delay in maps])


def _measures(delay: np.ndarray, pixel_um: float) -> list[float]:
    delay = np.asarray(delay, float)
    mask = cell_mask(delay)
    if mask.sum() < 5:
        return [float("nan")] * len(NAMES)
    delay = delay - background_level(delay)
    cell = measure.regionprops(mask.astype(np.uint8))[0]
    inside = delay[mask]
    core = ndimage.binary_erosion(mask, iterations=2)
    core = core if core.any() else mask
    # Grain: what is left of the delay once everything larger than about a micrometre is taken away.
    fine = delay - ndimage.gaussian_filter(delay, 1.0 / pixel_um)
    middle = delay - ndimage.gaussian_filter(delay, 2.0 / pixel_um)
    return [
        dry_mass(delay, pixel_um, mask),
        float(mask.sum()) * pixel_um**2,
        float(np.percentile(inside, 99)),
        float(inside.mean()),
        float(cell.axis_major_length / max(cell.axis_minor_length, 1e-6)),
        float(cell.solidity),
        float(cell.perimeter**2 / (4 * np.pi * cell.area)),
        float(fine[core].std()),
        float(middle[core].std()),
    ]
