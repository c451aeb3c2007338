"""`twincell import cho-k1`: the published CHO-K1 images to a manifest."""

from pathlib import Path
from typing import Annotated

import typer


def cho_k1(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds 128p_bf and 128p_pc.")],
    out: Annotated[Path, typer.Option(help="A new folder for manifest.csv and images/.")],
    json: Annotated[Path | None, typer.Option(help="Also write what was imported to this file.")] = None,
) -> None:
    """Import the published CHO-K1 images.

    Label 0 becomes a blank count (unlabelled), RGB becomes grey, chamber and frame come from the names.
    Missing and damaged files are reported all together, before anything is written.

    Example: twincell import cho-k1 data/cho_k1 --out cho
    """
    from twincell.cli.show import show_overview, write_json
    from twincell.data.cho_k1 import import_cho_k1
    from twincell.data.overview import overview
    from twincell.files import check_outputs

    check_outputs({"--json": json}, [folder])
    summary = overview(import_cho_k1(folder, out))
    write_json(json, summary)
    show_overview(summary)
    print(f"Wrote {out / 'manifest.csv'}")
