"""`twincell export`: a model for other engines and small computers."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[str, typer.Argument(help="run folder, model file, or the name of a model that ships")],
    frames: Annotated[
        list[Path] | None,
        typer.Argument(help="images such as it will count: it is compared on them, int8 calibrated on them"),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="onnx or openvino")] = "onnx",
    out: Annotated[Path, typer.Option(help="the file to write (.onnx, or .xml with .bin beside)")] = Path(
        "model"
    ),
    size: Annotated[
        str | None, typer.Option(help="the images' size, as 700x500; else the model's own field of view")
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="the cells' diameter in px, for models such as any")
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="8-bit integers where counts hold; refused where not faster")
    ] = False,
    lost: Annotated[float, typer.Option(help="cells that int8 may change counts by, on average")] = 0.1,
    json: Annotated[Path | None, typer.Option(help="write what was measured here, for programs")] = None,
) -> None:
    """Write a model as one graph, from grey bytes to counts, density map and trust.

    Levels, scale, mirrored looks and joining are inside, so any engine gives the package's counts; they are
    compared before anything is written.

    Example: twincell export cho-pc recording/ --format onnx --out cho-pc.onnx
    """
    from twincell.cli.show import write_json
    from twincell.export import ExportOptions
    from twincell.export import export as export_model
    from twincell.export.options import parse_size
    from twincell.files import check_outputs

    check_outputs({"--json": json}, frames or [])
    options = ExportOptions(form, parse_size(size), diameter, int8, lost)
    done = export_model(model, out, frames or [], options)
    height, width = done.size
    speeds = ", ".join(f"{name} {ms:.2f} ms an image" for name, ms in done.ms.items())
    print(f"counts images of {width} x {height} pixels; gives {', '.join(done.tells)}")
    print(f"on {done.frames} images up to {done.apart:.1e} cells apart from twincell; here {speeds}")
    if done.lost is not None:
        print(f"int8 changes counts by {done.lost:.3f} cells on average")
    print(f"written: {', '.join(map(str, done.files))}")
    write_json(
        json,
        {
            "files": [str(file) for file in done.files],
            "format": form,
            "size": list(done.size),
            "outputs": list(done.tells),
            "n": done.frames,
            "apart": done.apart,
            "ms": done.ms,
            "lost": done.lost,
        },
    )
