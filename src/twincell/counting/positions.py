"""Where the counted cells are: the places that together make up a density map."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from twincell.counting.reader import Reader
from twincell.counting.result import CountResult
from twincell.data.from_folders import pages_of
from twincell.errors import UserError
from twincell.faults import Fault
from twincell.io.points_formats.imagej import roi_zip
from twincell.models.base.file import LoadedModel
from twincell.progress import track

AT_ONCE = 64  # images in memory
LARGEST = 2_000_000  # elements times places that are settled together
ROUNDS = 15
SPREAD = 1.0  # standard deviation of a cell in elements of the map, as the networks are trained


@dataclass(frozen=True)
class Positions:
    """The cells of a count.

    Attributes:
        points: one row a cell: `row` (of the table of counts), x and y in px of the image as it is stored.
        sizes: height and width of the images by row, those that were read.
    """

    points: pd.DataFrame
    sizes: dict[int, tuple[int, int]]

    def of(self, row: int) -> NDArray[np.float64]:
        """(N, 2) x and y of one row's cells."""
        return self.points.loc[self.points["row"] == row, ["x", "y"]].to_numpy(float)


def positions(result: CountResult, model: LoadedModel, progress: bool = True) -> Positions:
    """Find as many places in each frame as its best count, rounded, says.

    Args:
        result: of `count`.
        model: the one that counted; looks at the images again.
        progress: show a bar on stderr.

    Raises:
        UserError: the model has no density map, so it knows no places.
    """
    counts = result.table["count"].to_numpy(float)
    wanted = np.nan_to_num(counts).round().astype(int)
    rows, sizes = [], {}
    with Reader(result.frames, result.size, result.convert) as reader:
        for start in track(
            range(0, len(counts), AT_ONCE), "places", total=-(-len(counts) // AT_ONCE), show=progress
        ):
            chosen = range(start, min(start + AT_ONCE, len(counts)))
            for row, image in zip(chosen, reader.read_all(chosen), strict=True):
                if isinstance(image, Fault):
                    continue
                spec = model.spec_for(result.diameter(row), image.shape)
                density = model.predict([image], spec=spec).density
                if density is None:
                    raise UserError(
                        f"model {model.card.name} counts without a map, so it knows no places; use one that "
                        "has a map, such as any, or leave out --points, --rois, --overlays and --film"
                    )
                sizes[row] = image.shape if result.size is None else reader.size_of(row) or image.shape
                height, width = sizes[row]
                rows += [
                    (row, x * width, y * height) for x, y in places(density[0, 0].numpy(), int(wanted[row]))
                ]
    return Positions(pd.DataFrame(rows, columns=["row", "x", "y"]).astype({"row": int}), sizes)


def places(density: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """The n places of a map that hold its mass best, each worth one cell.

    The strongest place is taken first and one cell's worth of density taken off around it, so that two
    cells on one peak are two places.

    Args:
        density: (h, w), cells per element.
        n: how many; the map is scaled to hold as many.

    Returns:
        (n, 2) x and y as shares of the map's width and height, 0 to 1.
    """
    total = float(density.sum())
    if n == 0:
        return np.zeros((0, 2))
    map_ = np.asarray(density, float) * (n / total if total > 0 else 0.0)
    height, width = map_.shape
    left = gaussian_filter(map_, SPREAD, mode="constant")
    reach = int(np.ceil(4 * SPREAD)) + 1
    found = []
    for _ in range(n):
        y, x = np.unravel_index(int(left.argmax()), left.shape)
        top, side = max(y - 1, 0), max(x - 1, 0)
        near = left[top : y + 2, side : x + 2].clip(0)
        weight = float(near.sum())
        own_y, own_x = float(y), float(x)
        if weight > 0:
            rows, columns = np.mgrid[top : top + near.shape[0], side : side + near.shape[1]]
            own_y, own_x = float((rows * near).sum() / weight), float((columns * near).sum() / weight)
        found.append((own_x, own_y))
        # What one cell there leaves in the smoothed map: two spreads on top of each other.
        ys, xs = slice(max(y - reach, 0), y + reach + 1), slice(max(x - reach, 0), x + reach + 1)
        grid_y, grid_x = np.mgrid[ys.start : min(ys.stop, height), xs.start : min(xs.stop, width)]
        distance = (grid_y - own_y) ** 2 + (grid_x - own_x) ** 2
        left[ys, xs] -= np.exp(-distance / (4 * SPREAD**2)) / (4 * np.pi * SPREAD**2)
    return (_settled(map_, np.array(found)) + 0.5) / [width, height]


def _settled(density: NDArray[np.floating], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places moved to where they share the mass around them best: a mixture of cells of one size.

    Args:
        density: (h, w).
        places: (n, 2) x and y in elements of it.
    """
    ys, xs = np.nonzero(density > 1e-3 * density.max())
    if len(ys) * len(places) > LARGEST:  # the greedy places stand: a field of hundreds of cells
        return places
    at, mass = np.stack([xs, ys], 1).astype(float), density[ys, xs]
    for _ in range(ROUNDS):
        near = np.exp(-((at[:, None] - places[None]) ** 2).sum(2) / (2 * SPREAD**2)) + 1e-12
        share = near / near.sum(1, keepdims=True) * mass[:, None]
        held = share.sum(0)
        places = np.where(held[:, None] > 1e-6, share.T @ at / np.maximum(held, 1e-6)[:, None], places)
    return places


def points_table(result: CountResult, found: Positions, file: Path) -> pd.DataFrame:
    """The cells as points.csv names them: image relative to the file's folder, page, x, y."""
    table = result.frames.table
    pages = table["page"].to_numpy(int).copy()
    for place, recording in enumerate(result.frames.recordings):
        rows = np.flatnonzero(table["recording"] == place)
        if not Path(recording.source).is_dir():
            pages[rows] = np.array(pages_of(recording))[pages[rows]]
    row = found.points["row"].to_numpy(int)
    images = [os.path.relpath(path, file.parent).replace(os.sep, "/") for path in table["path"]]
    return pd.DataFrame(
        {
            "image": [images[r] for r in row],
            "page": pages[row],
            "x": found.points["x"],
            "y": found.points["y"],
            "label": "",
        }
    )


def rois(result: CountResult, found: Positions) -> bytes:
    """A zip of Fiji's ROI Manager: one multi-point region a frame, at its place in its time-lapse."""
    table = result.frames.table
    place = table.groupby("chamber").cumcount() + 1
    place = place.where(table["chamber"] != "", 0)
    regions = []
    for row, part in found.points.groupby("row"):
        chamber, frame, image = table[["chamber", "frame", "image"]].loc[row]
        single = Path(str(image)).stem
        name = f"{chamber}-{frame:05d}" if chamber else single
        regions.append((name, int(place[row]), part[["x", "y"]].to_numpy(float)))
    return roi_zip(regions)
