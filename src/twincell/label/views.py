"""What the page shows, as plain values."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from twincell.label.agreement import between, within
from twincell.label.answers import Answer
from twincell.label.curves import doubt
from twincell.label.records import FINISHED
from twincell.label.session import Session

PAGE = 60
"""Small frames of one page of the review."""


def state(session: Session, person: str) -> dict[str, Any]:
    """The whole: series, people, model, work."""
    answers = session.store.answers.all()
    mine: dict[int, int] = {}
    drafts = 0
    for answer in answers:
        row = session.dataset.row(answer.image, answer.page)
        if row is not None and answer.person == person:
            number = int(session.dataset.of_row[row])
            mine[number] = mine.get(number, 0) + (answer.count is not None and answer.round == 0)
            drafts += answer.draft
    learning = session.learning
    return {
        "name": session.path.parent.name,
        "stamp": session.stamp,
        "series": [
            {
                "number": i,
                "name": s.name,
                "first": int(s.rows[0]),
                "frames": len(s.rows),
                "in_time": s.in_time,
                "modality": s.modality,
                "split": s.split,
                "known": len(session.known_in(i)),
                "mine": mine.get(i, 0),
                "condition": session.store.answers.conditions.get(s.name, ""),
            }
            for i, s in enumerate(session.dataset.series)
        ],
        "people": sorted({a.person for a in answers}),
        "drafts": drafts,
        "answered": sum(a.count is not None for a in answers if a.person == person),
        "model": learning.name,
        "note": learning.note,
        "learned": learning.last,
        "report": {k: v for k, v in learning.report.items() if k != "folder"},
        **pulse(session),
    }


def pulse(session: Session) -> dict[str, Any]:
    """What may have changed since a page looked last."""
    job, predictions = session.jobs.now, session.learning.predictions
    return {
        "last": session.store.last,
        "counts": 0 if predictions is None else predictions.number,
        "job": None if job is None else job.as_dict(),
    }


def frame(session: Session, person: str, row: int, round_: int = 0) -> dict[str, Any]:
    """A frame with the person's own answer; what others and the model say only once it is finished.

    Raises:
        UserError: the image cannot be read.
    """
    data = session.dataset
    number, place = int(data.of_row[row]), int(data.place[row])
    series, answer = data.series[number], session.answer(person, row, round_)
    height, width = data.size(row)
    hours = data.hours[row]
    found: dict[str, Any] = {
        "row": row,
        "round": round_,
        "series": number,
        "chamber": series.name,
        "place": place,
        "of": len(series.rows),
        "name": data.name(row),
        "frame": data.frames[row] if series.in_time else place + 1,
        "hours": None if math.isnan(hours) else hours,
        "width": width,
        "height": height,
        "answer": told(answer),
        "ghost": _ghost(session, person, number, place) if round_ == 0 else None,
        "others": None,
        "model": None,
    }
    if answer.status in FINISHED:
        found["others"] = others(session, person, row)
        found["model"] = model(session, row)
    return found


def told(answer: Answer) -> dict[str, Any]:
    """An answer as the page takes it."""
    return {
        "dots": list(answer.dots.values()),
        "number": answer.number,
        "status": answer.status,
        "count": answer.count,
        "cells": len(answer.cells),
        "undo": answer.to_undo() is not None,
        "redo": answer.to_redo() is not None,
    }


def others(session: Session, person: str, row: int) -> list[dict[str, Any]]:
    """What others say of a frame, the manifest among them."""
    found = [
        {"person": a.person, "count": a.count, "dots": [[d["x"], d["y"]] for d in a.cells]}
        for a in session.answers_on(row)
        if a.count is not None and a.round == 0 and a.person != person
    ]
    count = session.dataset.manifest.table["count"].iloc[row]
    if np.isfinite(count):
        found.append({"person": "manifest", "count": int(count), "dots": []})
    return found


def model(session: Session, row: int) -> dict[str, Any] | None:
    """What the model says of a frame, the frame's own count left out; None before it has counted."""
    predictions = session.learning.predictions
    if predictions is None or row not in predictions.table.index:
        return None
    line = predictions.table.loc[row]
    return {name: number(line[name]) for name in ("count_frame", "count", "lower", "upper")} | {
        "flag": line["flag"]
    }


def series(session: Session, person: str, number_: int) -> dict[str, Any]:
    """A series for the film strip: rows, frames, and what this person has done where."""
    s = session.dataset.series[number_]
    done: dict[int, list[Any]] = {}
    for place, row in enumerate(s.rows.tolist()):
        answer = session.answer(person, row)
        if answer.records:
            done[place] = ["draft" if answer.draft else answer.status, answer.count]
    whole = bool((np.diff(s.rows) == 1).all())
    return {
        "number": number_,
        "name": s.name,
        "start": int(s.rows[0]),
        "rows": None if whole else s.rows.tolist(),
        "n": len(s.rows),
        "frames": [session.dataset.frames[row] for row in s.rows.tolist()] if s.in_time else None,
        "done": done,
    }


