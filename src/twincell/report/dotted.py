"""Images with a dot on each cell, and recordings as films above their curve."""

import io
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from twincell.counting.positions import Positions
from twincell.counting.result import CountResult, cells
from twincell.report.images import Grey

SIDE = 384  # smaller images are enlarged by a whole number up to about this
DOT = (255, 122, 26)
INK, PAPER, LINE, BAND = (40, 44, 52), (255, 255, 255), (0, 114, 178), (200, 222, 238)
LEFT, RIGHT, UPPER, LOWER = 38, 10, 8, 30  # margins of the curve
CURVE = 130  # its height
MOST = 300  # frames of a film
PACE = 100  # ms a frame


def dotted(
    image: Grey, places: NDArray[np.float64], size: tuple[int, int], row: "pd.Series[Any] | None" = None
) -> Image.Image:
    """An image with a ring round each cell and its count above.

    Args:
        image: (H, W) as the model saw it.
        places: (N, 2) x and y in px of the stored image.
        size: height and width of that.
        row: of counts.csv, for the line above; None leaves it out.
    """
    height, width = image.shape
    times = max(1, SIDE // max(height, width))
    big = (
        Image.fromarray(image)
        .resize((width * times, height * times), Image.Resampling.NEAREST)
        .convert("RGB")
    )
    draw = ImageDraw.Draw(big)
    radius = max(2.0, big.width / 90)
    for x, y in places * [big.width / size[1], big.height / size[0]]:
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), outline=DOT, width=max(1, round(radius / 2))
        )
    if row is None:
        return big
    whole = Image.new("RGB", (big.width, big.height + 18), PAPER)
    whole.paste(big, (0, 18))
    said = cells(float(row["count"]), float(row["lower"]), float(row["upper"]))
    flag = f", {row['flag']}" if row["flag"] else ""
    ImageDraw.Draw(whole).text((4, 3), f"frame {row['frame']}: {said}{flag}", fill=INK)
    return whole


def film(result: CountResult, rows: pd.DataFrame, found: Positions) -> bytes:
    """One time-lapse as a GIF: each frame with its cells, below it the curve up to there.

    Args:
        result: of `count`.
        rows: of its table, one chamber's.
        found: where the cells are.
    """
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int))
    place = {row: at for at, row in enumerate(rows.index.tolist())}
    pictures = []
    for row, image in result.images(rows.index[chosen].tolist()):
        at = place[row]
        above = dotted(image, found.of(row), found.sizes[row], pd.Series(rows.iloc[at]))
        whole = Image.new("RGB", (above.width, above.height + CURVE), PAPER)
        whole.paste(above, (0, 0))
        whole.paste(curve(rows, at, above.width), (0, above.height))
        pictures.append(whole.quantize(palette=_palette(), dither=Image.Dither.NONE))
    target = io.BytesIO()
    pictures[0].save(target, "GIF", save_all=True, append_images=pictures[1:], duration=PACE, loop=0)
    return target.getvalue()


def curve(rows: pd.DataFrame, at: int, width: int) -> Image.Image:
    """Counts over time with their band, and a dot where the film is.

    Args:
        rows: one chamber's rows of counts.csv.
        at: which of them is shown.
        width: px.
    """
    timed = bool(rows["time_h"].notna().all())
    across = rows["time_h" if timed else "frame"].to_numpy(float)
    top = max(1.0, float(np.nanmax(rows[["count", "upper"]].to_numpy(float))))
    extent = max(float(across[-1] - across[0]), 1e-9)
    xs = LEFT + (across - across[0]) / extent * (width - LEFT - RIGHT)

    def up(values: "pd.Series[float]") -> NDArray[np.float64]:
        share = values.to_numpy(np.float64) / top
        return np.asarray(CURVE - LOWER - share * (CURVE - UPPER - LOWER), np.float64)

    picture = Image.new("RGB", (width, CURVE), PAPER)
    draw = ImageDraw.Draw(picture)
    low, high, best = up(rows["lower"]), up(rows["upper"]), up(rows["count"])
    known = np.isfinite(low) & np.isfinite(high)
    edge = [*zip(xs[known], high[known], strict=True), *zip(xs[known][::-1], low[known][::-1], strict=True)]
    if len(edge) > 3:
        draw.polygon([(float(x), float(y)) for x, y in edge], fill=BAND)
    good = np.isfinite(best)
    draw.line([(float(x), float(y)) for x, y in zip(xs[good], best[good], strict=True)], fill=LINE, width=2)
    floor = CURVE - LOWER
    draw.line([(LEFT, UPPER), (LEFT, floor), (width - RIGHT, floor)], fill=INK)
    for level, height in ((0.0, floor), (top, UPPER)):
        draw.text((LEFT - 6, height), f"{level:.0f}", fill=INK, anchor="rm")
    draw.text((4, (UPPER + floor) / 2), "cells", fill=INK, anchor="lm")
    for value, end in ((across[0], LEFT), (across[-1], width - RIGHT)):
        draw.text((end, floor + 3), f"{value:.3g}", fill=INK, anchor="ma" if end == LEFT else "ra")
    draw.text(((LEFT + width) / 2, CURVE - 3), "time (h)" if timed else "frame", fill=INK, anchor="md")
    if np.isfinite(best[at]):
        x, y = float(xs[at]), float(best[at])
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=DOT)
    return picture


def _palette() -> Image.Image:
    """Greys and the few colours drawn with, so that every frame of a film has the same ones."""
    greys = np.repeat(np.linspace(0, 255, 250).round().astype(np.uint8), 3).tolist()
    picture = Image.new("P", (1, 1))
    picture.putpalette([*greys, *INK, *PAPER, *LINE, *BAND, *DOT, *DOT])
    return picture


def png_bytes(picture: Image.Image) -> bytes:
    """A PNG file's bytes."""
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()
