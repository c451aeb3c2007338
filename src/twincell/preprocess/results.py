"""What an import leaves behind: the manifest, what was skipped, every step's parameters, contact sheets."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twincell import __version__
from twincell.data.image_spec import ImageSpec, write_spec
from twincell.data.manifest import Manifest
from twincell.files import write_atomic
from twincell.io.recording import Recording
from twincell.preprocess import quality_control as damage
from twincell.preprocess.chambers import walls
from twincell.preprocess.chambers.layout import Layout, Wanted, orientation_hints
from twincell.preprocess.contact_sheet import draw_contact_sheets
from twincell.preprocess.journal import Journal
from twincell.preprocess.paths import chamber_name, image_path
from twincell.preprocess.registration import reference, registration

SKIPPED = ["position", "chamber", "frame", "fault", "detail"]
HIDDEN = "walls not seen"
"""The walls are covered by something, or in another focus than the rest."""


def write_results(
    out: Path,
    recordings: Sequence[Recording],
    failures: Mapping[str, str],
    journal: Journal,
    wanted: Mapping[str, Wanted],
    modality: str,
    settings: Mapping[str, Any],
) -> tuple[Manifest, dict[str, Any]]:
    """Writes all files of a finished import but its crops.

    Args:
        recordings: the positions that were used; `failures` names the others and why.
        journal: what was done.
        wanted: by position, what was asked of its chambers.
        settings: as given by the user, JSON values.

    Returns:
        The manifest, and a summary as JSON values.
    """
    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = [
        {"position": name, "chamber": "", "frame": "", "fault": "unusable", "detail": reason}
        for name, reason in failures.items()
    ]
    frames: list[dict[str, Any]] = []
    steps: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for recording in recordings:
        layout = journal.layout(recording.name, wanted[recording.name])
        assert layout is not None  # every position used has been looked at
        lines = list(journal.frames(recording.name))
        hours = recording.hours()
        rows += _manifest_rows(recording, layout, lines, hours, modality)
        skipped += _skipped_rows(recording, layout, lines)
        frames += [_frame_row(recording, line, h) for line, h in zip(lines, hours, strict=True)]
        steps[recording.name] = _steps(recording, layout, lines, wanted[recording.name])
        sources[recording.name] = _source(recording)
        draw_contact_sheets(out, recording, layout, lines)
    write_atomic(out / "frames.csv", _csv(frames))
    write_atomic(out / "skipped.csv", _csv(skipped, SKIPPED))
    write_atomic(out / "recording.json", json.dumps(sources, indent=1))
    parameters = {
        "twincell": __version__,
        "settings": settings,
        "constants": _constants(),
        "positions": steps,
    }
    write_atomic(out / "preprocessing.json", json.dumps(parameters, indent=1))
    write_spec(out, _spec(rows))
    manifest = Manifest(pd.DataFrame(rows), out)
    manifest.write(out)
    return manifest, _summary(out, recordings, failures, rows, skipped, steps)


def _spec(rows: Sequence[Mapping[str, Any]]) -> ImageSpec:
    """What the crops are: 8-bit grey, with their pixel size where all have one."""
    sizes = {row["pixel_size_um"] or None for row in rows}
    return ImageSpec(pixel_size_um=sizes.pop() if len(sizes) == 1 else None)


def _manifest_rows(
    recording: Recording,
    layout: Layout,
    lines: Sequence[dict[str, Any]],
    hours: Sequence[float | None],
    modality: str,
) -> list[dict[str, Any]]:
    scale = {c.number: c.cutter.scale for c in layout.chambers}
    size = recording.pixel_size_um
    return [
        {
            "image": image_path(recording.name, number, line["number"]),
            "count": math.nan,
            "split": "train",  # no count yet; splits are made by chamber when there are some
            "modality": modality,
            "origin": "natural",
            "chamber": chamber_name(recording.name, number),
            "frame": line["number"],
            "time_h": math.nan if h is None else round(h, 6),
            "page": 0,
            "position": recording.name,
            "pixel_size_um": "" if size is None else round(size * scale[number], 6),
            "interval_min": "" if recording.interval_min is None else round(recording.interval_min, 6),
            "flag": _flag(line, number),
        }
        for number in scale
        for line, h in zip(lines, hours, strict=True)
        if number in line["chambers"]
    ]


def _flag(line: dict[str, Any], chamber: int) -> str:
    """Why a chamber's image is not to be trusted, reasons joined by "; ", or empty."""
    return "; ".join(filter(None, [line["flag"], HIDDEN if chamber in line["hidden"] else ""]))


