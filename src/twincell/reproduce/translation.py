"""Cross-decoding: pictures read by one twin and drawn by the other, and whether the count survives it.

Figures 5 to 8 of the paper show single pictures; here the counter itself is asked about every translated one
(paper 2.4).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.evaluate.tables import markdown
from twincell.evaluate.translation import Translation, translate
from twincell.files import write_atomic
from twincell.report.images import png, sheet
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import require_twins, scratch, transferred
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, jobs_of
from twincell.reproduce.synthetic_set import drawn_tests

NAMES = {"scratch": "Twin-VAE", "full": "Transfer Twin-VAE"}
DRAWN = 200
ON_SHEET = 8


def jobs(request: Request) -> list[Job]:
    """Each modality from scratch, and after a transfer from the other where there are two."""
    require_twins(request)
    stages = [scratch(request, m) for m in request.modalities]
    if len(request.modalities) == 2:
        first, second = request.pair()
        stages += [transferred(request, first, second), transferred(request, second, first)]
    return jobs_of(request, stages)


def tell(request: Request, results: Sequence[Result]) -> str:
    """Table translation, one CSV row per picture, and a sheet of pictures per stage and direction.

    A sheet's rows are: the picture, its own decoder's drawing, the other decoder's.
    """
    frames = pd.concat([_counted(request, r) for r in results if r.job.stage in NAMES], ignore_index=True)
    keys = ["modality", "stage", "to"]
    table = pd.DataFrame(
        [dict(zip(keys, key, strict=True)) | scores(own) for key, own in frames.groupby(keys, sort=False)]
    )
    text = _markdown(table)
    write_atomic(request.out / "translation-pictures.csv", frames.to_csv(index=False))
    write_atomic(request.out / "translation.csv", table.to_csv(index=False))
    write_atomic(request.out / "translation.md", text)
    return text


def scores(frames: pd.DataFrame) -> dict[str, float]:
    """How far a count survives translation, from columns label, count and count_translated (cells).

    `agreement`: percent of pictures with the same rounded count; `difference`: mean |translated - original|;
    `mae` and `mae_translated`: of the rounded counts against the labels; `blind`: the mean |count - median
    count|, which a translated picture that shows nothing of the original would score as its difference.
    """
    original, translated = np.rint(frames["count"]), np.rint(frames["count_translated"])
    return {
        "n": float(len(frames)),
        "agreement": 100 * float((original == translated).mean()),
        "difference": float((frames["count"] - frames["count_translated"]).abs().mean()),
        "blind": float((frames["count"] - frames["count"].median()).abs().mean()),
        "mae": float((original - frames["label"]).abs().mean()),
        "mae_translated": float((translated - frames["label"]).abs().mean()),
    }


def _counted(request: Request, result: Result) -> pd.DataFrame:
    """Natural test pictures drawn as synthetic, and drawn ones as natural, with both counts of each."""
    from twincell.data.store import ImageStore
    from twincell.models.base.file import load_model

    job = result.job
    model, manifest = load_model(job.run), job.trial.manifest
    test = manifest.select("test")
    natural = ImageStore.load(test.select(test.labelled), progress=False)
    drawn = drawn_tests(job.trial, job.settings, DRAWN)
    bytes_drawn = (drawn.images[:, 0] * 255).round().byte().numpy()
    parts = []
    for to, images, labels in (
        ("synthetic", natural.images[:, 0].numpy(), natural.counts.numpy()),
        ("natural", bytes_drawn, drawn.counts.numpy()),
    ):
        found = translate(model, images, to)
        name = f"translation-{job.stage}-{job.trial.name}-to-{to}.png"
        if not (request.out / name).exists():
            write_atomic(request.out / name, _sheet(found, labels))
        parts.append(
            pd.DataFrame(
                {
                    "modality": job.trial.modality,
                    "stage": job.stage,
                    "to": to,
                    "fold": job.trial.fold,
                    "seed": job.trial.seed,
                    "label": labels,
                    "count": found.count_original,
                    "count_translated": found.count_translated,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _sheet(found: Translation, labels: NDArray[Any]) -> bytes:
    """Pictures from few cells to many, one a column."""
    order = np.argsort(labels, kind="stable")
    columns = order[np.unique(np.linspace(0, len(order) - 1, ON_SHEET).round().astype(int))]
    rows = (found.original, found.reconstructed, found.translated)
    return png(sheet([images[i] for images in rows for i in columns], columns=len(columns)))


def _markdown(table: pd.DataFrame) -> str:
    head = ["", "model", "drawn as", "n", "same count %", "cells apart", "apart if nothing survived",
            "MAE of the original", "MAE of the translated"]  # fmt: skip
    figures = ("difference", "blind", "mae", "mae_translated")
    rows = [
        [
            row["modality"].upper(),
            NAMES[row["stage"]],
            row["to"],
            f"{row['n']:.0f}",
            f"{row['agreement']:.1f}",
            *(f"{row[name]:.2f}" for name in figures),
        ]
        for _, row in table.iterrows()
    ]
    return markdown(head, rows)


EXPERIMENT = Experiment(
    "translation",
    "cross-decoding: does the count survive translation (Figures 5 to 8)",
    jobs,
    tell,
    preset="compact",
)
