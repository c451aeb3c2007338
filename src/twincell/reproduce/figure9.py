"""The Twin-VAE's transfer with one of the paper's parameters changed at a time (paper 3.2, Figure 9).

`tuning` varies whatever preset is named; this is the paper's own figure: its method, its six parameters, its
direction.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from twincell.config import Settings
from twincell.reproduce.experiment import Experiment, Result
from twincell.reproduce.paper import require_twins, scratch, transfer, transferred
from twincell.reproduce.plots import save_figure
from twincell.reproduce.request import Request, shortened
from twincell.reproduce.stage import Job, Stage, jobs_of, wanted
from twincell.reproduce.stage_table import stage_rows, write_stages

LOSSES = {
    "kl": "KLD loss factor",
    "regression": "rlf, factor of the count",
    "reconstruction": "dlf, of pixels",
}
FACTORS = (0.1, 0.3, 3.0, 10.0)
"""Of the preset's factor, which is the plain transfer's."""
NOISE, CROPS = (0.0, 0.5, 2.0, 4.0), (0.8, 0.85, 0.9, 0.95, 1.0)
PARTS = (20, 5, 2)
"""The training before the transfer, so many times shorter than the whole."""
PANELS = (
    ("kl", LOSSES["kl"]),
    ("pretrain", "length of the training before, share"),
    ("noise", "noise, times the preset's"),
    ("reconstruction", LOSSES["reconstruction"]),
    ("regression", LOSSES["regression"]),
    ("crop", "crop, share of the side"),
)
"""In the order of the paper's figure."""


def stages(request: Request) -> list[Stage]:
    """The plain transfer from the first modality to the second, and each of its variations."""
    first, second = request.pair()
    start, short = scratch(request, first), request.transfer_settings_for(second)
    chain = [transferred(request, first, second)]
    for term in LOSSES:
        for factor in FACTORS:
            name = f"{term}-{factor:g}"
            chain.append(transfer(request, name, start, second, "full", **scaled_loss(short, term, factor)))
    low, high = short.augment.noise
    for factor in NOISE:
        noise = (factor * low, factor * high)
        chain.append(transfer(request, f"noise-{factor:g}", start, second, augment__noise=noise))
    for crop in CROPS:
        if crop != short.augment.crop:
            chain.append(transfer(request, f"crop-{crop:g}", start, second, augment__crop=crop))
    for parts in PARTS:
        before = Stage(f"scratch-{1 / parts:g}", first, shortened(request.settings_for(first), parts))
        chain.append(transfer(request, f"pretrain-{1 / parts:g}", before, second))
    return chain


def scaled_loss(settings: Settings, term: str, factor: float) -> dict[str, Any]:
    """Changes that multiply one factor of equation 1 for both origins."""
    loss = settings.model.model_dump()["loss"]
    return {
        f"model__loss__{origin}__{term}": factor * loss[origin][term] for origin in ("natural", "synthetic")
    }


def jobs(request: Request) -> list[Job]:
    """All trainings, or those that `--rows` names."""
    require_twins(request)
    return jobs_of(request, wanted(request, stages(request)))


def tell(request: Request, results: Sequence[Result]) -> str:
    """Writes figure9.csv, figure9.md and figure9.png, a panel for each parameter."""
    _, second = request.pair()
    own = [r for r in results if r.job.stage == "full" or r.job.stage.split("-")[0] in dict(PANELS)]
    own = [r for r in own if r.job.trial.modality == second]
    if not own:
        return "no training is finished"
    table = stage_rows(own)
    crop = request.transfer_settings_for(second).augment.crop
    table["parameter"], table["value"] = zip(*[_place(stage, crop) for stage in table["stage"]], strict=True)
    names = {stage: stage.replace("-", " x ") for stage in table["stage"]} | {"full": "the plain transfer"}
    text = write_stages(request.out, "figure9", table, names)
    save_figure(request.out / "figure9.png", draw(table[table["method"] == "model"], crop))
    return text


def _place(stage: str, crop: float) -> tuple[str, float]:
    name, _, value = stage.partition("-")
    return (name, float(value)) if name in dict(PANELS) else ("", crop if name == "crop" else 1.0)


def draw(table: pd.DataFrame, crop: float) -> Figure:
    """Accuracy against each parameter; the plain transfer is the square."""
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    plain = table.loc[table["stage"] == "full", "accuracy"]
    for axes, (name, title) in zip(figure.subplots(2, 3).ravel(), PANELS, strict=True):
        own = table[table["parameter"] == name].sort_values("value")
        axes.errorbar(own["value"], own["accuracy"], fmt="o-", color="#0072B2", linewidth=1.2)
        if len(plain):
            axes.plot(crop if name == "crop" else 1.0, plain.iloc[0], "s", color="#D55E00")
        if name in (*LOSSES, "pretrain"):
            axes.set_xscale("log")
        axes.set_title(title, fontsize=9)
        axes.grid(alpha=0.3)
    figure.supylabel("test accuracy (%)", fontsize=9)
    return figure


EXPERIMENT = Experiment(
    "figure9",
    "the Twin-VAE's transfer with one of the paper's parameters changed at a time (Figure 9)",
    jobs,
    tell,
    preset="compact",
    options=("--rows",),
)
