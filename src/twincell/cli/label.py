"""`twincell label`: count in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli.options import Axes, Channel, Minutes, Names, Plane


def label(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="a manifest, or recordings, folders, images: the page makes the manifest"),
    ],
    out: Annotated[
        Path | None, typer.Option(help="folder for the data set made of images [default: NAME-label]")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one")] = 8601,
    host: Annotated[
        str, typer.Option(help="address to listen on; any but this computer's own asks for the printed token")
    ] = "127.0.0.1",
    model: Annotated[
        str | None, typer.Option(help="name, run folder or file; by default what ships and fits best")
    ] = None,
    modality: Annotated[
        str | None, typer.Option(help="what the images are: bf, pc or a word of your own; else the page asks")
    ] = None,
    minutes: Minutes = None,
    fields: Annotated[
        bool | None,
        typer.Option("--fields/--direct", help="whole fields of view, or images of chambers; else by size"),
    ] = None,
    axes: Axes = None,
    names: Names = None,
    channel: Channel = None,
    z: Plane = None,
    labels: Annotated[
        Path | None, typer.Option(help="take labels in first: labels.csv, points, a table image,count")
    ] = None,
    browser: Annotated[bool, typer.Option(help="open the page in the browser")] = True,
    count: Annotated[bool, typer.Option(help="let a model count all frames in the background")] = True,
    json: Annotated[bool, typer.Option("--json", help="print the address as JSON, for programs")] = False,
) -> None:
    """Count cells in the browser: click, learn, see the curve.

    Opens a page for one or several people: frames to count by clicks or numbers, a model that learns from
        them,
    curves, growth and all files. Every click is on the disk before the page says so. Ctrl-C ends it.

    Example: twincell label night.ome.tif --modality bf
    """
    from json import dumps

    from twincell.label.exchange import read_labels
    from twincell.label.server.serve import serve
    from twincell.label.setup import Asked
    from twincell.label.workplace import Workplace
    from twincell.words import number

    place = Workplace(inputs, out, Asked(modality, minutes, fields, axes, names, channel, z), model)
    if labels is not None:
        session = place.needed_session()
        taken = read_labels(labels, session.dataset, session.store)
        session.reload()
        typer.echo(f"{number(taken, 'answer')} taken from {labels}", err=True)

    def ready(address: str) -> None:
        typer.echo(dumps({"address": address}) if json else f"Count at {address} (Ctrl-C ends it)")

    serve(place, host, port, browser, count, ready)
