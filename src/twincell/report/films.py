"""Frames of a recording to be seen in a page: a few per chamber, cells marked where the model can."""

from collections.abc import Mapping

import pandas as pd

from twincell.counting.result import CountResult
from twincell.models.base.file import LoadedModel
from twincell.report.images import Grey, overlay, smaller
from twincell.report.sections.curves import MOST, Film
from twincell.report.sections.examples import spread

SIDE = 72  # pixels of a picture on the page
ON_PAGE = 900  # pictures, about 2 kB each


def films(result: CountResult, model: LoadedModel) -> dict[str, Film]:
    """Show evenly spread frames of every chamber that is drawn on a page.

    Args:
        result: what was counted.
        model: puts its density map over each image, where its method has one.
    """
    series = result.frames.table[result.in_series]
    groups: Mapping[str, pd.DataFrame] = {str(n): rows for n, rows in series.groupby("chamber", sort=False)}
    chosen = list(groups)[:MOST]
    each = max(3, min(40, ON_PAGE // max(len(chosen), 1)))
    found = {}
    for name in chosen:
        places = groups[name].index.to_numpy()
        good = list(result.images(places[spread(len(places), each)].tolist()))
        if good:
            numbers = result.frames.table["frame"].to_numpy(int)[[row for row, _ in good]].tolist()
            diameter = result.diameter(good[0][0])
            found[name] = _film([image for _, image in good], numbers, model, diameter)
    return found


def _film(images: list[Grey], numbers: list[int], model: LoadedModel, diameter: float | None) -> Film:
    density = model.predict(images, spec=model.spec_for(diameter, images[0].shape)).density
    if density is None:
        return Film(numbers, [smaller(image, SIDE) for image in images])
    marked = [overlay(image, own[0].numpy(), 0.55) for image, own in zip(images, density, strict=True)]
    return Film(numbers, [smaller(image, SIDE) for image in marked])
