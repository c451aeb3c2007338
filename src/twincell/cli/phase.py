"""`twincell phase`: off-axis holograms to maps of optical path delay."""

from pathlib import Path
from typing import Annotated

import typer


def phase(
    holograms: Annotated[list[Path], typer.Argument(help="grey images, one off-axis hologram each")],
    out: Annotated[Path, typer.Option(help="folder for the maps (float32 TIFF, nm) and maps.csv")],
    wavelength: Annotated[float, typer.Option(help="of the light, in nm")],
    pixel: Annotated[
        float,
        typer.Option(help="side of a pixel in um in the plane of the cells: camera pixel / magnification"),
    ],
    background: Annotated[Path | None, typer.Option(help="the same view without a cell")] = None,
    medium: Annotated[float, typer.Option(help="refractive index around the cells")] = 1.335,
    increment: Annotated[float, typer.Option(help="refractive increment of cell matter, um^3/pg")] = 0.18,
    filter_size: Annotated[
        float, typer.Option(help="radius that is cut out around the sideband, of its distance")
    ] = 0.5,
    json: Annotated[Path | None, typer.Option(help="write the table here, for programs")] = None,
) -> None:
    """Turn off-axis holograms into phase maps in nm, and weigh the cells.

    Each map is levelled: 0 around the cell. maps.csv gives dry mass, area, diameter and height of the largest
    cell of each. The dry mass is relative to the medium; absolute_mass_pg adds what a ball of that size holds
    more where the medium is denser than 1.335.

    Example: twincell phase cell.png --background empty.png --wavelength 633 --pixel 0.107 --out phase
    """
    from twincell.cli.show import write_json
    from twincell.files import check_outputs
    from twincell.phase.convert import convert
    from twincell.phase.retrieve import Filter, Optics

    check_outputs({"--json": json}, [*holograms, *([background] if background else [])])
    optics = Optics(wavelength, pixel, medium)
    made = convert(holograms, out, optics, background, Filter(size=filter_size), increment)
    write_json(json, made.as_json())
    for row in made.table.itertuples():
        print(f"{row.map}: {row.mass_pg:.0f} pg, {row.diameter_um:.1f} um, {row.peak_nm:.0f} nm high")
    print(f"{made.out}: {len(made.table)} maps and maps.csv")
