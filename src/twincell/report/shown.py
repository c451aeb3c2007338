"""What can be seen of a count beside its table: places, regions, pictures with dots, films with curves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twincell.counting.positions import Positions, points_table, positions, rois
from twincell.counting.result import CountResult
from twincell.errors import UserError
from twincell.files import fresh_dir, write_new
from twincell.io.filenames import names_apart, word
from twincell.io.points import write_points
from twincell.models.base.file import LoadedModel
from twincell.report.dotted import dotted, film, png_bytes


@dataclass(frozen=True)
class Shown:
    """Files asked for; None = not.

    Attributes:
        points: a points.csv.
        rois: a zip for Fiji's ROI Manager.
        overlays: a folder of pictures with a dot on each cell.
        film: a GIF; of several chambers, one each, named after it.
    """

    points: Path | None = None
    rois: Path | None = None
    overlays: Path | None = None
    film: Path | None = None

    def check(self) -> None:
        """Refuse what cannot be written, before any work.

        Raises:
            UserError: wrong suffixes, a folder that holds files.
        """
        wanted = (
            ("--points", self.points, ".csv"),
            ("--rois", self.rois, ".zip"),
            ("--film", self.film, ".gif"),
        )
        problems = [
            f"{option} {path}: name a file that ends in {suffix}"
            for option, path, suffix in wanted
            if path is not None and path.suffix.lower() != suffix
        ]
        folder = self.overlays
        if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            problems.append(f"--overlays {self.overlays}: exists already; name a new folder")
        if problems:
            raise UserError(problems)

    def write(self, result: CountResult, model: LoadedModel, progress: bool = True) -> Iterator[Path]:
        """Write what was asked for; gives each file (the folder of pictures once).

        Raises:
            UserError: the model knows no places.
        """
        if not any((self.points, self.rois, self.overlays, self.film)):
            return
        found = positions(result, model, progress)
        if self.points is not None:
            yield write_points(self.points, points_table(result, found, self.points))
        if self.rois is not None:
            yield write_new(self.rois, rois(result, found))
        table = result.table
        if self.overlays is not None:
            folder = fresh_dir(self.overlays)
            named = [
                word(f"{chamber}-{frame:05d}" if chamber else Path(str(image)).stem)
                for chamber, frame, image in table[["chamber", "frame", "image"]].itertuples(index=False)
            ]
            names = names_apart(named)
            for row, image in result.images():
                picture = dotted(image, found.of(row), found.sizes[row], table.iloc[row])
                write_new(folder / f"{names[row]}.png", png_bytes(picture))
            yield folder
        if self.film is not None:
            yield from self._films(result, found)

    def _films(self, result: CountResult, found: Positions) -> Iterator[Path]:
        assert self.film is not None
        series = result.table[result.in_series]
        chambers = series.groupby("chamber", sort=False)
        if not len(chambers):
            raise UserError("--film needs a time-lapse, and these are images for themselves; use --overlays")
        for chamber, rows in chambers:
            file = (
                self.film
                if len(chambers) == 1
                else self.film.with_stem(f"{self.film.stem}-{word(str(chamber))}")
            )
            yield write_new(file, film(result, rows, found))
