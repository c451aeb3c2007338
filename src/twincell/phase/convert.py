"""Holograms in files to phase maps in files, with a table of each cell's mass and size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.io.images import read_pixels
from twincell.phase.maps import SUFFIXES, read_array
from twincell.phase.measures import INCREMENT, cell_mask, dry_mass, sphere_correction
from twincell.phase.retrieve import Filter, Optics, optical_path_delay
from twincell.progress import track

TABLE = "maps.csv"


@dataclass(frozen=True)
class Converted:
    """Maps that were written.

    Attributes:
        table: one row a hologram: hologram, map, mass_pg, absolute_mass_pg, area_um2, diameter_um, peak_nm,
            noise_nm; empty where no cell is found.
        out: the folder.
    """

    table: pd.DataFrame
    out: Path

    def as_json(self) -> list[dict[str, object]]:
        """The rows for programs; null where no cell is found."""
        return self.table.astype(object).where(self.table.notna(), None).to_dict("records")  # type: ignore[return-value]


def convert(
    holograms: Sequence[Path],
    out: Path,
    optics: Optics,
    background: Path | None = None,
    cut: Filter | None = None,
    increment: float = INCREMENT,
    progress: bool = True,
) -> Converted:
    """Retrieves every hologram and writes NAME.tif (float32, nm) and maps.csv into `out`.

    Args:
        holograms: grey images (PNG, TIFF, .npy, HDF5), one hologram each.
        out: a folder that is empty or not there.
        optics: how they were recorded.
        background: the hologram without a cell.
        cut: how the sideband is cut out.
        increment: refractive increment of cell matter in um^3/pg.
        progress: whether a bar is shown.

    Raises:
        UserError: one sentence for each file that cannot be used, before anything is written.
    """
    problems: list[str] = []
    behind = _read(background, problems) if background is not None else None
    read = [(path, _read(path, problems)) for path in holograms]
    names = [path.stem for path in holograms]
    problems += [
        f"{path}: another hologram has this name too; rename one"
        for i, path in enumerate(holograms)
        if path.stem in names[:i]
    ]
    if not 0.1 <= increment <= 0.3:
        problems.append(f"--increment {increment:g}: give um^3/pg, from 0.1 to 0.3; cells have about 0.18")
    made = []
    if not problems:
        for path, hologram in track(read, "phase", len(read), progress):
            try:
                made.append((path, optical_path_delay(hologram, optics, behind, cut)))
            except UserError as error:
                problems += [f"{path}: {problem}" for problem in error.problems]
    if problems:
        raise UserError(problems)
    fresh_dir(out)
    rows = []
    for path, delay in made:
        name = f"{path.stem}.tif"
        tifffile.imwrite(
            out / name, delay, metadata={"unit": "nm of optical path", "pixel_um": optics.pixel_um}
        )
        rows.append({"hologram": str(path), "map": name, **figures(delay, optics, increment)})
    table = pd.DataFrame(rows)
    write_atomic(out / TABLE, table.to_csv(index=False, float_format="%.6g"))
    return Converted(table, out)


def figures(delay: np.ndarray, optics: Optics, increment: float = INCREMENT) -> dict[str, float]:
    """Mass, size and height of the largest cell of a map (H, W) in nm; NaN where there is none."""
    mask = cell_mask(delay)
    if not mask.any():
        return dict.fromkeys(
            ("mass_pg", "absolute_mass_pg", "area_um2", "diameter_um", "peak_nm", "noise_nm"), float("nan")
        )
    area = float(mask.sum()) * optics.pixel_um**2
    mass = dry_mass(delay, optics.pixel_um, mask, increment)
    radius = float(np.sqrt(area / np.pi))
    return {
        "mass_pg": mass,
        "absolute_mass_pg": mass + sphere_correction(radius, optics.medium, increment=increment),
        "area_um2": area,
        "diameter_um": 2 * radius,
        "peak_nm": float(np.percentile(delay[mask], 99.5)),
        "noise_nm": float(delay[~mask].std()),
    }


def _read(path: Path, problems: list[str]) -> np.ndarray:
    """An image as float64; (0, 0) where it cannot be had, the reason being noted."""
    try:
        stored = path.suffix.lower() in SUFFIXES
        image = np.squeeze(read_array(path)) if stored else read_pixels(path)
        if image.ndim != 2:
            raise UserError(f"{path}: holds an array of shape {image.shape}; give one grey hologram a file")
        return image.astype(float)
    except UserError as error:
        problems += error.problems
        return np.zeros((0, 0))
