"""What the shared vector holds: where images come from, and how many cells they show (paper 4.2, Figure 13).

Pictures alone mislead, since UMAP draws clusters where it likes; so two numbers stand beside them, each from
images that what measures it has not seen: how well a linear classifier tells natural from synthetic vectors
(50 % = not at all), and how well a linear read-off finds the count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twincell.data.manifest import Manifest
from twincell.errors import UserError
from twincell.evaluate.tables import markdown
from twincell.evaluate.translation import latent_means
from twincell.files import write_atomic
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import require_twins, transferred
from twincell.reproduce.ratio import stages as ratio_stages
from twincell.reproduce.request import Request
from twincell.reproduce.stage import Job, jobs_of
from twincell.reproduce.synthetic_set import drawn_tests

RATIOS = (0.25, 2.0, 10.0)
NAMES = {
    "scratch": "before the transfer",
    "full": "after it, as usual (2 : 1)",
    **{f"ratio-{ratio:g}": f"after it, {ratio:g} : 1" for ratio in RATIOS},
}
KINDS = ("natural, counted", "natural, uncounted", "synthetic")
COLOURS = {KINDS[0]: "Reds_r", KINDS[1]: "Greens_r", KINDS[2]: "Blues_r"}
MOST = 1000
"""Images of one kind."""
PARTS = 5
"""Parts of a cross-validation."""
CLASSIFIER_STEPS = 2000


@dataclass(frozen=True)
class Embedded:
    """Latent means of one model.

    Attributes:
        vectors: (N, L) float32.
        kinds: (N,) words of `KINDS`.
        counts: (N,) cells, NaN where not counted.
        groups: (N,) chambers; each synthetic image is a group of its own.
    """

    vectors: NDArray[np.float32]
    kinds: NDArray[np.str_]
    counts: NDArray[np.float64]
    groups: NDArray[np.str_]


def jobs(request: Request) -> list[Job]:
    """The transfers at the paper's three ratios and at the preset's, with the trainings they start from."""
    require_umap()
    require_twins(request)
    first, second = request.pair()
    return jobs_of(request, [transferred(request, first, second), *ratio_stages(request, RATIOS)])


def tell(request: Request, results: Sequence[Result]) -> str:
    """Table embedding with both numbers, embedding.csv with every point, embedding.png with the maps.

    Of each stage the first finished division is looked at, in the images of its held-out chambers; several
    vector spaces cannot be laid over one another.
    """
    umap = require_umap()
    rows, points = [], []
    for stage in NAMES:
        first = next((r for r in results if r.job.stage == stage), None)
        if first is None:
            continue
        found = embed(first)
        key = {"modality": first.job.trial.modality, "stage": stage}
        rows.append(key | measure(found))
        neighbours = min(15, len(found.kinds) - 1)
        place = umap.UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(found.vectors)
        points.append(
            pd.DataFrame({"kind": found.kinds, "count": found.counts, "x": place[:, 0], "y": place[:, 1]})
            .assign(**key)
        )  # fmt: skip
    table = pd.DataFrame(rows)
    text = _markdown(table)
    write_atomic(request.out / "embedding.csv", table.to_csv(index=False))
    write_atomic(request.out / "embedding.md", text)
    if points:
        whole = pd.concat(points, ignore_index=True)
        write_atomic(request.out / "embedding-points.csv", whole.to_csv(index=False))
        plot(request, whole)
    return text


def require_umap() -> Any:
    """The package umap.

    Raises:
        UserError: where it is not installed.
    """
    try:
        import umap
    except ImportError as error:
        raise UserError("embedding: needs umap-learn and scikit-learn: pip install umap-learn") from error
    return umap


def embed(result: Result) -> Embedded:
    """Latent means of a finished job's test images and of drawn images it was not trained on."""
    from twincell.data.store import ImageStore
    from twincell.models.base.file import load_model

    model, manifest = load_model(result.job.run), result.job.trial.manifest
    test = manifest.select("test")
    own = ImageStore.load(_evenly(test), progress=False)
    counts = own.counts.double().numpy()
    drawn = drawn_tests(result.job.trial, result.job.settings, min(MOST, max(len(own), 2)))
    return Embedded(
        vectors=np.concatenate(
            [latent_means(model, own.images, natural=True), latent_means(model, drawn.images, natural=False)]
        ),
        kinds=np.array([*np.where(np.isnan(counts), KINDS[1], KINDS[0]), *[KINDS[2]] * len(drawn.counts)]),
        counts=np.concatenate([counts, drawn.counts.double().numpy()]),
        groups=np.array([*own.chambers, *[f"drawn {i}" for i in range(len(drawn.counts))]]),
    )


