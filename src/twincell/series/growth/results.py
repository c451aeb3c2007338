"""The folder that `twincell growth` writes: tables, pictures, and parts that survive being stopped."""

import hashlib
import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from twincell.errors import UserError
from twincell.files import fresh_dir, write_atomic
from twincell.io.tables import csv_for_people
from twincell.locks import is_lock, locked
from twincell.progress import bar
from twincell.series.growth import plots
from twincell.series.growth.analysis import compared, fits, growth, prepared
from twincell.series.growth.conditions import Comparison
from twincell.series.growth.options import GrowthOptions
from twincell.series.growth.request import Job, read_job
from twincell.series.smoothing.events import Event, event_table
from twincell.series.smoothing.smooth import smooth_all

AT_ONCE = plots.PAGE
"""Chambers between two saves: one page of curves, a second or two of work."""
PARTS = "parts"


@dataclass(frozen=True)
class Written:
    """What came out.

    Attributes:
        table: growth.csv (see `twincell.series.growth.analysis.growth`).
        comparison: of the conditions; None without any.
        files: everything written.
        notes: what was decided or left out.
    """

    table: pd.DataFrame
    comparison: Comparison | None
    files: list[Path]
    notes: list[str]


def write_growth(
    counts: Path, out: Path, options: GrowthOptions | None = None, progress: bool = True
) -> Written:
    """Fit every chamber of a counts table and write growth.csv, pictures and, where asked, more.

    Args:
        counts: counts.csv of `twincell count`.
        out: folder to make. growth.csv and plots go there; conditions.csv and pairs.csv with a condition;
            events.csv with `events`; counts.csv (smoothed anew) with `counted` or `events`.
        options: what is fitted, compared, drawn.
        progress: show a bar on stderr.

    Raises:
        UserError: bad input or options, all at once; a folder that holds other results.
    """
    options = options or GrowthOptions()
    job = read_job(counts, options)
    with locked(out):
        return _write(job, out, options, progress)


def _write(job: Job, out: Path, options: GrowthOptions, progress: bool) -> Written:
    """The work in a folder that no other process writes to."""
    for file in (out / "growth.csv", options.json):
        if file is not None and file.exists():
            raise UserError(f"{file}: exists already and nothing is overwritten; name another place")
    fresh_dir(out, options.resume)
    parts = _done(job, out, progress)
    table = pd.DataFrame([row for part in parts for row in part["growth"]])
    by = options.by
    comparison = compared(table, by) if by is not None else None
    files = sorted(out.glob("curves-*"))
    files += _tables(job, out, table, comparison, parts)
    if options.plots != "none":
        files += _pictures(out, table, by, comparison, options.plots)
    if options.json is not None:
        files.append(write_atomic(options.json, _json(table, comparison, parts, job)))
    # The table comes last: a folder with growth.csv is complete.
    files.append(write_atomic(out / "growth.csv", _csv(table)))
    shutil.rmtree(out / PARTS)
    return Written(table, comparison, files, job.notes)


def _done(job: Job, out: Path, progress: bool) -> list[dict[str, Any]]:
    """Give all parts, those of an earlier try read back, each missing one made and saved."""
    folder, mark = out / PARTS, _fingerprint(job)
    started = folder / "job.txt"
    if started.exists() and started.read_text() != mark:
        raise UserError(f"{out}: was begun from other counts or options; name another folder with --out")
    others = [path for path in out.iterdir() if path != folder and not is_lock(path)]
    if job.options.resume and not started.exists() and others:
        raise UserError(f"{out}: holds files but no unfinished growth; name another folder with --out")
    write_atomic(started, mark)
    names = list(dict.fromkeys(job.counts["chamber"]))
    parts = []
    with bar(progress) as shown:
        task = shown.add_task("chambers", total=len(names), note="")
        for start in range(0, len(names), AT_ONCE):
            file = folder / f"{start // AT_ONCE:05d}.json"
            if not file.exists():
                chosen = job.counts[job.counts["chamber"].isin(names[start : start + AT_ONCE])]
                part = _part(job, chosen, out / f"curves-{start // AT_ONCE + 1:02d}")
                write_atomic(file, json.dumps(part))
            parts.append(json.loads(file.read_text()))
            shown.advance(task, len(names[start : start + AT_ONCE]))
    return parts


