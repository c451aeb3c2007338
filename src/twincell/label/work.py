"""What takes long, as a process: `python -m twincell.label.work KIND ORDER.json`, its result as JSON on
stdout.

It ends when its standard input does, so that no work outlives the page it was asked for from.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twincell.counting import CountOptions, count
from twincell.counting.choose import advice, best, fits
from twincell.counting.inputs import OF_FILE
from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.files import write_atomic
from twincell.label.curves import PREDICTED, Predictions, left_out_error, read_series
from twincell.label.dataset import Dataset, read_dataset
from twincell.label.features import features
from twincell.models.base.file import load_card, load_model, shipped_models

Order = dict[str, Any]
NICE = 5


def work_count(order: Order) -> Order:
    """Count all frames: {manifest, model or None, out} to {model, note, counted}; the best model where
    none."""
    model, note = order["model"], ""
    if model is None:
        found = fits([Path(order["manifest"])], shipped_models(), CountOptions(), convert=True)
        chosen = best(found)
        model, note = (chosen.model if chosen else "any"), advice(found)
    return {"model": str(model), "note": note, **_counted(order["manifest"], model, Path(order["out"]))}


def _counted(manifest: str, model: str | Path, out: Path) -> Order:
    loaded = load_model(model)
    result = count(manifest, loaded, options=CountOptions(use_counted=False, convert=True))
    dataset = read_dataset(manifest)
    assert (result.frames.table["recording"] == OF_FILE).all()
    at = {
        (str(path), page): row
        for row, (path, page) in enumerate(zip(dataset.manifest.paths, dataset.pages, strict=True))
    }
    rows = [at[key] for key in zip(result.frames.table["path"], result.frames.table["page"], strict=True)]
    table = result.table.assign(row=rows, novelty=np.nan)
    write_atomic(out, table[list(PREDICTED)].to_csv(index=False, lineterminator="\n"))
    print("twincell: looking at what frames look like", file=sys.stderr, flush=True)
    _write_features(dataset, loaded, out.with_suffix(".npz"))
    return {
        "counted": int(table["count_frame"].notna().sum()),
        "notes": result.notes[:20],
        "diameters": result.diameters,
    }


def _write_features(dataset: Dataset, model: Any, out: Path) -> None:
    """Features of images that stand alone, to choose the least alike among them."""
    alone = [series for series in dataset.series if not series.in_time]
    if alone:
        rows = alone[0].rows
        found, read = features(dataset, model, rows)
        with out.open("wb") as file:
            np.savez(file, rows=read, features=found)


def work_learn(order: Order) -> Order:
    """Adapt a model to the labels: {manifest, labels, model, out, counts, predictions} to before and
    after."""
    from twincell.training.adaptation.run import adapt

    labels = Manifest.read(order["labels"])
    if not (labels.labelled & (labels.table["split"] == "train").to_numpy()).any():
        raise UserError(
            "no frame of split train is counted yet; those of val and test are kept aside, not learned"
        )
    run = adapt(order["model"], labels, order["out"], seed=int(order["seed"]))
    card = load_card(run)
    figures: Any = card.metrics.get("expected on images like these") or {}
    old = load_card(order["model"])
    changed = card.steps > 0 or (card.name, card.preprocessing) != (old.name, old.preprocessing)
    told: Order = {
        "changed": changed,
        "sentence": card.data.description,
        "labels": card.data.labelled,
        "before": figures.get("mae of the start"),
        "after": figures.get("mae"),
        "error": figures.get("standard error"),
        "model": str(run),
    }
    if changed:
        told |= _counted(order["manifest"], run, Path(order["counts"]))
    return {**told, **_aside(order, changed)}


def _aside(order: Order, changed: bool) -> Order:
    """Errors on labels kept aside (splits val and test), and of the curves with each counted frame left
    out."""
    dataset = read_dataset(order["manifest"])
    known = {int(row): int(n) for row, n in order["known"].items()}
    before = Predictions.read(Path(order["predictions"]), "", 0)
    after = Predictions.read(Path(order["counts"]), "", 0) if changed else before
    aside = [row for row in known if dataset.manifest.table["split"].iloc[row] != "train"]
    told: Order = {"aside": len(aside)}
    if aside:
        truth = np.array([known[row] for row in aside], float)
        for name, said in (("aside_before", before), ("aside_after", after)):
            error = (said.table["count_frame"].reindex(aside).round() - truth).abs()
            told[name] = None if error.isna().all() else round(float(error.mean()), 3)
    for name, said in (("curve_before", before), ("curve_after", after)):
        found = [
            miss
            for series in dataset.series
            if series.in_time and sum(row in known for row in series.rows.tolist()) >= 2
            for miss in left_out_error(read_series(series, dataset.frames, said, known))
        ]
        told[name] = (
            round(float(np.mean([abs(round(read) - label) for label, read, _ in found])), 3)
            if found
            else None
        )
        told["curve_frames"] = len(found)
    return told


def work_import(order: Order) -> Order:
    """Cut chambers out of fields of view, by boxes that a person has confirmed."""
    from twincell.label.fields import import_fields

    return import_fields(order)


def work_look(order: Order) -> Order:
    """Look at recordings for the first time: pictures of every position and the chambers found there."""
    from twincell.label.fields import look

    return look(order)


def work_report(order: Order) -> Order:
    """Growth, report and every file to download, into a new folder."""
    from twincell.label.downloads import write_downloads

    return write_downloads(order)


KINDS: dict[str, Callable[[Order], Order]] = {
    "count": work_count,
    "learn": work_learn,
    "import": work_import,
    "look": work_look,
    "report": work_report,
}


def main(kind: str, order: str) -> int:
    """Do one piece of work; 0 when it is done, 2 for what a person can mend, said on stderr."""
    threading.Thread(target=_end_with_the_page, daemon=True).start()
    os.nice(NICE)
    try:
        result = KINDS[kind](json.loads(Path(order).read_text(encoding="utf-8")))
    except UserError as fault:
        for problem in fault.problems:
            print(f"twincell: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(result))
    return 0


def _end_with_the_page() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
