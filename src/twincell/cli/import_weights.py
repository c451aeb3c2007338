"""`twincell import weights`: a checkpoint of the Twin-VAE's authors to a model."""

from pathlib import Path
from typing import Annotated

import typer


def weights(
    file: Annotated[Path, typer.Argument(metavar="FILE.pth", help="a checkpoint of the authors' code")],
    out: Annotated[Path, typer.Option(help="a new run folder for the model")],
    modality: Annotated[str, typer.Option(help="what it was trained on, bf or pc")],
) -> None:
    """Turn a checkpoint of the Twin-VAE's authors into a model that counts, translates and transfers.

    Only tensors are read, nothing in the file is run. Their code crops test images too (the middle 95 % of a
    side, magnified), so untouched images look a little smaller to such a model than those it learned from.

    Example: twincell import weights 50000.pth --modality pc --out runs/authors-pc
    """
    from twincell.models.twin_vae.authors import import_authors

    print(f"Wrote {import_authors(file, out, modality)}")