def _part(job: Job, counts: pd.DataFrame, page: Path) -> dict[str, Any]:
    options, events, people = job.options, [], None
    if options.counted or options.events:
        if job.people is not None:
            people = job.people[job.people["chamber"].isin(counts["chamber"])]
        read = smooth_all(counts, people, seed=options.seed)
        counts, events = read.table, read.events
    table = prepared(counts, options.by)
    found = growth(table, options.by, options.first, options.horizon, counted=people)
    if options.plots != "none":
        unit = str(table["unit"].iloc[0])
        picture = plots.drawn(plots.curves(list(fits(table)), unit), options.plots)
        write_atomic(page.with_suffix(f".{options.plots}"), picture)
    return {
        "growth": found.to_dict("records"),
        "events": [asdict(event) for event in events],
        "counts": counts.to_dict("records") if options.counted or options.events else [],
    }


def _tables(
    job: Job, out: Path, table: pd.DataFrame, comparison: Comparison | None, parts: list[dict[str, Any]]
) -> list[Path]:
    files = []
    if comparison is not None:
        conditions = pd.DataFrame([asdict(condition) for condition in comparison.conditions])
        files.append(write_atomic(out / "conditions.csv", _csv(conditions)))
        if comparison.pairs:
            pairs = pd.DataFrame([asdict(pair) for pair in comparison.pairs])
            files.append(write_atomic(out / "pairs.csv", _csv(pairs)))
    if job.options.counted or job.options.events:
        anew = pd.DataFrame([row for part in parts for row in part["counts"]])
        files.append(write_atomic(out / "counts.csv", _csv(anew)))
    if job.options.events:
        events = event_table([Event(**row) for part in parts for row in part["events"]])
        files.append(write_atomic(out / "events.csv", _csv(events)))
    return files


def _pictures(
    out: Path, table: pd.DataFrame, by: str | None, comparison: Comparison | None, form: str
) -> list[Path]:
    files = [write_atomic(out / f"rates.{form}", plots.drawn(plots.rates(table), form))]
    if by is not None and comparison is not None:
        picture = plots.drawn(plots.conditions(table, by, comparison), form)
        files.append(write_atomic(out / f"conditions.{form}", picture))
    return files


def _csv(table: pd.DataFrame) -> str:
    return csv_for_people(table, float_format="%.6g")


def _json(table: pd.DataFrame, comparison: Comparison | None, parts: list[dict[str, Any]], job: Job) -> str:
    found = {
        "unit": str(table["unit"].iloc[0]),
        "verdicts": {str(name): int(n) for name, n in table["verdict"].value_counts().items()},
        "not_growing": list(table.loc[table["verdict"].isin(["not growing", "shrinking"]), "chamber"]),
        "chambers": table.to_dict("records"),
        "by": job.options.by,
        "comparison": asdict(comparison) if comparison is not None else None,
        "events": [row for part in parts for row in part["events"]] if job.options.events else None,
        "notes": job.notes,
    }
    return json.dumps(_plain(found), indent=2) + "\n"


def _plain(value: Any) -> Any:
    # JSON knows neither NaN nor infinity; both mean "unknown" to whoever reads on.
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fingerprint(job: Job) -> str:
    decided = {
        name: value
        for name, value in asdict(job.options).items()
        if name
        not in ("manifest", "resume", "json")  # what they bring stands in the tables, or changes nothing
    }
    digest = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
    for table in (job.counts, job.people):
        if table is not None:
            digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest() + "\n"
