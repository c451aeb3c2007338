"""What `twincell translate` does: read pictures, draw them as the other origin, keep and compare."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from twincell.counting.inputs import Choices, gather
from twincell.counting.reader import Reader
from twincell.errors import UserError
from twincell.evaluate.translation import Translation, require_translator, translate
from twincell.faults import Fault, refuse
from twincell.files import fresh_dir, write_atomic
from twincell.models.base.file import load_model
from twincell.report.images import png, sheet

ON_SHEET = 24


def translate_and_keep(
    model: str, inputs: list[Path], to: str, out: Path, limit: int = 0, figures: Path | None = None
) -> Translation:
    """Translates pictures into `out`: a PNG each, translation.csv with the counts, sheet.png side by side.

    Args:
        model: run folder, model file or shipped name.
        inputs: as `twincell.count` takes them; from a manifest only pictures of the origin that `to` is not.
        to: synthetic or natural.
        out: folder to make.
        limit: this many pictures, spread evenly over all; 0 = all.
        figures: JSON to write for programs.

    Raises:
        UserError: a method that cannot translate, unreadable pictures, a folder that holds something.
    """
    loaded = load_model(model)
    require_translator(loaded)
    frames = gather(inputs, Choices(single=True))
    rows = np.flatnonzero((frames.table["origin"] != to).to_numpy())
    if not len(rows):
        raise UserError(
            f"{', '.join(map(str, inputs))}: all pictures are {to} already; choose the other --to"
        )
    if limit:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int))]
    with Reader(frames, loaded.card.image_size) as reader:
        read = reader.read_all(rows.tolist())
    refuse(image for image in read if isinstance(image, Fault))
    found = translate(loaded, np.stack([image for image in read if not isinstance(image, Fault)]), to)

    fresh_dir(out)
    names = [f"{i:04d}-{Path(frames.table['image'][row]).stem}.png" for i, row in enumerate(rows)]
    for name, image in zip(names, found.translated, strict=True):
        write_atomic(out / name, png(image))
    table = pd.DataFrame(
        {
            "image": frames.table["image"].to_numpy()[rows],
            "page": frames.table["page"].to_numpy()[rows],
            "translated": names,
            "count": found.count_original.round(3),
            "count_translated": found.count_translated.round(3),
        }
    )
    write_atomic(out / "translation.csv", table.to_csv(index=False, lineterminator="\n"))
    write_atomic(out / "sheet.png", _sheet(found))
    summary = {"n": len(rows), "to": to, "agreement": found.agreement, "difference": found.difference}
    if figures is not None:
        write_atomic(figures, json.dumps(summary, indent=2) + "\n")
    print(
        f"{len(rows)} pictures drawn as {to} by {loaded.card.name}: the counter reads the same "
        f"number of cells from {found.agreement:.0f} % of them, {found.difference:.2f} cells apart "
        f"on average: {out / 'sheet.png'}"
    )
    return found


def _sheet(found: Translation) -> bytes:
    """Columns of original, own decoder, other decoder."""
    chosen = np.unique(np.linspace(0, len(found.original) - 1, ON_SHEET).round().astype(int))
    rows = (found.original, found.reconstructed, found.translated)
    return png(sheet([images[i] for images in rows for i in chosen], columns=len(chosen)))