def curve(session: Session, number_: int) -> dict[str, Any]:
    """A series' counts with intervals and what people counted."""
    s, rows = session.dataset.series[number_], session.read(number_)
    hours = [session.dataset.hours[row] for row in s.rows.tolist()]
    timed = s.in_time and all(math.isfinite(hour) for hour in hours)
    return {
        "number": number_,
        "name": s.name,
        "unit": "h" if timed else "frame",
        "x": hours if timed else rows["frame"].tolist() if s.in_time else list(range(1, len(rows) + 1)),
        "rows": s.rows.tolist(),
        "frames": rows["frame"].tolist(),
        **{
            name: [number(v) for v in rows[name].tolist()]
            for name in ("count", "lower", "upper", "count_frame", "counted")
        },
        "flag": rows["flag"].tolist(),
        "width": number(
            float(np.nanmean(rows["upper"] - rows["lower"])) if rows["upper"].notna().any() else math.nan
        ),
    }


def review(session: Session, person: str, query: dict[str, str], start: int = 0) -> dict[str, Any]:
    """Frames to look through, most doubtful first.

    Args:
        person: whose answers are told apart.
        query: `chamber` and `condition` (words in the name), `flag` (word, or "any"), `show` (all, counted,
            uncounted, differ, unsure), `sort` (doubt, time, difference), `compare` (another person).
        start: of the page.
    """
    parts = []
    for i, s in enumerate(session.dataset.series):
        condition = session.store.answers.conditions.get(s.name, "")
        words = (("chamber", s.name), ("condition", condition))
        if all(query.get(name, "").casefold() in text.casefold() for name, text in words):
            rows = session.read(i)
            parts.append(rows.assign(doubt=doubt(rows), series=i))
    if not parts:
        return {"total": 0, "start": 0, "frames": [], "flags": []}
    table = pd.concat(parts, ignore_index=True)
    flags = sorted(
        {word.split(":")[0] for flag in table["flag"].unique() for word in flag.split("; ") if word}
    )
    table = _chosen(session, person, table, query)
    first = table.iloc[start : start + PAGE]
    return {
        "total": len(table),
        "start": start,
        "frames": [_small(session, person, line) for line in first.to_dict("records")],
        "flags": flags,
    }


def _chosen(session: Session, person: str, table: pd.DataFrame, query: dict[str, str]) -> pd.DataFrame:
    flag, show, sort = query.get("flag", ""), query.get("show", "all"), query.get("sort", "doubt")
    if flag:
        table = (
            table[table["flag"] != ""]
            if flag == "any"
            else table[table["flag"].str.contains(flag, regex=False)]
        )
    if show in ("counted", "uncounted"):
        table = table[table["counted"].notna() == (show == "counted")]
    said = table["count_frame"]
    other = query.get("compare", "")
    if show in ("differ", "unsure") or sort == "difference" or other:
        answers = {int(row): session.answer(person, int(row)) for row in table["row"]}
        own = table["row"].map(lambda row: answers[row].count).astype(float)
        if show == "unsure":
            table = table[table["row"].map(lambda row: answers[row].status == "unsure").astype(bool)]
        if other:
            said = table["row"].map(lambda row: session.answer(other, int(row)).count).astype(float)
        apart = (own.reindex(table.index) - said.reindex(table.index).round()).abs()
        table = table.assign(apart=apart.fillna(-1))
        if show == "differ":
            table = table[table["apart"] > 0]
        if other and show == "all":
            table = table[table["apart"] >= 0]
    key = {"doubt": "doubt", "difference": "apart"}.get(sort, "")
    return table.sort_values(key, ascending=False, kind="stable") if key in table else table


def _small(session: Session, person: str, line: Mapping[Any, Any]) -> dict[str, Any]:
    row = int(line["row"])
    answer = session.answer(person, row)
    return {
        "row": row,
        "series": int(line["series"]),
        "name": session.dataset.name(row),
        "mine": answer.count,
        "status": answer.status,
        "others": [[o["person"], o["count"]] for o in others(session, person, row)],
        "flag": line["flag"],
        **{name: number(line[name]) for name in ("count", "lower", "upper", "count_frame", "doubt")},
    }


def people(session: Session) -> dict[str, Any]:
    """How well people agree."""
    answers = session.store.answers.all()
    seconds = [a.seconds for a in answers if a.count is not None and a.seconds > 0]
    return {
        "within": [_plain(s.__dict__) for s in within(answers)],
        "between": [_plain(s.__dict__) for s in between(answers)],
        "seconds": number(float(np.median(seconds)) if seconds else math.nan),
        "answers": sum(a.count is not None for a in answers),
    }


def number(value: Any) -> float | None:
    """A number for JSON, which knows no NaN."""
    return None if value is None or not math.isfinite(value) else round(float(value), 3)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: number(v) if isinstance(v, float) else v for k, v in values.items()}


def _ghost(session: Session, person: str, number_: int, place: int) -> dict[str, Any] | None:
    """The dots of the nearest frame before that the person finished, to carry on from."""
    rows = session.dataset.series[number_].rows
    if not session.dataset.series[number_].in_time:
        return None
    for before in range(place - 1, max(place - 200, -1), -1):
        answer = session.answer(person, int(rows[before]))
        if answer.status in FINISHED and answer.dotted and answer.cells:
            dots = [[d["x"], d["y"], d["label"]] for d in answer.cells]
            return {"dots": dots, "back": place - before, "frame": session.dataset.frames[int(rows[before])]}
    return None
