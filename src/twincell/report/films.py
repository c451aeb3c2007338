"""Frames of a recording to be seen in a page: a few per chamber, cells marked where the model can."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from twincell.counting.inputs import Frames
from twincell.counting.reader import Reader
from twincell.faults import Fault
from twincell.models.base.file import LoadedModel
from twincell.report.images import overlay, smaller
from twincell.report.sections.curves import MOST, Film
from twincell.report.sections.examples import maps, spread

SIDE = 72  # pixels of a picture on the page
ON_PAGE = 900  # pictures, about 2 kB each


def films(frames: Frames, model: LoadedModel, convert: bool = False) -> dict[str, Film]:
    """Evenly spread frames of every chamber that is drawn on a page.

    Args:
        frames: what was counted.
        model: puts its density map over each picture, where its method has one.
        convert: as in counting.
    """
    series = frames.table[frames.table["series"]]
    groups: Mapping[str, pd.DataFrame] = {str(n): rows for n, rows in series.groupby("chamber", sort=False)}
    chosen = list(groups)[:MOST]
    each = max(3, min(40, ON_PAGE // max(len(chosen), 1)))
    found = {}
    with Reader(frames, model.card.image_size, convert) as reader:
        for name in chosen:
            rows = groups[name]
            places = rows.index.to_numpy()[spread(len(rows), each)]
            read = [
                (int(row), image) for row, image in zip(places, reader.read_all(places.tolist()), strict=True)
            ]
            good = [(row, image) for row, image in read if not isinstance(image, Fault)]
            if good:
                numbers = frames.table["frame"].to_numpy(int)[[row for row, _ in good]].tolist()
                found[name] = _film(np.stack([image for _, image in good]), numbers, model)
    return found


def _film(images: np.ndarray, numbers: list[int], model: LoadedModel) -> Film:
    density = maps(model, images)
    if density is None:
        return Film(numbers, [smaller(image, SIDE) for image in images])
    return Film(numbers, [smaller(overlay(i, d, 0.55), SIDE) for i, d in zip(images, density, strict=True)])
