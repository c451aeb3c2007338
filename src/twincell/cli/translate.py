"""`twincell translate`: cross-decoding, to see what the model saw."""

from pathlib import Path
from typing import Annotated

import typer


def translate(
    model: Annotated[str, typer.Argument(help="a Twin-VAE: run folder, model file or shipped name")],
    inputs: Annotated[list[Path], typer.Argument(help="images, folders, TIFF stacks, or a manifest")],
    to: Annotated[str, typer.Option(help="draw them as: synthetic or natural")] = "synthetic",
    out: Annotated[Path, typer.Option(help="folder to make")] = Path("translated"),
    limit: Annotated[int, typer.Option(min=0, help="so many images, spread evenly; 0 = all")] = 0,
    json: Annotated[Path | None, typer.Option(help="write the agreement here, for programs")] = None,
) -> None:
    """Draw images as the other origin and compare the counts.

    The images must be of the origin that --to is not: microscope images to synthetic ones, drawn images
    to natural ones. Writes a PNG for each, a table of counts, and sheet.png: originals, then as drawn by
    their own decoder, then by the other one.

    Example: twincell translate runs/pc recording/ --to synthetic --limit 24 --out translated
    """
    from twincell.cli.show import write_json
    from twincell.files import check_outputs
    from twincell.models.base.file import load_model
    from twincell.report.translation import write_translation

    check_outputs({"--json": json}, inputs)
    loaded = load_model(model)
    found = write_translation(loaded, inputs, out, to, limit)
    n = len(found.original)
    write_json(json, {"n": n, "to": to, "agreement": found.agreement, "difference": found.difference})
    print(
        f"{n} images drawn as {to} by {loaded.card.name}: the counter reads the same number of cells from "
        f"{found.agreement:.0f} % of them, {found.difference:.2f} cells apart on average: {out / 'sheet.png'}"
    )
