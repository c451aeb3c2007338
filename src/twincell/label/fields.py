"""Fields of view before there are chambers: pictures of every position, boxes found, and the import
itself."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twincell.data.manifest import NAME as MANIFEST
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.io.encode import png
from twincell.io.reading import Reading
from twincell.io.recording import Recording
from twincell.io.recordings import open_recordings
from twincell.preprocess.chambers.framing import framing_for
from twincell.preprocess.chambers.layout import Wanted
from twincell.preprocess.chambers.suggest import Rectangle, suggest
from twincell.preprocess.import_stack import FOLDER as UNFINISHED
from twincell.preprocess.import_stack import Chambers, import_stack

FOUND = "positions.json"
SMALLEST, MOST_BOXES = 10.0, 500
"""px to a side of a box, as `import stack --boxes` takes it; boxes of one position."""


def picture(recording: Recording) -> NDArray[np.uint8]:
    """The first frame for a person's eyes, (H, W): its darkest and brightest hundredth are black and
    white."""
    frame = recording.read(0).astype(np.float32)
    low, high = np.percentile(frame, [0.5, 99.5])
    return (np.clip((frame - low) / max(float(high - low), 1e-6), 0, 1) * 255).round().astype(np.uint8)


def look(order: dict[str, Any]) -> dict[str, Any]:
    """The work of a first look: {files, modality, reading, folder} to {positions: [...]}, kept in the
    folder too."""
    folder = Path(order["folder"])
    recordings = open_recordings([Path(file) for file in order["files"]], Reading(**order["reading"]))
    wanted = Wanted(framing=framing_for(None, order["modality"]))
    positions = []
    for number, recording in enumerate(recordings):
        print(f"looking for chambers: {number} of {len(recordings)}", flush=True, file=sys.stderr)
        write_atomic(folder / f"position-{number}.png", png(picture(recording)))
        found = suggest(recording, wanted)
        positions.append(
            {
                "name": recording.name,
                "height": recording.shape[0],
                "width": recording.shape[1],
                "frames": len(recording),
                "boxes": [[round(side, 1) for side in box] for box in found.boxes],
                "angle": round(found.angle, 2),
                "problem": found.problem,
            }
        )
    write_atomic(folder / FOUND, json.dumps(positions))
    return {"positions": positions}


def checked_boxes(given: dict[str, Any], positions: Sequence[dict[str, Any]]) -> dict[str, list[Rectangle]]:
    """Boxes by position as a page sent them.

    Raises:
        UserError: a position that is not there, a box that is none or lies outside, or none at all.
    """
    known = {position["name"]: position for position in positions}
    problems, found = [], {}
    for name, boxes in given.items():
        if name not in known or not isinstance(boxes, list) or len(boxes) > MOST_BOXES:
            problems.append(f"position {name!r} is not known, or has more than {MOST_BOXES} boxes")
            continue
        width, height = known[name]["width"], known[name]["height"]
        own = []
        for box in boxes:
            try:
                x, y, w, h = (float(side) for side in box)
            except (TypeError, ValueError):
                problems.append(f"{name}: {box!r} is no box; give x, y, width and height in px")
                continue
            inside = 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
            if not (np.isfinite([x, y, w, h]).all() and w >= SMALLEST and h >= SMALLEST and inside):
                problems.append(f"{name}: a box of {w:g} x {h:g} px at {x:g}, {y:g} is too small or outside")
            own.append((x, y, w, h))
        if own:
            found[name] = own
    if not found and not problems:
        problems.append("no chamber is drawn; draw one box at least")
    if problems:
        raise UserError(problems)
    return found


def import_fields(order: dict[str, Any]) -> dict[str, Any]:
    """The work of an import: {files, modality, reading, boxes, out} to {manifest, images, chambers, skipped}.

    Positions without boxes are left out. One that was stopped goes on.
    """
    boxes = {name: [tuple(box) for box in own] for name, own in order["boxes"].items()}
    out, reading = Path(order["out"]), Reading(**order["reading"])
    recordings = open_recordings([Path(file) for file in order["files"]], reading)
    left_out = [recording.name for recording in recordings if recording.name not in boxes]
    if left_out:
        # An import wants boxes for every position or finds its own: a position without any is not asked for.
        raise UserError(
            f"no chamber is drawn in {', '.join(left_out)}; draw one there, or leave the file out"
        )
    chambers = Chambers(order["modality"], boxes=boxes)
    made = import_stack(
        [Path(f) for f in order["files"]], out, chambers, reading, (out / UNFINISHED).exists()
    )
    summary = made.summary
    return {
        "manifest": str(out / MANIFEST),
        "images": summary["images"],
        "chambers": summary["chambers"],
        "flagged": summary["flagged"],
        "skipped": summary["skipped"],
    }
