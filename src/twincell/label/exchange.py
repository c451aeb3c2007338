"""Labels out to manifest, points and tables, and back in from any of them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell.data.from_folders import relative
from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.data.rows import alone
from twincell.errors import UserError
from twincell.io.image_names import ImageNames
from twincell.io.points import FORMATS, match_images, read_points, write_points
from twincell.io.tables import csv_for_people, unguarded
from twincell.label.answers import Answer, Answers
from twincell.label.dataset import Dataset
from twincell.label.records import MOST_DOTS, NO_CELL, Deed, Dot
from twincell.label.store import Place, Store

COLUMNS = (
    "person", "image", "page", "chamber", "frame", "round", "count", "status", "blind", "seconds", "at",
    "dots",
)  # fmt: skip
"""labels.csv: every answer of every person, with its dots as JSON [[x, y, label], ...]."""


def known_counts(dataset: Dataset, answers: Answers) -> dict[int, int]:
    """Cells by row: the answer that stands for a frame, else the manifest's own count."""
    counts = dataset.manifest.table["count"].to_numpy(float)
    known = {
        int(row): int(counts[row]) for row in np.flatnonzero(np.isfinite(counts)) if dataset.shown(int(row))
    }
    for image, page in answers.frames():
        row, final = dataset.row(image, page), answers.final(image, page)
        if row is not None and final is not None and final.count is not None:
            known[row] = final.count
    return known


