"""TOP-GAN and its controls on simulated phase maps: tables and figures of a study (`twincell.gan.study`)."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from twincell.errors import UserError
from twincell.evaluate.tables import markdown
from twincell.files import write_atomic
from twincell.gan.arms import ARMS
from twincell.gan.dcgan import sample, sheet
from twincell.gan.figures import confusion_figure, roc_figure, sheet_figure
from twincell.gan.pretrain import load_gan
from twincell.gan.study import Study, study_settings
from twincell.reproduce.experiment import Experiment
from twincell.reproduce.options import ReproduceOptions
from twincell.reproduce.phase_check import check
from twincell.reproduce.plots import save_figure

SHOWN = 10
"""Labelled maps a class of the confusion matrices and ROC curves, where they were measured."""


def carry_out(out: Path, options: ReproduceOptions) -> str:
    """Does what is not done yet and tells of all finished draws; --set changes the study (k=[3,10])."""
    settings = study_settings(dict(options.changes.settings))
    # More arms, k or seeds enlarge a study; anything else would make cells that cannot be compared.
    same = settings.model_dump_json(indent=2, exclude={"arms", "k"}) + "\n"
    kept = out / "settings.json"
    if kept.exists() and kept.read_text() != same:
        raise UserError(f"{kept}: this folder's study had other settings; choose another --out")
    write_atomic(kept, same)
    study = Study(settings, out, options.seeds)
    study.run()
    return tell(study)


def tell(study: Study) -> str:
    """Writes topgan.csv, -cells.csv, topgan.png, -confusion.png, -roc.png, -maps.png, topgan.md; `check`."""
    cells = frame(study)
    table = summary(cells)
    out = study.out
    write_atomic(out / "topgan-cells.csv", cells.to_csv(index=False))
    write_atomic(out / "topgan.csv", table.to_csv(index=False, float_format="%.2f"))
    save_figure(out / "topgan.png", curves(table))
    _pictures(study)
    check(out)
    text = words(study, table)
    write_atomic(out / "topgan.md", text)
    return text


def frame(study: Study) -> pd.DataFrame:
    """One row a finished cell: arm, k, seed, accuracy, auc, cpu_seconds."""
    rows = [
        {
            "arm": arm,
            "k": k,
            "seed": seed,
            "accuracy": own["accuracy"],
            "auc": round(float(np.mean(own["auc"])), 4),
            "cpu_seconds": own["cpu_seconds"],
        }
        for arm, k, seed, own in study.results()
    ]
    return pd.DataFrame(rows)


def summary(cells: pd.DataFrame) -> pd.DataFrame:
    """Over draws: mean accuracy, 90 % interval of the mean (Student's t), mean AUC; one row an arm and k."""
    from scipy import stats

    rows = []
    for (arm, k), own in cells.groupby(["arm", "k"], sort=False):
        n, mean = len(own), own["accuracy"].mean()
        half = stats.t.ppf(0.95, n - 1) * own["accuracy"].std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
        rows.append(
            {
                "arm": arm,
                "k": k,
                "seeds": n,
                "accuracy": mean,
                "lower": mean - half,
                "upper": mean + half,
                "auc": own["auc"].mean(),
                "cpu_seconds": own["cpu_seconds"].mean(),
            }
        )
    return pd.DataFrame(rows)


def words(study: Study, table: pd.DataFrame) -> str:
    """The tables as Markdown."""
    ks = sorted(table["k"].unique())
    rows = []
    for arm in study.arms:
        own = table[table["arm"] == arm].set_index("k")
        rows.append([_name(study, arm), *(_cell(own.loc[k]) if k in own.index else "-" for k in ks)])
    told = markdown(["", *(f"k = {k}" for k in ks)], rows)
    s = study.settings
    lines = [
        f"Accuracy in percent (90 % interval of the mean over up to {table['seeds'].max()} draws), "
        f"{3 * s.test} simulated test maps.\n",
        told,
    ]
    if reference := study.read("reference"):
        lines.append(
            f"\nA reference that learned from {s.reference} maps a class: {reference['accuracy']:.1f} %.\n"
        )
    tried = {arm: study.read(f"tries-{arm}") for arm in study.arms}
    lines.append("\nSettings tried (on draws of their own) and the accuracy of each in percent:\n\n")
    lines.append(
        markdown(
            ["", "taken", "tries"],
            [
                [
                    _name(study, arm),
                    f"{found['value']:g}",
                    ", ".join(f"{v}: {a:.1f}" for v, a in found["tries"].items()),
                ]
                for arm, found in tried.items()
                if found
            ],
        )
    )
    return "".join(lines)


def curves(table: pd.DataFrame) -> Figure:
    """Accuracy against the number of labelled maps, a line an arm."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    for arm, own in table.groupby("arm", sort=False):
        width = 2.2 if arm in ("topgan", "self-supervised") else 1.1
        (line,) = axes.plot(own["k"], own["accuracy"], "o-", linewidth=width, label=ARMS[str(arm)].words)
        axes.fill_between(own["k"], own["lower"], own["upper"], alpha=0.10, color=line.get_color())
    ticks = sorted(table["k"].unique())
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()
    axes.set(xlabel="labelled maps a class", ylabel="accuracy (%)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def _pictures(study: Study) -> None:
    done: dict[tuple[int, int], list[str]] = {}
    for arm, k, seed, _ in study.results():
        done.setdefault((k, seed), []).append(arm)
    k, seed = max(done, key=lambda pair: (len(done[pair]), pair[0] == SHOWN))
    chances = {ARMS[arm].words: study.chances(arm, k, seed) for arm in done[k, seed]}
    save_figure(study.out / "topgan-confusion.png", confusion_figure(chances, study.test))
    best = "topgan" if "topgan" in done[k, seed] else done[k, seed][0]
    save_figure(study.out / "topgan-roc.png", roc_figure(study.chances(best, k, seed), study.test))
    if (study.out / "gan").is_dir():
        real = study.unlabelled.scaled(study.unlabelled.top(), study.settings.side)[:64]
        cells = study.test.scaled(study.top, study.settings.side)
        rows = np.concatenate([np.flatnonzero(study.test.labels == label)[:24] for label in range(3)])
        made = sample(load_gan(study.out / "gan"), 64)
        titles = ("drawn, unlabelled", "made by the GAN", "drawn, the classes")
        save_figure(
            study.out / "topgan-maps.png",
            sheet_figure(sheet(real), sheet(made), sheet(cells[rows][:72], 8), titles=titles),
        )


def _name(study: Study, arm: str) -> str:
    if arm == "imagenet":
        return ARMS[arm].words + (", ImageNet weights" if study.settings.imagenet else ", random weights")
    return ARMS[arm].words


def _cell(row: pd.Series) -> str:
    if np.isnan(row["lower"]):
        return f"{row['accuracy']:.1f}"
    return f"{row['accuracy']:.1f} ({row['lower']:.1f}-{row['upper']:.1f})"


EXPERIMENT = Experiment(
    "topgan",
    "classes of simulated phase maps from few labelled ones: TOP-GAN and its controls (draws its own maps)",
    jobs=lambda request: [],
    tell=lambda request, results: "",
    alone=carry_out,
)
