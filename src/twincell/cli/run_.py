"""`twincell run`: the whole job."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli.options import Axes, BitDepth, Channel, Convert, Minutes, Modality, Names, Plane


def run(
    inputs: Annotated[list[Path], typer.Argument(help="recordings, folders, images, or a manifest")],
    out: Annotated[Path, typer.Option(help="folder for counts, growth and report")],
    modality: Modality = None,
    model: Annotated[
        str | None, typer.Option(help="name, run folder or file; by default what ships and fits best")
    ] = None,
    minutes: Minutes = None,
    fields: Annotated[
        bool | None,
        typer.Option("--fields/--direct", help="cut chambers out, or count images as they are; else by size"),
    ] = None,
    convert: Convert = False,
    axes: Axes = None,
    names: Names = None,
    channel: Channel = None,
    z: Plane = None,
    bit_depth: BitDepth = "auto",
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
