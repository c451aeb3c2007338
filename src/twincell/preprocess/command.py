"""What `twincell import stack` does and says."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.io.recordings import Reading
from twincell.preprocess.import_stack import Chambers, Imported, import_stack

Rectangle = tuple[float, float, float, float]


def import_and_tell(
    files: Sequence[Path],
    out: Path,
    *,
    reading: Reading,
    modality: str,
    template: str | None,
    size: int,
    chamber_size: str | None,
    boxes: Path | None,
    turn: int,
    resume: bool,
    summary: Path | None,
) -> Imported:
    """Imports recordings, then prints what was read, found and skipped.

    Raises:
        UserError: all faults of the options at once; then those of the files.
    """
    problems: list[str] = []
    width_height: tuple[float, float] | None = None
    rectangles: dict[str, list[Rectangle]] = {}
    try:
        width_height = None if chamber_size is None else parse_size(chamber_size)
    except UserError as error:
        problems += error.problems
    try:
        rectangles = {} if boxes is None else read_boxes(boxes)
    except UserError as error:
        problems += error.problems
    for name, value in (("--pixel-size", reading.pixel_size_um), ("--interval", reading.interval_min)):
        if value is not None and not 0 < value < float("inf"):
            problems.append(f"{name} {value:g} is not above 0; leave it out where the file knows it")
    if problems:
        raise UserError(problems)
    chambers = Chambers(modality, template, size, width_height, rectangles, turn)
    imported = import_stack(files, out, chambers, reading, resume)
    _tell(imported, out)
    if summary is not None:
        write_atomic(summary, json.dumps(imported.summary, indent=1))
    return imported


def parse_size(text: str) -> tuple[float, float]:
    """ "344x456" as width and height in px.

    Raises:
        UserError: for anything else.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[x×,]\s*(\d+(?:\.\d+)?)\s*", text)
    if match is None or min(float(match[1]), float(match[2])) < 10:
        raise UserError(
            f"--chamber-size {text!r} is no width and height; write both in px of the file, for example "
            "344x456"
        )
    return float(match[1]), float(match[2])


def read_boxes(path: Path) -> dict[str, list[Rectangle]]:
    """Chambers given by hand: a CSV with the columns x, y, w, h (px of the first frame) and perhaps position.

    Returns:
        Rectangles by position name; those without a position under "".

    Raises:
        UserError: one sentence per line that cannot be used.
    """
    if not path.is_file():
        raise UserError(f"--boxes {path}: is missing; write a CSV with the columns x,y,w,h")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"x", "y", "w", "h"} <= set(rows.fieldnames or []):
            raise UserError(f"--boxes {path}: has the columns {rows.fieldnames}; it needs x, y, w and h")
        boxes: dict[str, list[Rectangle]] = {}
        problems = []
        for row in rows:
            try:
                x, y, w, h = (float(row[k]) for k in "xywh")
                if not (w >= 10 and h >= 10):
                    raise ValueError
            except (TypeError, ValueError):
                values = ", ".join(f"{k} {row[k]!r}" for k in "xywh")
                problems.append(
                    f"--boxes {path}, line {rows.line_num}: {values} is no box; write numbers in px"
                )
                continue
            boxes.setdefault((row.get("position") or "").strip(), []).append((x, y, w, h))
    if problems or not boxes:
        raise UserError(problems or f"--boxes {path}: has no rows; write one line per chamber")
    return boxes


def _tell(imported: Imported, out: Path) -> None:
    s = imported.summary
    for name, p in s["per_position"].items():
        pixel = "pixel size not known" if p["pixel_size_um"] is None else f"{p['pixel_size_um']:g} um/px"
        pace = "interval not known" if p["interval_min"] is None else f"every {p['interval_min']:g} min"
        drift = "" if p["drift_px"] is None else f", drift {max(p['drift_px']):.1f} px"
        print(
            f"{name}: axes {p['axes']} ({p['axes_from']}), {p['frames']:,} frames, {pixel}, {pace}; "
            f"{p['chambers']} chambers, turned by {p['rotation_degrees']:.2f} degrees{drift}"
        )
        if p["interval_min"] is None and not p["clock"]:
            print("  time_h is left blank; give the minutes between frames with --interval to fill it")
        for hint in p["hints"]:
            print(f"  {hint}")
    for name, reason in s["positions_unusable"].items():
        print(f"{name}: not used: {reason}")
    skipped = ", ".join(f"{n} {fault}" for fault, n in sorted(s["skipped"].items())) or "none"
    print(f"{s['images']:,} images of {s['chambers']:,} chambers, {s['flagged']} flagged; skipped: {skipped}")
    print(f"Look at {out / 'contact_sheets'} before counting. Wrote {out / 'manifest.csv'}")
