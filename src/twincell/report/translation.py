"""The folder that `twincell translate` writes: images drawn as the other origin, and both counts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.counting.inputs import Choices, gather
from twincell.counting.reader import Reader
from twincell.errors import UserError
from twincell.evaluate.translation import Translation, require_translator, translate
from twincell.faults import Fault, refuse
from twincell.files import fresh_dir, write_atomic
from twincell.io.tables import csv_for_people
from twincell.locks import locked
from twincell.models.base.file import LoadedModel
from twincell.report.images import png, sheet

ON_SHEET = 24


def write_translation(
    model: LoadedModel, inputs: Sequence[str | Path], out: Path, to: str = "synthetic", limit: int = 0
) -> Translation:
    """Translate images into `out`: a PNG each, translation.csv with the counts, sheet.png side by side.

    Args:
        model: of a method with two encoders and decoders.
        inputs: as `twincell.count` takes them; from a manifest only pictures of the origin that `to` is not.
        out: folder to make; it gets sheet.png, too.
        to: synthetic or natural.
        limit: this many images, spread evenly over all; 0 = all.

    Raises:
        UserError: a method that cannot translate, unreadable pictures, a folder that holds something.
    """
    require_translator(model)
    frames = gather(inputs, Choices(single=True))
    rows = np.flatnonzero((frames.table["origin"] != to).to_numpy())
    if not len(rows):
        raise UserError(
            f"{', '.join(map(str, inputs))}: all pictures are {to} already; choose the other --to"
        )
    if limit:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int))]
    with Reader(frames, model.fixed_size) as reader:
        read = reader.read_all(rows.tolist())
    refuse(image for image in read if isinstance(image, Fault))
    found = translate(model, np.stack([image for image in read if not isinstance(image, Fault)]), to)

    with locked(out):
        _write(fresh_dir(out), found, frames.table, rows)
    return found


def _write(out: Path, found: Translation, frames: pd.DataFrame, rows: NDArray[np.intp]) -> None:
    names = [f"{i:04d}-{Path(frames['image'][row]).stem}.png" for i, row in enumerate(rows)]
    for name, image in zip(names, found.translated, strict=True):
        write_atomic(out / name, png(image))
    table = pd.DataFrame(
        {
            "image": frames["image"].to_numpy()[rows],
            "page": frames["page"].to_numpy()[rows],
            "translated": names,
            "count": found.count_original.round(3),
            "count_translated": found.count_translated.round(3),
        }
    )
    write_atomic(out / "translation.csv", csv_for_people(table))
    write_atomic(out / "sheet.png", _sheet(found))


def _sheet(found: Translation) -> bytes:
    """Columns of original, own decoder, other decoder."""
    chosen = np.unique(np.linspace(0, len(found.original) - 1, ON_SHEET).round().astype(int))
    rows = (found.original, found.reconstructed, found.translated)
    return png(sheet([images[i] for images in rows for i in chosen], columns=len(chosen)))
