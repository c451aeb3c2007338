"""`twincell import stack`: microscope files to registered, cropped chambers and a manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twincell.cli.options import BitDepth, Channel, Names, OverrideAxes, Plane

if TYPE_CHECKING:
    from collections.abc import Mapping


def stack(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="TIFF, OME-TIFF, ND2, CZI, OME-Zarr, or folders of images"),
    ],
    out: Annotated[Path, typer.Option(help="a new folder for manifest.csv, images/ and contact_sheets/")],
    modality: Annotated[str, typer.Option(help="bf, pc or a word of your own")],
    axes: Annotated[
        str | None,
        typer.Option(
            help="what a stack's dimensions are, slowest first (T time, P position, C channel, Z plane, Y, X)"
        ),
    ] = None,
    override_axes: OverrideAxes = False,
    names: Names = None,
    channel: Channel = None,
    z: Plane = None,
    pixel_size: Annotated[float | None, typer.Option(help="um per pixel, instead of the file's own")] = None,
    interval: Annotated[
        float | None, typer.Option(help="minutes between frames, instead of the file's own")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(help="how a chamber fills its crop: bf, pc or box (any); by default the modality's"),
    ] = None,
    chamber_size: Annotated[
        str | None, typer.Option(help="width x height of the chambers in px, for example 344x456")
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(help="chambers given by hand: CSV with x,y,w,h in px of the first frame, and position"),
    ] = None,
    turn: Annotated[int, typer.Option(help="degrees clockwise that bring the top up: 0, 90, 180, 270")] = 0,
    bit_depth: BitDepth = "auto",
    size: Annotated[int, typer.Option(help="side of the crops in px; models expect 128")] = 128,
    resume: Annotated[bool, typer.Option("--resume", help="go on with an import that was stopped")] = False,
    json: Annotated[Path | None, typer.Option(help="write a summary here, for programs")] = None,
) -> None:
    """Import recordings from the microscope: drift and rotation undone, chambers found, cropped, evenly lit.

    Axes come from the file or from --axes and are printed, never guessed. Damaged frames are skipped and
    listed in skipped.csv with the reason. All parameters stand in preprocessing.json; the contact sheets show
    what was found.

    Example: twincell import stack night.nd2 --modality pc --out chambers
    """
    from twincell.cli.show import write_json
    from twincell.files import check_outputs
    from twincell.io.bit_depth import parse_bit_depth
    from twincell.io.recordings import Reading
    from twincell.preprocess.import_stack import import_stack
    from twincell.preprocess.options import ImportOptions

    check_outputs({"--json": json}, files)
    depth = parse_bit_depth(bit_depth)
    reading = Reading(axes, override_axes, names, channel, z, pixel_size, interval, depth)
    asked = ImportOptions(modality, reading, template, size, chamber_size, boxes, turn, resume)
    imported = import_stack(files, out, asked.chambers(), asked.reading, asked.resume)
    _show(imported.summary, out)
    write_json(json, imported.summary)


def _show(summary: "Mapping[str, Any]", out: Path) -> None:
    """Print what was read of every position, what was found, and what was skipped."""
    for name, p in summary["per_position"].items():
        pixel = "pixel size not known" if p["pixel_size_um"] is None else f"{p['pixel_size_um']:g} um/px"
        pace = "interval not known" if p["interval_min"] is None else f"every {p['interval_min']:g} min"
        drift = "" if p["drift_px"] is None else f", drift {max(p['drift_px']):.1f} px"
        print(
            f"{name}: axes {p['axes']} ({p['axes_from']}), {p['frames']:,} frames, {pixel}, {pace}; "
            f"{p['chambers']} chambers, turned by {p['rotation_degrees']:.2f} degrees{drift}"
        )
        if p["interval_min"] is None and not p["clock"]:
            print("  time_h is left blank; give the minutes between frames with --interval to fill it")
        for hint in p["hints"]:
            print(f"  {hint}")
    for name, reason in summary["positions_unusable"].items():
        print(f"{name}: not used: {reason}")
    skipped = ", ".join(f"{n} {fault}" for fault, n in sorted(summary["skipped"].items())) or "none"
    print(
        f"{summary['images']:,} images of {summary['chambers']:,} chambers, {summary['flagged']} flagged; "
        f"skipped: {skipped}"
    )
    print(f"Look at {out / 'contact_sheets'} before counting. Wrote {out / 'manifest.csv'}")