def _skipped_rows(
    recording: Recording, layout: Layout, lines: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    name = recording.name
    rows = [(name, "", n, "missing", "its number is left out") for n in recording.missing]
    for before, after, about in recording.gaps():
        rows.append((name, "", before, "dropped", f"about {about} frames are missing before frame {after}"))
    for line in lines:
        if line["fault"]:
            rows.append((name, "", line["number"], line["fault"], line["detail"]))
        for number, (fault, detail) in line["lost"].items():
            rows.append((name, chamber_name(name, int(number)), line["number"], fault, detail))
    rows.sort(key=lambda row: (row[2], row[1]))
    return [dict(zip(SKIPPED, row, strict=True)) for row in rows]


def _frame_row(recording: Recording, line: dict[str, Any], hours: float | None) -> dict[str, Any]:
    motion = line["motion"] or {}
    return {
        "position": recording.name,
        "frame": line["number"],
        "time_h": "" if hours is None else round(hours, 6),
        **{k: round(motion[k], 4) if k in motion else "" for k in ("dx", "dy", "angle", "score")},
        "gain": round(line["gain"], 5) if motion else "",
        "focus": round(line["focus"], 4) if motion else "",
        "flag": line["flag"],
        "fault": line["fault"],
        "detail": line["detail"],
    }


def _steps(
    recording: Recording, layout: Layout, lines: Sequence[dict[str, Any]], wanted: Wanted
) -> dict[str, Any]:
    """Every step's parameters for one position, in the order they are applied."""
    good = [line for line in lines if not line["fault"]]
    drift = np.array([[line["motion"]["dx"], line["motion"]["dy"]] for line in good]).reshape(-1, 2)
    gains = np.array([line["gain"] for line in good])
    size = recording.pixel_size_um
    return {
        "registration": {
            "reference_frames": list(layout.samples),
            "wall_points": len(layout.reference.walls.value),
            "drift_px": None if not len(drift) else _rounded(np.ptp(drift, axis=0)),
            "per_frame": "frames.csv: dx, dy (px), angle (degrees), score",
        },
        "rotation": {"degrees": round(layout.reference.angle, 4), "quarter_turns_degrees": wanted.turn},
        "chambers": [
            {
                "chamber": chamber_name(recording.name, c.number),
                "box_upright_px": _rounded([c.box.x, c.box.y, c.box.w, c.box.h]),
                "wall_part_left_right_top_bottom": _rounded(c.box.sides),
                "score": round(c.box.score, 4),
                "crop_side_px": round(c.cutter.scale * c.cutter.size, 3),
                "crop_size": c.cutter.size,
                "pixel_size_um": None if size is None else round(size * c.cutter.scale, 6),
                "grey": {"slope": c.scale.slope, "lift": c.scale.lift},
            }
            for c in layout.chambers
        ],
        "framing": {
            k: getattr(wanted.framing, k) for k in ("name", "fill", "middle", "background", "bright")
        },
        "brightness": {
            "gain_range": None if not len(gains) else _rounded([gains.min(), gains.max()]),
            "formula": "grey = 255 * (slope * value / gain + lift)",
        },
        "hints": orientation_hints(layout, wanted),
        "frames": {"read": len(lines), "skipped": len(lines) - len(good), "missing": list(recording.missing)},
    }


def _constants() -> dict[str, float]:
    return {
        "smoothing_px": walls.SMOOTH,
        "straight_run_px": walls.RUN,
        "rounds": reference.ROUNDS,
        "tukey": registration.TUKEY,
        "score_lost": damage.LOST,
        "focus_flag": damage.BLURRED,
    }


def _source(recording: Recording) -> dict[str, Any]:
    return {
        "source": recording.source,
        "axes": recording.axes,
        "axes_from": recording.axes_from,
        "frames": len(recording),
        "height_px": recording.shape[0],
        "width_px": recording.shape[1],
        "type": str(recording.dtype),
        "bits": recording.depth.bits if recording.depth else None,
        "pixel_size_um": recording.pixel_size_um,
        "interval_min": recording.interval_min,
        **recording.extra,
    }


def _summary(
    out: Path,
    recordings: Sequence[Recording],
    failures: Mapping[str, str],
    rows: Sequence[dict[str, Any]],
    skipped: Sequence[dict[str, Any]],
    steps: Mapping[str, Any],
) -> dict[str, Any]:
    faults: dict[str, int] = {}
    for row in skipped:
        faults[row["fault"]] = faults.get(row["fault"], 0) + 1
    return {
        "manifest": str(out / "manifest.csv"),
        "positions": len(recordings),
        "positions_unusable": dict(failures),
        "chambers": sum(len(s["chambers"]) for s in steps.values()),
        "images": len(rows),
        "flagged": sum(bool(row["flag"]) for row in rows),
        "skipped": faults,
        "per_position": {
            r.name: {
                "axes": r.axes,
                "axes_from": r.axes_from,
                "frames": len(r),
                "chambers": len(steps[r.name]["chambers"]),
                "rotation_degrees": steps[r.name]["rotation"]["degrees"],
                "drift_px": steps[r.name]["registration"]["drift_px"],
                "pixel_size_um": r.pixel_size_um,
                "interval_min": r.interval_min,
                "clock": any(h is not None for h in r.hours()),
                "hints": [*r.notes, *steps[r.name]["hints"]],
            }
            for r in recordings
        },
    }


def _csv(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> str:
    table = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    return table.to_csv(index=False, lineterminator="\n")


def _rounded(values: Any) -> list[float]:
    return [round(float(v), 4) for v in values]
