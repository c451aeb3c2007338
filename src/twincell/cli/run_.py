"""`twincell run`: the whole job."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    inputs: Annotated[list[Path], typer.Argument(help="recordings, folders, images, or a manifest")],
    out: Annotated[Path, typer.Option(help="folder for counts, growth and report")],
    modality: Annotated[
        str | None, typer.Option(help="what the images are: bf, pc or a word of your own")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="name, run folder or file; by default what ships and fits best")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="time between two frames, where nothing says")] = None,
    fields: Annotated[
        bool | None,
        typer.Option("--fields/--direct", help="cut chambers out, or count images as they are; else by size"),
    ] = None,
    convert: Annotated[
        bool, typer.Option("--convert", help="make colour and 16-bit images 8-bit grey")
    ] = False,
    axes: Annotated[str | None, typer.Option(help="what a stack's dimensions are, for example TYX")] = None,
    names: Annotated[
        str | None, typer.Option(help="how single images are named, for example 'img_{P}_t{T}.tif'")
    ] = None,
    channel: Annotated[int | None, typer.Option(min=0, help="which channel, from 1")] = None,
    z: Annotated[int | None, typer.Option(min=0, help="which plane, from 1")] = None,
    bit_depth: Annotated[str, typer.Option(help="the camera's bits, 8 to 16, or auto")] = "auto",
    json: Annotated[Path | None, typer.Option(help="write the places of all results here")] = None,
) -> None:
    """Do the whole job: cut out chambers where needed, count, fit growth, write a report.

    Stopped at any moment, the same command goes on where it was. The report's path is printed last.

    Example: twincell run night.nd2 --modality pc --minutes 10 --out night
    """
    from twincell.cli.show import write_json
    from twincell.files import check_outputs
    from twincell.pipeline import JobOptions, whole_job

    check_outputs({"--json": json}, inputs)
    options = JobOptions(modality, model, minutes, fields, convert, axes, channel, z, names, bit_depth)
    report = whole_job(inputs, out, options)
    growth = out / "growth" / "growth.csv"
    places = {"counts": out / "counts.csv", "growth": growth if growth.is_file() else None, "report": report}
    write_json(json, {name: None if place is None else str(place) for name, place in places.items()})
    print(report)
