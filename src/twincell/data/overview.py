"""What a data set holds, in numbers."""

from typing import Any

import pandas as pd

from twincell.data.manifest import Manifest


def overview(manifest: Manifest) -> dict[str, Any]:
    """Images, labels and chambers: in all, in each part, and in each chamber.

    Returns:
        `{images, labelled, chambers, parts, per_chamber}`: three sums; one record for each modality, origin
        and split that occurs with `images, labelled, chambers, counts`; and one for each chamber with
        `modality, images, labelled, frames, counts`. `counts` and `frames` are `[lowest, highest]`, None
        without any.
    """
    table = manifest.table
    parts = [
        dict(zip(("modality", "origin", "split"), key, strict=True))
        | {"images": len(part), "labelled": int(part["count"].count()), "chambers": _chambers(part)}
        | {"counts": _span(part["count"])}
        for key, part in table.groupby(["modality", "origin", "split"], sort=True)
    ]
    per_chamber = [
        {
            "chamber": chamber,
            "modality": modality,
            "images": len(part),
            "labelled": int(part["count"].count()),
        }
        | {"frames": _span(part["frame"]), "counts": _span(part["count"])}
        for (modality, chamber), part in table.groupby(["modality", "chamber"], sort=True)
    ]
    sums = {"images": len(table), "labelled": int(table["count"].count()), "chambers": _chambers(table)}
    return sums | {"parts": parts, "per_chamber": per_chamber}


def _chambers(table: pd.DataFrame) -> int:
    """A chamber is told apart by its name and modality."""
    return len(table[["modality", "chamber"]].drop_duplicates())


def _span(numbers: pd.Series) -> list[int] | None:
    known = numbers.dropna()
    return [int(known.min()), int(known.max())] if len(known) else None