def labels_table(dataset: Dataset, answers: Answers) -> pd.DataFrame:
    """One row an answer, in the columns of labels.csv; also of frames the manifest no longer has."""
    rows = []
    for answer in answers.all():
        row = dataset.row(answer.image, answer.page)
        rows.append(
            {
                "person": answer.person,
                "image": answer.image,
                "page": answer.page,
                "chamber": "" if row is None else dataset.series[dataset.of_row[row]].name,
                "frame": "" if row is None else dataset.frames[row],
                "round": answer.round,
                "count": "" if answer.count is None else answer.count,
                "status": answer.status,
                "blind": answer.blind,
                "seconds": round(answer.seconds, 2),
                "at": round(answer.at, 3),
                "dots": json.dumps([[d["x"], d["y"], d["label"]] for d in answer.dots.values()]),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def labels_csv(dataset: Dataset, answers: Answers) -> str:
    """labels.csv as text."""
    return csv_for_people(labels_table(dataset, answers))


def points_table(dataset: Dataset, answers: Answers) -> pd.DataFrame:
    """The cells of all frames whose places are known, by `row`: of the answers that stand, else the
    manifest's."""
    told: dict[int, Answer] = {}
    for image, page in answers.frames():
        row, final = dataset.row(image, page), answers.final(image, page)
        if row is not None and final is not None:
            told[row] = final
    before = dataset.manifest.points
    kept = before[~before["row"].isin(list(told))][["row", "x", "y", "label"]]
    new = [
        {"row": row, "x": dot["x"], "y": dot["y"], "label": dot["label"]}
        for row, answer in sorted(told.items())
        if answer.dotted
        for dot in answer.cells
    ]
    found = pd.concat([kept, pd.DataFrame(new, columns=kept.columns)], ignore_index=True)
    return found.astype({"row": int}).sort_values("row", kind="stable").reset_index(drop=True)


def write_labels(dataset: Dataset, answers: Answers, folder: Path, learn: bool = False) -> list[Path]:
    """Write manifest.csv, points.csv and labels.csv; what stood there is kept beside, named by date.

    Args:
        dataset: what was labelled.
        answers: of all people.
        folder: the data set's own, or another one; paths in the files are relative to it.
        learn: leave out counts of splits val and test, so that nothing can learn from them.

    Returns:
        The files.
    """
    table, root = dataset.manifest.table.copy(), dataset.manifest.root
    known, points = known_counts(dataset, answers), points_table(dataset, answers)
    places = points.groupby("row").size()
    for row, count in known.items():
        table.loc[row, "count"] = float(count)
    # A count and places must agree.
    whole = [row for row in places.index.tolist() if known.get(row) == places[row]]
    points = points[points["row"].isin(whole)]
    if learn:
        aside = table["split"] != "train"
        table.loc[aside, "count"] = np.nan
        points = points[~points["row"].isin(table.index[aside])]
    if answers.conditions:
        own = {series.name: answers.conditions.get(series.name, "") for series in dataset.series}
        named = pd.Series({row: own[s.name] for s in dataset.series for row in s.rows.tolist()}, dtype=object)
        table["condition"] = named.reindex(table.index).fillna("")
    moved = folder.resolve() != root.resolve()
    if moved:
        single = (table["chamber"] == alone(table)) & (table["frame"] == 0)
        table["image"] = [relative(path, folder) for path in dataset.manifest.paths]
        table["chamber"] = table["chamber"].where(~single, alone(table))
        if dataset.manifest.spec != ImageSpec():
            write_spec(folder, dataset.manifest.spec)
    table = table.drop(columns="points", errors="ignore")
    files = []
    if len(points) or (folder / "points.csv").exists():
        at = points["row"].to_numpy(int)
        marked = points.assign(image=table["image"].to_numpy()[at], page=table["page"].to_numpy()[at])
        files.append(write_points(folder, marked))
    files.append(Manifest(table, folder).write(folder))
    return files


def read_labels(path: Path, dataset: Dataset, store: Store, person: str = "") -> int:
    """Take labels in from labels.csv, a manifest or table of counts, or any file of points; twice is once.

    Args:
        path: the file.
        dataset: whose images are meant.
        store: takes the answers.
        person: whose they are; by default as labels.csv says, else the file's name.

    Returns:
        How many answers were taken.

    Raises:
        UserError: a file that is none of these, or names no image of the data set.
    """
    if not path.is_file():
        raise UserError(f"{path}: is missing; name labels.csv, points.csv, or a table with image and count")
    try:
        head = list(pd.read_csv(path, nrows=0).columns) if path.suffix == ".csv" else []
    except (ValueError, UnicodeDecodeError) as problem:
        raise UserError(f"{path}: is no table ({problem}); save it as UTF-8 CSV") from problem
    said = person or path.stem[:40]
    if set(COLUMNS) <= set(head):
        found = _of_labels(path, dataset, person)
    elif "x" not in head and "count" in head:
        found = _of_counts(path, dataset, said)
    elif path.suffix in FORMATS:
        found = _of_points(path, dataset, said)
    else:
        raise UserError(
            f"{path}: holds no labels; name labels.csv, points.csv, or a table with image and count"
        )
    taken = 0
    for whose, place, deeds, at in found:
        taken += bool(store.append(whose, [(deed, place) for deed in deeds], at))
    return taken


_Found = Iterator[tuple[str, Place, list[Deed], float | None]]


def _of_labels(path: Path, dataset: Dataset, person: str) -> _Found:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for line in table.to_dict("records"):
        place = (unguarded(line["image"]), int(line["page"] or 0))
        whose, dots = person or unguarded(line["person"]), json.loads(line["dots"] or "[]")
        mark = f"{whose}|{place}|{line['round']}|{line['at']}"
        typed = None if line["count"] == "" or _cells(dots) == int(line["count"]) else int(line["count"])
        deeds = _deeds(
            mark, dataset.row(*place), dots, typed, line["status"], int(line["round"]), float(line["seconds"])
        )
        yield whose, place, deeds, float(line["at"])


def _of_counts(path: Path, dataset: Dataset, person: str) -> _Found:
    names = ImageNames(dataset.images)
    for name, count in _counts_of(path):
        meant = names.meant(name)
        if len(meant) != 1:
            raise UserError(
                f"{path}: image {name} is meant for {len(meant) or 'no'} images; name it as the manifest does"
            )
        place = (meant[0], 0)
        yield (
            person,
            place,
            _deeds(f"{path.name}|{place}|{count}", dataset.row(*place), [], count, "done"),
            None,
        )


def _counts_of(path: Path) -> list[tuple[str, int]]:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "image" not in table:
        raise UserError(f"{path}: has no column image; it needs image and count")
    known = table[table["count"].str.strip() != ""]
    pairs = list(zip(known["image"], known["count"], strict=True))
    bad = [(image, count) for image, count in pairs if not count.strip().removesuffix(".0").isdigit()]
    if bad:
        raise UserError([f"{path}: count {count!r} of {image} is no number of cells" for image, count in bad])
    return [(unguarded(image), int(float(count))) for image, count in pairs]


def _of_points(path: Path, dataset: Dataset, person: str) -> _Found:
    points = match_images(read_points(path), list(dict.fromkeys(dataset.images)))
    for _, part in points.groupby(["image", "page"], sort=False):
        place = (str(part["image"].iloc[0]), int(part["page"].iloc[0]))
        dots = part[["x", "y", "label"]].fillna("").values.tolist()
        yield (
            person,
            place,
            _deeds(f"{path.name}|{place}|{dots}", dataset.row(*place), dots, None, "done"),
            None,
        )


def _deeds(
    mark: str,
    row: int | None,
    dots: list[Any],
    number: int | None,
    status: str,
    round_: int = 0,
    seconds: float = 0.0,
) -> list[Deed]:
    """The deeds that come to one answer; their keys follow from `mark`, so that twice is once."""
    digest = hashlib.sha256(mark.encode(errors="backslashreplace")).hexdigest()[:40]
    common: dict[str, Any] = {"row": -1 if row is None else row, "round": round_, "seconds": seconds}
    found = [
        Deed(
            key=f"{digest}-{k}",
            kind="dot",
            dot=Dot(id=f"{digest[:16]}-{k}", x=x, y=y, label=str(label)[:60]),
            **common,
        )
        for k, (x, y, label) in enumerate(dots[:MOST_DOTS])
    ]
    if number is not None:
        found.append(Deed(key=f"{digest}-n", kind="number", number=number, **common))
    if status != "open":
        found.append(
            Deed.model_validate({"key": f"{digest}-s", "kind": "status", "status": status, **common})
        )
    return found


def _cells(dots: list[Any]) -> int:
    return sum(label != NO_CELL for _, _, label in dots)