def measure(found: Embedded) -> dict[str, float]:
    """Both numbers.

    `origin_accuracy`: percent of vectors whose origin a logistic regression tells right, natural and
    synthetic counting alike, in a 5-fold cross-validation. `natural_r2`, `natural_mae`, `synthetic_r2`,
    `synthetic_mae`: of a ridge regression from the vector to the count, cross-validated over chambers (NaN
    with a single one).
    """
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    natural = found.kinds != KINDS[2]
    parts = min(PARTS, int(natural.sum()), int((~natural).sum()))
    telling = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=CLASSIFIER_STEPS)
    )
    folds = StratifiedKFold(parts, shuffle=True, random_state=0)
    guessed = cross_val_predict(telling, found.vectors, natural, cv=folds)
    figures = {"origin_accuracy": 100 * float(balanced_accuracy_score(natural, guessed))}
    for name, kind in (("natural", KINDS[0]), ("synthetic", KINDS[2])):
        own = found.kinds == kind
        vectors, counts, groups = found.vectors[own], found.counts[own], found.groups[own]
        read = np.full(len(counts), np.nan)
        if len(set(groups)) > 1:
            reading = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
            apart = GroupKFold(min(PARTS, len(set(groups))))
            read = cross_val_predict(reading, vectors, counts, groups=groups, cv=apart)
        left = float(((read - counts) ** 2).sum() / ((counts - counts.mean()) ** 2).sum())
        figures[f"{name}_r2"] = 1 - left
        figures[f"{name}_mae"] = float(np.abs(read - counts).mean())
    return figures


def plot(request: Request, points: pd.DataFrame) -> None:
    """One map per stage: colour says where an image is from, its lightness how many cells it shows."""
    from matplotlib.figure import Figure

    from twincell.reproduce.plots import save_figure

    stages = [stage for stage in NAMES if (points["stage"] == stage).any()]
    figure = Figure(figsize=(4.2 * len(stages), 4.2), layout="constrained")
    for axes, stage in zip(figure.subplots(1, len(stages), squeeze=False)[0], stages, strict=True):
        own = points[points["stage"] == stage]
        for kind, colours in COLOURS.items():
            rows = own[own["kind"] == kind]
            shade = rows["count"].fillna(points["count"].median())
            axes.scatter(
                rows["x"], rows["y"], c=shade, cmap=colours, vmin=0, vmax=40, s=6, label=kind, linewidths=0
            )
        axes.set(title=f"{own['modality'].iloc[0].upper()}: {NAMES[stage]}", xticks=[], yticks=[])
        axes.legend(fontsize=7)
    save_figure(request.out / "embedding.png", figure)


def _evenly(manifest: Manifest) -> Manifest:
    """At most `MOST` counted and uncounted rows each, evenly spread."""
    chosen = np.zeros(len(manifest), dtype=bool)
    for mask in (manifest.labelled, ~manifest.labelled):
        rows = np.flatnonzero(mask)
        chosen[rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(int))]] = True
    return manifest.select(chosen)


def _markdown(table: pd.DataFrame) -> str:
    head = ["", "training", "origin told apart %", "natural: R²", "MAE", "synthetic: R²", "MAE"]
    figures = ("natural_r2", "natural_mae", "synthetic_r2", "synthetic_mae")
    rows = [
        [
            row["modality"].upper(),
            NAMES[row["stage"]],
            f"{row['origin_accuracy']:.1f}",
            *(f"{row[name]:.2f}" for name in figures),
        ]
        for _, row in table.iterrows()
    ]
    return markdown(head, rows)


EXPERIMENT = Experiment(
    "embedding",
    "maps of the shared vector, what it says of origin and count (Figure 13)",
    jobs,
    tell,
    preset="compact",
)
