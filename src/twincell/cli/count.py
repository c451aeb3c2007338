"""`twincell count`: cells in images, to a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twincell.cli.options import (
    Axes,
    BitDepth,
    Channel,
    Convert,
    Minutes,
    Modality,
    Names,
    OverrideAxes,
    Plane,
)

if TYPE_CHECKING:
    from twincell.counting import CountOptions

NOTES = 20  # printed; a recording of a thousand folders has a note for each


def count(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="image files, recordings (TIFF, ND2, CZI, Zarr), folders, or a manifest"),
    ],
    out: Annotated[Path, typer.Option(help="the table to write")] = Path("counts.csv"),
    axes: Axes = None,
    override_axes: OverrideAxes = False,
    names: Names = None,
    channel: Channel = None,
    z: Plane = None,
    bit_depth: BitDepth = "auto",
    modality: Modality = None,
    minutes: Minutes = None,
    single: Annotated[
        bool, typer.Option("--single", help="count each image for itself, no time-lapse")
    ] = False,
    convert: Convert = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="refuse damaged images instead of flagging")
    ] = False,
    counted: Annotated[bool, typer.Option(help="let counts in a manifest correct their time-lapse")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="go on with a count that was stopped")] = False,
    workers: Annotated[int, typer.Option(help="processes that share the work")] = 1,
    shard: Annotated[
        str | None, typer.Option(help="count this share alone, as 2/8; `twincell merge` joins them")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="count images as the microscope writes them into a folder")
    ] = False,
    idle: Annotated[
        float | None, typer.Option(min=0, help="end a watch when nothing came for so many seconds")
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="the cells' diameter in px, for models such as any; else found")
    ] = None,
    looks: Annotated[
        int | None,
        typer.Option(help="1, 2 or 4 looks at each image: fewer are faster"),
    ] = None,
    points: Annotated[Path | None, typer.Option(help="write the cells' places here, as points.csv")] = None,
    rois: Annotated[Path | None, typer.Option(help="write the places for Fiji's ROI Manager (.zip)")] = None,
    overlays: Annotated[Path | None, typer.Option(help="folder for pictures with a dot on each cell")] = None,
    film: Annotated[
        Path | None, typer.Option(help="write a film with its curve (.gif), one a chamber")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write a page (one HTML file) here")] = None,
    json: Annotated[Path | None, typer.Option(help="write a summary here, for programs")] = None,
) -> None:
    """Count the cells in images, recordings, folders or a manifest.

    Writes one row per frame: the count from the whole time-lapse with a 90 % interval, the count from the
    image alone, and a flag where a frame should not be trusted.

    Example: twincell count cho-pc recording/ --modality pc --minutes 5 --out counts.csv
    """
    from twincell.cli.show import say, write_json
    from twincell.counting import CountOptions
    from twincell.counting import count as count_cells
    from twincell.files import check_outputs
    from twincell.models.base.file import load_model
    from twincell.report.shown import Shown

    options = CountOptions(
        axes=axes,
        override_axes=override_axes,
        names=names,
        channel=channel,
        z=z,
        bit_depth=bit_depth,
        modality=modality,
        minutes=minutes,
        single=single,
        convert=convert,
        strict=strict,
        use_counted=counted,
        resume=resume,
        workers=workers,
        diameter=diameter,
        looks=looks,
    )
    pictures = {"--points": points, "--rois": rois, "--overlays": overlays, "--film": film}
    _refuse_useless(watch, idle, shard, {"--report": report, "--json": json if watch else None, **pictures})
    if watch:
        _watch(inputs, model, out, options, idle)
        return
    outputs = {"--out": out, "--report": report, "--json": json, "--points": points, "--rois": rois}
    check_outputs({**outputs, "--film": film}, inputs)
    shown = Shown(points, rois, overlays, film)
    shown.check()
    loaded = load_model(model)
    if shard is not None:
        from twincell.counting.shards import Shard, count_shard

        folder, frames = count_shard([*inputs], loaded, out, Shard.parse(shard), options)
        say(f"{frames} frames counted: {folder}")
        write_json(json, {"shard": str(folder), "frames": frames, "model": model})
        return
    result = count_cells([*inputs], loaded, out, options)
    found = result.summary()
    for note in result.notes[:NOTES]:
        say(note)
    if len(result.notes) > NOTES:
        say(f"and {len(result.notes) - NOTES} more notes, in full with --json or --report")
    say(f"{result.sentence()}: {out}")
    for file in shown.write(result, loaded):
        say(f"written: {file}")
    if report is not None:
        from twincell.report.pages import count_page

        say(f"report: {count_page(result, loaded, inputs).write(report)}")
    write_json(json, {"out": str(out), "model": model, **found})


def _refuse_useless(
    watch: bool, idle: float | None, shard: str | None, extras: dict[str, Path | None]
) -> None:
    """Refuse options that would be passed over in silence."""
    from twincell.errors import UserError

    if idle is not None and not watch:
        raise UserError("--idle ends a watch; give --watch as well, or leave it out")
    if watch and shard is not None:
        raise UserError("--watch counts for itself, it has no shards; leave out --shard")
    given = [name for name, value in extras.items() if value is not None]
    if given and (watch or shard is not None):
        mode = "--watch" if watch else "--shard"
        raise UserError(
            f"{mode} writes counts alone; leave out {', '.join(given)} and count again with it after"
        )


def _watch(inputs: list[Path], model: str, out: Path, options: "CountOptions", idle: float | None) -> None:
    """Print a row for each image that comes, and write it to `out`."""
    import sys

    from twincell.counting.watch import Watch
    from twincell.errors import UserError
    from twincell.words import number

    if len(inputs) != 1:
        raise UserError(f"--watch looks at one folder, {len(inputs)} inputs were named; watch each by itself")
    watched = Watch(inputs[0], model, out, options)
    print(f"watching {inputs[0]}, Ctrl-C ends it", file=sys.stderr)
    counted = watched.run(lambda line: print(line, flush=True), idle)
    print(f"{number(counted, 'image')} counted: {out}", file=sys.stderr)
