"""`twincell manifest`: a manifest from folders of images."""

from pathlib import Path
from typing import Annotated

import typer

from twincell.cli.options import Axes, BitDepth, Channel, Minutes, Modality, Names, OverrideAxes, Plane

NOTES = 60  # printed; the rest is in --json


def manifest(
    inputs: Annotated[list[Path], typer.Argument(help="folders of images, images, stacks")],
    out: Annotated[Path, typer.Option(help="folder for manifest.csv, manifest.json and points.csv")],
    modality: Modality = None,
    counts: Annotated[
        str | None, typer.Option(help="table image,count; none; by default what lies beside the images")
    ] = None,
    points: Annotated[
        str | None, typer.Option(help="points, boxes or regions; none; by default what lies beside")
    ] = None,
    split: Annotated[str, typer.Option(help="auto, or train, val, test for all images")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="which chambers or images are kept aside")] = 0,
    minutes: Minutes = None,
    names: Names = None,
    single: Annotated[bool, typer.Option("--single", help="each image for itself, no time-lapse")] = False,
    axes: Axes = None,
    override_axes: OverrideAxes = False,
    channel: Channel = None,
    z: Plane = None,
    bit_depth: BitDepth = "auto",
    pixel_size: Annotated[float | None, typer.Option(help="um, where the files do not say")] = None,
    cell_diameter: Annotated[float | None, typer.Option(help="typical, in px of the images")] = None,
    json: Annotated[Path | None, typer.Option(help="write a summary here, for programs")] = None,
) -> None:
    """Make a manifest from folders of images; no image is copied or changed.

    Names say chamber and frame as for `twincell count`. Counts (image,count) and marked cells (points, boxes,
    Fiji ROIs) that lie beside the images are taken. A fifth of the counted chambers, or of images that stand
    alone, becomes split val.

    Example: twincell manifest images/ --modality bf --out mine
    """
    from twincell.cli.show import say, write_json
    from twincell.data.from_folders import FolderOptions, manifest_from_folders
    from twincell.files import check_outputs
    from twincell.io.bit_depth import parse_bit_depth
    from twincell.io.reading import Reading
    from twincell.words import number

    check_outputs({"--json": json}, inputs)
    reading = Reading(
        axes=axes,
        override_axes=override_axes,
        names=names,
        channel=channel,
        z=z,
        pixel_size_um=pixel_size,
        bit_depth=parse_bit_depth(bit_depth),
        loose=True,
        single=single,
    )
    options = FolderOptions(modality, reading, minutes, counts, points, split, seed, cell_diameter)
    made = manifest_from_folders(inputs, out, options)
    for note in made.notes[:NOTES]:
        say(note)
    if len(made.notes) > NOTES:
        say(f"and {len(made.notes) - NOTES} more notes, in full with --json")
    table = made.manifest.table
    parts = {str(name): int(n) for name, n in table["split"].value_counts().items()}
    found = {"images": len(table), "counted": int(made.manifest.labelled.sum()), "splits": parts}
    splits = ", ".join(f"{n} {name}" for name, n in parts.items())
    say(f"{number(len(table), 'image')}, {found['counted']} counted ({splits}): {made.files[0]}")
    say(f"next: twincell check {made.files[0]}")
    write_json(json, {**found, "files": [str(file) for file in made.files], "notes": made.notes})
