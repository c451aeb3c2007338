"""Counts over time, a chart per chamber, with the frames to look at under the pointer."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.printable import in_html as escape
from twincell.report.chart import Chart
from twincell.report.images import Colour, Grey, data_uri
from twincell.report.markup import figure, keys
from twincell.report.markup import tiles as tile_row
from twincell.report.page import Section
from twincell.words import number as number_of

WIDTH, HEIGHT = 300, 165
PAGE = 960, 380  # of the only chart of a page
MOST = 60  # charts on a page


@dataclass(frozen=True)
class Film:
    """A few frames of one chamber, to be seen on hover.

    Attributes:
        frames: (K,) which frames.
        tiles: K pictures, (S, S) or (S, S, 3) uint8, cells marked where the model can.
    """

    frames: list[int]
    tiles: list[Grey | Colour]


def curves(
    counts: pd.DataFrame,
    films: Mapping[str, Film] | None = None,
    known: pd.DataFrame | None = None,
    title: str = "Counts over time",
    truth: str = "counted by a person",
) -> Section | None:
    """Small multiples of all time-lapses in a table of counts.

    Args:
        counts: the table of counts.csv.
        films: frames to show on hover, by chamber.
        known: rows `chamber, frame, count` of frames whose count is known.
        title: of the section.
        truth: what the known counts are.
    """
    series = counts[counts["chamber"].astype(str) != ""]
    groups = [(str(name), rows) for name, rows in series.groupby("chamber", sort=False) if len(rows) > 1]
    if not groups:
        return None
    top = float(np.nanmax([1.0, series["upper"].max(), series["count"].max()]))
    people = {} if known is None else {str(name): rows for name, rows in known.groupby("chamber")}
    films = films or {}
    shown = groups[:MOST]
    one = len(shown) == 1
    charts = [_chart(name, rows, top, films.get(name), people.get(name), one) for name, rows in shown]
    legend = [("model", "best count from the whole time-lapse"), ("range", "90 % interval")]
    legend += [("truth", truth)] if people else []
    legend += [("flag", "not to be trusted")] if (series["flag"] != "").any() else []
    across = "hours" if series["time_h"].notna().all() else "frames"
    what = "Cells" if one else "One chart per chamber, all on the same scale: cells"
    lead = f"{what} over {across}. Move over a chart (or use the "
    lead += f"arrow keys) to read a frame{' and to see it' if films else ''}."
    lead += " Click a chart to enlarge it." if not one else ""
    lead += f" {interval_meaning(series, known)}"
    if len(groups) > MOST:
        lead += f" The first {MOST} of {len(groups)} chambers are drawn; all are in counts.csv."
    return Section(
        title,
        lead,
        keys(legend) + f'<div class="multiples{" single" if one else ""}">{"".join(charts)}</div>',
    )


def interval_meaning(counts: pd.DataFrame, known: pd.DataFrame | None) -> str:
    """What the 90 % interval promises, and how often it held on the frames that a person counted.

    Args:
        counts: rows of counts.csv.
        known: rows `chamber, frame, count`; None or empty where nobody counted.
    """
    promise = "The 90 % interval is meant to hold what a person would count in 9 frames of 10"
    if known is not None and len(known):
        keys = ["chamber", "frame"]
        both = known.dropna(subset="count").merge(counts[[*keys, "lower", "upper"]], on=keys)
        both = both.dropna(subset=["lower", "upper"])
        if len(both):
            held = int(((both["lower"] <= both["count"]) & (both["count"] <= both["upper"])).sum())
            return (
                f"{promise}; here it held in {held} of {number_of(len(both), 'counted frame')} "
                f"({held / len(both):.0%})."
            )
    return f"{promise}; no frame here is counted by a person, so how often it holds is not known."


def strips(counts: pd.DataFrame, films: Mapping[str, Film], most: int = 4, tiles: int = 8) -> Section | None:
    """Some chambers through time, for pages that are printed or shown.

    Args:
        counts: the table of counts.csv.
        films: frames by chamber.
        most: chambers shown: those that change most.
        tiles: frames of each.
    """
    rows = counts[counts["chamber"].isin(list(films))]
    change = rows.groupby("chamber", sort=False)["count"].agg(lambda c: c.max() - c.min())
    parts = []
    for name in change.sort_values(ascending=False, kind="stable").index[:most]:
        film, known = films[str(name)], rows[rows["chamber"] == name].set_index("frame")
        chosen = np.unique(
            np.linspace(0, len(film.frames) - 1, min(tiles, len(film.frames))).round().astype(int)
        )
        frames = [film.frames[i] for i in chosen]
        captions = [f"frame {frame}: {known['count'][frame]:.0f} cells" for frame in frames]
        parts.append(
            f"<h3>{escape(str(name))}</h3>" + tile_row([film.tiles[i] for i in chosen], captions, str(name))
        )
    if not parts:
        return None
    lead = (
        "The chambers that change most, from their first frame to their last. Cells glow where the model can "
    )
    lead += "mark them."
    return Section("Through time", lead, "".join(parts))


def _chart(
    name: str,
    rows: pd.DataFrame,
    top: float,
    film: Film | None,
    known: pd.DataFrame | None,
    alone: bool = False,
) -> str:
    timed = bool(rows["time_h"].notna().all())
    axis = rows["time_h" if timed else "frame"].to_numpy(float)
    count = rows["count"].to_numpy(float)
    unit = "h" if timed else "frame"
    said = f"Cells in chamber {name} over time: from {count[0]:.0f} to {count[-1]:.0f}"
    width, height = PAGE if alone else (WIDTH, HEIGHT)
    chart = Chart(
        (axis[0], axis[-1]),
        (0, top * 1.05),
        width,
        height,
        title=said,
        small=not alone,
        x_label="time (h)" if timed else "frame",
        y_label="cells",
    )
    chart.band(axis.tolist(), rows["lower"].tolist(), rows["upper"].tolist(), "model")
    chart.dots(axis.tolist(), rows["count_frame"].tolist(), "model", 0.9)
    chart.line(axis.tolist(), count.tolist(), "model")
    if known is not None:
        at = dict(zip(rows["frame"].tolist(), axis.tolist(), strict=True))
        seen = known[known["frame"].isin(list(at)) & known["count"].notna()]
        chart.dots([at[frame] for frame in seen["frame"]], seen["count"].tolist(), "truth", 1.8)
    flagged = rows["flag"].to_numpy() != ""
    chart.dots(axis[flagged].tolist(), count[flagged].tolist(), "flag", 3)
    chart.data["frames"] = json.dumps(_frames(chart, rows, axis, unit, film, name))
    note = f"{count[0]:.0f} → {count[-1]:.0f} cells, {axis[-1] - axis[0]:.3g} {unit}{'' if timed else 's'}"
    sprite = ""
    if film is not None and film.tiles:
        sprite = f'<script type="text/plain" id="{_sprite(name)}">{_strip(film)}</script>'
    return figure(chart.svg() + sprite, title=name, note=note)


def _frames(
    chart: Chart, rows: pd.DataFrame, axis: NDArray[np.float64], unit: str, film: Film | None, name: str
) -> dict[str, object]:
    """What the page's script needs to answer a pointer."""
    shown = np.array(film.frames if film is not None and film.tiles else [], int)
    frames = []
    numbers = rows[["frame", "count", "lower", "upper", "count_frame"]].to_numpy(float).tolist()
    for (number, count, lower, upper, alone), flag, x in zip(
        numbers, rows["flag"], axis.tolist(), strict=True
    ):
        frame = int(number)
        text = [f"frame {frame}" + (f", {x:.3g} h" if unit == "h" else "")]
        text.append("no count" if math.isnan(count) else f"{count:.1f} cells ({lower:.0f}–{upper:.0f})")
        if not math.isnan(alone):
            text.append(f"image alone {alone:.1f}")
        if flag:
            text.append(str(flag)[:80])
        near = int(np.abs(shown - frame).argmin()) if len(shown) else None
        if near is not None and shown[near] != frame:
            text.append(f"picture: frame {shown[near]}")
        frames.append({"at": round(chart.at_x(x), 1), "text": text, "tile": near})
    side = film.tiles[0].shape[0] if film is not None and film.tiles else 0
    return {
        "frames": frames,
        "top": chart.top,
        "bottom": chart.height - chart.bottom,
        "side": side,
        "sprite": _sprite(name) if side else "",
    }


def _strip(film: Film) -> str:
    """The tiles side by side, as one JPEG."""
    colour = [tile if tile.ndim == 3 else np.repeat(tile[..., None], 3, 2) for tile in film.tiles]
    return data_uri(np.concatenate(colour, 1), quality=75)


def _sprite(name: str) -> str:
    return "film-" + "".join(c if c.isalnum() else f"-{ord(c)}-" for c in name)
