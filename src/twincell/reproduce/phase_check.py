"""How well simulated holograms of a known delay are read: a table and a picture."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from twincell.files import write_atomic
from twincell.phase.hologram import ball, hologram
from twincell.phase.measures import cell_mask, dry_mass
from twincell.phase.retrieve import Optics, optical_path_delay
from twincell.reproduce.plots import save_figure

OPTICS = Optics(633, 0.15)
RECORDED = {
    "clean": {},
    "300 photons a pixel": {"photons": 300.0},
    "tilted by 20 and -10 nm a pixel": {"tilt": (20.0, -10.0)},
    "another sideband": {"carrier": (0.17, -0.24)},
    "sideband near an axis, 300 photons": {"carrier": (-0.25, 0.06), "photons": 300.0},
    "weak fringes, 300 photons": {"contrast": 0.3, "photons": 300.0},
}


def check(out: Path) -> pd.DataFrame:
    """Writes phase-check.csv and phase.png into `out`: errors in nm (root mean square) and of mass (%)."""
    from scipy import ndimage

    true = ndimage.gaussian_filter(ball(160, 48, 1000, (84, 75)), 2.5)
    rows = []
    for name, recorded in RECORDED.items():
        seen = hologram(true, OPTICS, **recorded)  # type: ignore[arg-type]
        behind = hologram(true * 0, OPTICS, **recorded, seed=1)  # type: ignore[arg-type]
        delay = optical_path_delay(seen, OPTICS, behind)
        mask = true > 20
        mass = dry_mass(delay, OPTICS.pixel_um, mask) / dry_mass(true, OPTICS.pixel_um, mask)
        found = dry_mass(delay, OPTICS.pixel_um, cell_mask(delay)) / dry_mass(true, OPTICS.pixel_um)
        rows.append(
            {
                "hologram": name,
                "error_nm": float(np.sqrt(np.mean((delay - true) ** 2))),
                "mass_percent": 100 * (mass - 1),
                "mass_in_found_outline_percent": 100 * (found - 1),
            }
        )
        if name == "300 photons a pixel":
            save_figure(out / "phase.png", _picture(seen, delay, delay - true))
    table = pd.DataFrame(rows)
    write_atomic(out / "phase-check.csv", table.to_csv(index=False, float_format="%.3f"))
    return table


def _picture(seen: np.ndarray, delay: np.ndarray, rest: np.ndarray) -> Figure:
    figure = Figure(figsize=(9.5, 3.0), layout="constrained")
    shown = (("hologram", seen, "gray"), ("delay (nm)", delay, "viridis"), ("error (nm)", rest, "coolwarm"))
    for axes, (title, image, colours) in zip(figure.subplots(1, 3), shown, strict=True):
        drawn = axes.imshow(image, cmap=colours)
        if title == "error (nm)":
            drawn.set_clim(-40, 40)
        figure.colorbar(drawn, ax=axes, shrink=0.8)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    return figure
